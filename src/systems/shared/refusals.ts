import { VenomError } from '../../errors.ts'

/** What a driver calls the connections that its pool hands out. */
type Noun = 'client' | 'connection'

/** Something was still under way after `settle` ms; `not` is what was therefore not done. */
export function stillUnderWay(system: string, noun: Noun, doing: string, settle: number, not: string): VenomError {
  return new VenomError(
    'NOT_QUIET',
    `${system}: ${doing} is still under way after ${settle / 1000} s, so ${not}.\n` +
      `A step ended before the work that it began, or a ${noun} was not given back to the pool.\n` +
      'Await all work in the step, end the transaction, or raise settle.',
    { retryable: true },
  )
}

/** What is lent out already would be committed past us. */
export function alreadyLent(system: string, noun: Noun, count: number): VenomError {
  return new VenomError(
    'NOT_QUIET',
    `${system}: the pool has lent out ${count} ${noun}${count === 1 ? '' : 's'} already.\n` +
      'What runs on them would be committed past the shared connection.\n' +
      `Open the world before the application takes ${noun}s, or give them back first.`,
  )
}

/** Used before the world was opened, or after it was closed. */
export function notOpen(system: string): VenomError {
  return new VenomError(
    'NOT_OPEN',
    `${system}: the system is not open.\n` +
      'It is used before the world was opened, or after it was closed.\n' +
      'Use it inside a step, or between World.open() and world.close().',
  )
}

/** A connection was given back inside its transaction. */
export function leftOpen(system: string, noun: Noun, doing: string): string {
  return (
    `${system}: a ${noun} was given back to the pool with ${doing} still open; it is rolled back here.\n` +
    `In production whoever gets that ${noun} next would run inside that transaction.`
  )
}

/** Somebody else committed. `written`: which tables; `system`: without `.shared`. */
export function wroteElsewhere(system: string, written: string, place: string): VenomError {
  return new VenomError(
    'NOT_VERIFIED',
    `${system}: another connection wrote to ${written} in ${place}, which cannot be undone here.\n` +
      'The application has a second pool, a connection of its own or another process, or somebody else is at work in the database.\n' +
      `Hand over every pool that it has, or use ${system}(url), which undoes what any connection wrote.`,
  )
}

/** Used before its world was opened, or after that was closed. `use` is how a world is given it: `cache: redis(url)`. */
export function notConnected(system: string, use: string): VenomError {
  return new VenomError(
    'NOT_OPEN',
    `${system}: the system is not open.\n` +
      'It connects when its world opens, and hangs up when that closes.\n' +
      `Use it through the world: await World.open({ systems: { ${use} } }).`,
  )
}
