import { className, copy } from './copy.ts'
import { VenomError } from './errors.ts'
import type { Rollbackable } from './rollbackable.ts'

interface Remembered<C> {
  readonly data: C
  readonly values: ReadonlyMap<object, unknown>
}

/**
 * What steps remember: the world's `ctx` and the value each step returned. A system like any other, so
 * both are rolled back by the same code as rows.
 *
 * `ctx` must be plain data (`NOT_CLONEABLE` otherwise). Of a step's value the plain parts are copied; class
 * instances and functions in it, such as an HTTP response, are kept by reference.
 */
export class Context<C> implements Rollbackable<Remembered<C>> {
  readonly kind = 'tree'
  readonly restores = { data: true } as const
  /** The plain data of the world's `context()`. */
  data: C
  /** The values at the last mark, and copies of those that were read since: only these can have been mutated. */
  #settled: ReadonlyMap<object, unknown> = new Map()
  #live = new Map<object, unknown>()

  constructor(initial: C) {
    this.data = initial
  }

  /** Remembers what `step` returned. */
  set(step: object, value: unknown): void {
    this.#live.set(step, value)
  }

  has(step: object): boolean {
    return this.#live.has(step) || this.#settled.has(step)
  }

  /** What `step` returned, as this path may see and change it. */
  get(step: object): unknown {
    if (!this.#live.has(step) && this.#settled.has(step))
      this.#live.set(step, copy(this.#settled.get(step), byReference))
    return this.#live.get(step)
  }

  checkpoint(): Remembered<C> {
    const data = copy(this.data, refuse)
    if (this.#live.size > 0) {
      const values = new Map(this.#settled)
      for (const [step, value] of this.#live) values.set(step, copy(value, byReference))
      this.#settled = values
      this.#live.clear()
    }
    return { data, values: this.#settled }
  }

  rollback({ data, values }: Remembered<C>): void {
    this.data = copy(data, refuse)
    this.#settled = values
    this.#live.clear()
  }
}

const byReference = (thing: object): object => thing

function refuse(thing: object, at: string): never {
  throw new VenomError(
    'NOT_CLONEABLE',
    `ctx${at} is ${className(thing)}, which cannot be remembered.\n` +
      `The context is rolled back with the systems, so it may hold plain data only: what is shared would leak from branch to branch.\n` +
      `Keep the id or the fields you need in ctx, or make the thing a system of its own.`,
  )
}
