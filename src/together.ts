import { isDeepStrictEqual } from 'node:util'
import { summary } from './changes.ts'
import { copy } from './copy.ts'
import { throwIfAny } from './errors.ts'
import type { Change, Observation, Rollbackable } from './rollbackable.ts'

/** What each system gave for one moment, and how those looked that can only be observed. */
export interface Moment {
  readonly parts: ReadonlyMap<string, unknown>
  readonly looks: ReadonlyMap<string, unknown>
}

/** Several systems as one: each call goes to all in parallel, every one is attempted, and what failed is one error. */
export class Together {
  readonly #systems: ReadonlyMap<string, Rollbackable>

  constructor(systems: ReadonlyMap<string, Rollbackable>) {
    this.#systems = systems
  }

  /** Whether marks made after the one gone back to stay: one system that forgets makes all forget. */
  get isTree(): boolean {
    return [...this.#systems.values()].every((system) => system.kind === 'tree')
  }

  /** Whether two systems at least could disagree about which moment a checkpoint was taken in, and can tell. */
  get canDisagree(): boolean {
    return [...this.#systems.values()].filter((system) => system.changes).length > 1
  }

  /** Throws `CHECKPOINT_FAILED`, or a system's own error, after releasing the parts that were taken. */
  async checkpoint(name: string, looks: boolean): Promise<Moment> {
    const results = await this.#all((system) => system.checkpoint(name))
    const names = [...this.#systems.keys()]
    const parts = new Map<string, unknown>()
    for (const [i, result] of results.entries()) if (result.status === 'fulfilled') parts.set(names[i]!, result.value)
    const moment = { parts, looks: new Map<string, unknown>() }
    try {
      throwIfAny('CHECKPOINT_FAILED', `could not take the checkpoint "${name}"`, [...this.#systems], results)
      if (looks) for (const [system, look] of await this.#looks()) moment.looks.set(system, look)
      return moment
    } catch (error) {
      await this.release(moment)
      throw error
    }
  }

  /** Throws `ROLLBACK_FAILED`, or a system's own error, after every system was attempted. */
  async rollback(name: string, { parts }: Moment): Promise<void> {
    const results = await this.#all((system, at) => system.rollback(parts.get(at)))
    throwIfAny('ROLLBACK_FAILED', `could not be rolled back to "${name}"`, [...this.#systems], results)
  }

  /** Tells the systems that nobody will go back there; `only` those that still know the mark. */
  async release({ parts }: Moment, only: 'all' | 'trees' = 'all'): Promise<void> {
    await this.#all(async (system, at) => {
      if (parts.has(at) && (only === 'all' || system.kind === 'tree')) await system.release?.(parts.get(at))
    })
  }

  async changes({ parts }: Moment): Promise<(readonly [name: string, changes: readonly Change[]])[]> {
    const able = [...this.#systems].filter(([, system]) => system.changes)
    return Promise.all(able.map(async ([name, system]) => [name, await system.changes!(parts.get(name))] as const))
  }

  /** What is not as it was in `moment`, a line each; nothing when all is. */
  async differences(moment: Moment): Promise<string[]> {
    const lines = (await this.changes(moment))
      .filter(([, changes]) => changes.length > 0)
      .map(([name, changes]) => `${name} still differs (${changes.map(summary).join('; ')})`)
    if (moment.looks.size === 0) return lines
    for (const [name, look] of await this.#looks()) {
      if (!isDeepStrictEqual(look, moment.looks.get(name))) lines.push(`${name} does not look as it did`)
    }
    return lines
  }

  /** Of the systems that cannot list their changes, those that can be looked at. */
  async #looks(): Promise<[string, unknown][]> {
    const blind = [...this.#systems].filter(([, system]) => !system.changes && system.observe)
    return Promise.all(blind.map(async ([name, system]) => [name, dataOf(await system.observe!())] as [string, unknown]))
  }

  #all<T>(call: (system: Rollbackable, name: string) => T): Promise<PromiseSettledResult<Awaited<T>>[]> {
    return Promise.allSettled([...this.#systems].map(async ([name, system]) => call(system, name)))
  }
}

/** A copy, since a simple system may hand out its own live data. */
function dataOf({ data }: Observation): unknown {
  return copy(data, (thing) => thing)
}
