import { VenomError } from '../../errors.ts'
import { observation, type Rollbackable } from '../../rollbackable.ts'

/** What `vi` of Vitest and `jest` of Jest have in common. */
export interface FakeTimers {
  useFakeTimers(config?: object): unknown
  useRealTimers(): unknown
  advanceTimersByTimeAsync(ms: number): Promise<unknown>
  setSystemTime(now: number): unknown
  getTimerCount(): number
}

/** How time is faked. */
export interface ClockOptions {
  /** What time it is at first. Default: what it is. */
  readonly now?: Date | string | number
  /**
   * Also fakes `setTimeout` and `setInterval`, which then run only when the clock is moved. Default false: database
   * drivers need theirs.
   */
  readonly timers?: boolean
}

/** The time of this process, which stands still until it is moved. */
export interface Clock {
  now(): Date
  /** Moves on by `ms` milliseconds. Timers that are due meanwhile run, where they are faked. */
  advance(ms: number): Promise<void>
  /** Moves to a date; timers do not run. */
  set(date: Date | string | number): void
}

/** The time of this process as a system. */
export interface ClockSystem extends Rollbackable<number, Clock> {
  readonly kind: 'tree'
  readonly handle: Clock
}

const DATE = ['Date']
const TIMERS = ['setTimeout', 'clearTimeout', 'setInterval', 'clearInterval']
/** What else Jest fakes unless it is told not to. https://jestjs.io/docs/jest-object#jestusefaketimersfaketimersconfig */
const OTHERS = [
  'hrtime',
  'nextTick',
  'performance',
  'queueMicrotask',
  'setImmediate',
  'clearImmediate',
  'requestAnimationFrame',
  'cancelAnimationFrame',
  'requestIdleCallback',
  'cancelIdleCallback',
]

/**
 * The time of this process as a system: `new Date()` stands still, a step moves it, a rollback sets it back.
 *
 * It uses the fake timers of the runner, `clock(vi)` or `clock(jest)`, which real ones replace when the world closes.
 * An application in another process has its own time. A checkpoint with faked timers pending throws `NOT_QUIET`: what
 * they would do cannot be copied.
 */
export function clock(fake: FakeTimers, options: ClockOptions = {}): ClockSystem {
  const { timers = false } = options
  const stopAt = (now: number): void => {
    const toFake = timers ? [...DATE, ...TIMERS] : DATE
    fake.useFakeTimers({ now, toFake, doNotFake: timers ? OTHERS : [...OTHERS, ...TIMERS] })
  }
  const handle: Clock = {
    now: () => new Date(),
    advance: async (ms) => void (await fake.advanceTimersByTimeAsync(ms)),
    set: (date) => void fake.setSystemTime(timeOf(date)),
  }
  return {
    kind: 'tree',
    restores: { data: true },
    way: `clock: the runner's fake Date${timers ? ' and timers' : ''}`,
    handle,
    open: () => stopAt(options.now === undefined ? Date.now() : timeOf(options.now)),
    checkpoint(name) {
      const pending = timers ? fake.getTimerCount() : 0
      if (pending > 0) throw timersPending(name, pending)
      return Date.now()
    },
    // Anew, so that timers of the branch are forgotten, and a step that went back to real ones is undone.
    rollback: stopAt,
    changes(since) {
      const now = Date.now()
      if (now === since) return []
      const at = { before: { now: new Date(since) }, after: { now: new Date(now) } }
      return [{ key: 'clock', inserted: [], updated: [at], deleted: [] }]
    },
    observe: () => observation('clock', Date.now()),
    close: () => void fake.useRealTimers(),
  }
}

function timeOf(date: Date | string | number): number {
  const time = new Date(date).getTime()
  if (!Number.isNaN(time)) return time
  throw new VenomError(
    'BAD_ARGUMENT',
    `clock: ${JSON.stringify(date)} is no date.\nThe clock takes a Date, milliseconds since 1970, or text that Date understands.\nWrite it as '2026-12-24T18:00:00Z'.`,
  )
}

function timersPending(name: string, count: number): VenomError {
  return new VenomError(
    'NOT_QUIET',
    `clock: ${count} timer${count === 1 ? ' is' : 's are'} pending, so "${name}" cannot be taken.\n` +
      'A timer is a function that is called later, and a rollback could not bring it back.\n' +
      'Let them run before the checkpoint (await clock.advance(ms)), or clear them; or leave timers alone: clock(vi).',
    { retryable: true },
  )
}
