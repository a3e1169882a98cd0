import { isDeepStrictEqual } from 'node:util'
import { summaries } from './changes.ts'
import { copy } from './copy.ts'
import { throwIfAny } from './errors.ts'
import type { Awaitable, Change, Observation, ResetOptions, Rollbackable } from './rollbackable.ts'
import type { Slowness } from './slow.ts'

/** What each system gave for one moment, and how those looked that can only be observed. */
export interface Moment {
  readonly parts: ReadonlyMap<string, unknown>
  readonly looks: ReadonlyMap<string, unknown>
}

const NOTHING: Moment = { parts: new Map(), looks: new Map() }

/** Several systems as one: each call goes to all in parallel, every one is attempted, and what failed is one error. */
export class Together {
  readonly #systems: ReadonlyMap<string, Rollbackable>

  readonly #slowness: Slowness

  constructor(systems: ReadonlyMap<string, Rollbackable>, slowness: Slowness) {
    this.#systems = systems
    this.#slowness = slowness
  }

  /** Whether marks made after the one gone back to stay: one system that forgets makes all forget. */
  get isTree(): boolean {
    return [...this.#systems.values()].every((system) => system.kind === 'tree')
  }

  /** Whether two systems at least could disagree about which moment a checkpoint was taken in, and can tell. */
  get canDisagree(): boolean {
    return [...this.#systems.values()].filter((system) => system.changes).length > 1
  }

  /**
   * Takes a mark of every system, but keeps the parts of `standing`.
   *
   * Throws `CHECKPOINT_FAILED`, or a system's own error, after releasing all parts.
   */
  async checkpoint(name: string, looks: boolean, standing: Moment = NOTHING): Promise<Moment> {
    const parts = new Map(standing.parts)
    const results = await this.#all(async (system, at) => {
      if (standing.parts.has(at)) return
      const take = (): unknown => system.checkpoint(name)
      parts.set(at, await this.#slowness.timed('checkpoint', `the checkpoint "${name}"`, [at, system], take))
    })
    const moment = { parts, looks: new Map<string, unknown>() }
    try {
      throwIfAny('CHECKPOINT_FAILED', `could not take the checkpoint "${name}"`, [...this.#systems], results)
      if (looks) for (const [system, look] of await this.#looks()) moment.looks.set(system, look)
      return moment
    } catch (error) {
      await this.giveUp(name, moment)
      throw error
    }
  }

  /** The parts of `moment` that are known to stand still; the others are released, for another try. */
  async standing(name: string, { parts }: Moment, moved: ReadonlyMap<string, unknown>): Promise<Moment> {
    const still = (at: string): boolean => this.#systems.get(at)?.changes !== undefined && !moved.has(at)
    await this.giveUp(name, { parts: new Map([...parts].filter(([at]) => !still(at))), looks: new Map() })
    return { parts: new Map([...parts].filter(([at]) => still(at))), looks: new Map() }
  }

  /** Throws `ROLLBACK_FAILED`, or a system's own error, after every system was attempted. */
  async rollback(name: string, { parts }: Moment): Promise<void> {
    const results = await this.#all((system, at) =>
      this.#slowness.timed('rollback', `the rollback to "${name}"`, [at, system], () => system.rollback(parts.get(at))),
    )
    throwIfAny('ROLLBACK_FAILED', `could not be rolled back to "${name}"`, [...this.#systems], results)
  }

  /** Tells the systems that nobody will go back there; `only` those that still know the mark. Throws `SYSTEM_FAILED`. */
  async release(name: string, { parts }: Moment, only: 'all' | 'trees' = 'all'): Promise<void> {
    const results = await this.#all(async (system, at) => {
      if (parts.has(at) && (only === 'all' || system.kind === 'tree')) await system.release?.(parts.get(at))
    })
    throwIfAny('SYSTEM_FAILED', `could not release "${name}"`, [...this.#systems], results)
  }

  /** Releases after a failure: that one is what the user must see, not what then fails because of it. */
  async giveUp(name: string, moment: Moment): Promise<void> {
    await Promise.allSettled([this.release(name, moment)])
  }

  /** What changed in each system that can tell. Throws `SYSTEM_FAILED`. */
  changes({ parts }: Moment): Promise<(readonly [name: string, changes: readonly Change[]])[]> {
    return this.#tell('changes', (system, name) => system.changes?.(parts.get(name)))
  }

  /** The state of each system that can tell. Throws `SYSTEM_FAILED`. */
  observe(): Promise<(readonly [name: string, seen: Observation])[]> {
    return this.#tell('state', (system) => system.observe?.())
  }

  /** Empties each system that can be emptied. Throws `SYSTEM_FAILED`. */
  async reset(options: ResetOptions): Promise<void> {
    const results = await this.#all((system, at) =>
      this.#slowness.timed('reset', 'a reset', [at, system], () => system.reset?.(options)),
    )
    throwIfAny('SYSTEM_FAILED', 'could not be emptied', [...this.#systems], results)
  }

  /** What is not as it was in `moment`, a line each; nothing when all is. */
  async differences(moment: Moment): Promise<string[]> {
    const lines = (await this.changes(moment))
      .filter(([, changes]) => changes.length > 0)
      .map(([name, changes]) => `${name} still differs (${summaries(changes)})`)
    if (moment.looks.size === 0) return lines
    for (const [name, look] of await this.#looks()) {
      if (!isDeepStrictEqual(look, moment.looks.get(name))) lines.push(`${name} does not look as it did`)
    }
    return lines
  }

  /** Of the systems that cannot list their changes, those that can be looked at. */
  async #looks(): Promise<[string, unknown][]> {
    const seen = await this.#tell('state', (system) => (system.changes ? undefined : system.observe?.()))
    return seen.map(([name, observation]) => [name, dataOf(observation)])
  }

  /** What those systems say that have something to say. */
  async #tell<T>(
    what: string,
    ask: (system: Rollbackable, name: string) => Awaitable<T> | undefined,
  ): Promise<(readonly [name: string, said: T])[]> {
    const results = await this.#all(ask)
    const systems = [...this.#systems]
    throwIfAny('SYSTEM_FAILED', `could not tell its ${what}`, systems, results)
    return results.flatMap((result, i) =>
      result.status === 'fulfilled' && result.value !== undefined ? [[systems[i]![0], result.value as T] as const] : [],
    )
  }

  #all<T>(call: (system: Rollbackable, name: string) => T): Promise<PromiseSettledResult<Awaited<T>>[]> {
    return Promise.allSettled([...this.#systems].map(async ([name, system]) => call(system, name)))
  }
}

/** A copy, since a simple system may hand out its own live data. */
function dataOf({ data }: Observation): unknown {
  return copy(data)
}
