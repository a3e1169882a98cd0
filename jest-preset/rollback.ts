import { types } from 'node:util'
import { test as jestTest } from '@jest/globals'
import { titleOf } from '../src/journey/title.ts'
import type { Lease } from '../src/lease.ts'
import { pointTo } from '../src/stack.ts'
import type { Systems, World, WorldMark } from '../src/world.ts'
import { type Circus, fullName } from './circus.ts'

type Body<X> = (context: X) => unknown

interface TestCall<X> {
  (name: string, body: Body<X>, timeout?: number): void
}

/** Jest's `test` with a world: its function gets the context, and what it does is rolled back. */
export interface RolledBackTest<X> extends TestCall<X> {
  readonly only: TestCall<X>
  readonly skip: TestCall<X>
  readonly failing: TestCall<X>
  todo(name: string): void
  /** One test a case; the context comes first, then the case. */
  each<const T extends readonly unknown[]>(
    cases: readonly T[],
  ): (name: string, body: (context: X, ...args: [...T]) => unknown, timeout?: number) => void
  each<const T>(cases: readonly T[]): (name: string, body: (context: X, value: T) => unknown, timeout?: number) => void
}

/** Rolls back one test after the other. */
export class Rollback<S extends Systems, A, C> {
  readonly #open: () => Promise<World<S, A, C>>
  readonly #lease: Lease<S, A, C>
  #current: { readonly test: string; readonly mark: WorldMark } | undefined

  constructor(open: () => Promise<World<S, A, C>>, lease: Lease<S, A, C>) {
    this.#open = open
    this.#lease = lease
  }

  /** Once a test: `test` in the scope of `useRollback()` has begun when its hook comes. */
  async begin(test: string): Promise<void> {
    if (this.#current) return
    const world = await this.#open()
    this.#lease.enter(test)
    try {
      if (world.tainted) await world.recover()
      this.#current = { test, mark: await world.checkpoint(test) }
    } catch (error) {
      this.#lease.leave(test)
      throw error
    }
  }

  async end(): Promise<void> {
    const current = this.#current
    this.#current = undefined
    if (!current) return
    try {
      await this.#lease.world.rollback(current.mark)
      await this.#lease.world.release(current.mark)
    } finally {
      this.#lease.leave(current.test)
    }
  }

  /** Runs a test's body within `timeout` ms: one that goes on longer is waited for before the rollback. */
  async run(test: string, timeout: number, body: () => unknown): Promise<void> {
    await this.#lease.world.run(test, body, timeout)
  }
}

/** How long Jest waits for a test beside the test's own time-out, which is kept by the world. */
const MARGIN_MS = 60_000

/** Makes the `test` of a world. */
export function rolledBackTest<S extends Systems, A, C, X>(
  rollback: Rollback<S, A, C>,
  circus: Circus,
  context: X,
): RolledBackTest<X> {
  const call =
    (declare: typeof jestTest.only) =>
    (name: string, body: Body<X>, timeout?: number): void => {
      const site = new Error('site')
      const pointing = (error: unknown): unknown => (types.isNativeError(error) ? pointTo(site, error) : error)
      let begun: { readonly error?: unknown } | undefined
      const begin = async (test: string): Promise<void> => {
        begun = await rollback.begin(test).then(
          () => ({}),
          (error: unknown) => ({ error }),
        )
      }
      const end = async (): Promise<void> => {
        begun = undefined
        await rollback.end().catch((error: unknown) => {
          throw pointing(error)
        })
      }
      const run = async (): Promise<void> => {
        if (!begun) await begin(name)
        try {
          if (begun?.error) throw begun.error
          await rollback.run(name, timeout ?? circus.testTimeout, () => body(context))
        } catch (error) {
          throw pointing(error)
        } finally {
          if (!circus.available) await end()
        }
      }
      circus.watch(run, { site, begin: (test) => begin(fullName(test)), done: end })
      declare(name, run, (timeout ?? circus.testTimeout) + MARGIN_MS)
    }
  const each =
    (cases: readonly unknown[]) =>
    (name: string, body: (context: X, ...args: unknown[]) => unknown, timeout?: number): void => {
      for (const [i, one] of cases.entries()) {
        const args = Array.isArray(one) ? (one as unknown[]) : [one]
        call(jestTest)(titleOf(name, args, i), (own) => body(own, ...args), timeout)
      }
    }
  const parts = {
    only: call(jestTest.only),
    skip: call(jestTest.skip),
    failing: call(jestTest.failing as typeof jestTest.only),
  }
  return Object.assign(call(jestTest), {
    ...parts,
    todo: (name: string) => jestTest.todo(name),
    each,
  }) as RolledBackTest<X>
}
