import type { Awaitable, Rollbackable } from './rollbackable.ts'

// Taken at load, so that a runner's fake timers never change what is measured.
const now = performance.now.bind(performance)

/** What may take too long. */
export type Slowable = 'checkpoint' | 'rollback' | 'reset'

/** From how many ms on it is told. */
const SLOW_MS = 1000

/** What each usually means, and what to do. */
const ADVICE: Readonly<Record<Slowable, readonly [means: string, fix: string]>> = {
  checkpoint: [
    'Its way costs by how much there is, or it waited for a transaction that the application had not ended.',
    'Choose a way that costs what changed (npx venomqa doctor URL says which there is), let the system look after less (its options only, prefix, collections), or take fewer checkpoints.',
  ],
  rollback: [
    'Much changed since that mark, its way costs by how much there is, or it waited for a transaction that was not ended.',
    'Take the checkpoint after the data is loaded, so that branches change less; choose a way that costs what changed (npx venomqa doctor URL), or let the system look after less (its options only, prefix, collections).',
  ],
  reset: [
    'Every table, collection or key is emptied, also those that no test fills.',
    'Empty those that the tests fill, world.reset({ only: […] }); or go back to the start instead, world.rollback(world.start), which costs what changed.',
  ],
}

/** Tells of what takes too long, once for each system and for each of the three. */
export class Slowness {
  readonly #notice: (message: string) => void
  readonly #limit: number
  readonly #told = new Set<string>()

  /** `limit` is in ms. */
  constructor(notice: (message: string) => void, limit = SLOW_MS) {
    this.#notice = notice
    this.#limit = limit
  }

  /** Does `work` on a system. `doing` is how a sentence names it: `the rollback to "paid"`. */
  async timed<T>(
    what: Slowable,
    doing: string,
    [name, system]: readonly [string, Rollbackable],
    work: () => Awaitable<T>,
  ): Promise<T> {
    const began = now()
    const result = await work()
    const took = now() - began
    if (took > this.#limit && !this.#told.has(`${what} ${name}`)) {
      this.#told.add(`${what} ${name}`)
      const [means, fix] = ADVICE[what]
      this.#notice(
        `SLOW_${what.toUpperCase()} ${name} took ${Math.round(took)} ms for ${doing} (${system.way ?? 'its own way'}).\n` +
          `${means}\n${fix}\n` +
          `A machine that is busy with something else is slow as well.\n` +
          `It is told once, when it takes more than ${this.#limit} ms: slow in World.open() and defineWorld().`,
      )
    }
    return result
  }
}
