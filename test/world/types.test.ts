import { describe, expect, expectTypeOf, test } from 'vitest'
import type { Change, Observation, Rollbackable } from '../../src/rollbackable.ts'
import { immutable, memory } from '../../src/systems/memory/index.ts'
import { type Changes, type Systems, World, type WorldMark } from '../../src/world.ts'

interface Client {
  query(sql: string): Promise<string[]>
}

/** A system in whose type everything is known. */
const postgres = (): Rollbackable<number, Client> & {
  readonly handle: Client
  changes(since: number): Promise<Change[]>
} => ({
  handle: { query: async () => [] },
  checkpoint: () => 0,
  rollback: () => {},
  changes: async () => [],
})

// Judged by tsc over the whole repository; Vitest only runs it.
describe('types', () => {
  test('of handles: the handle where a system has one, else the system itself', async () => {
    const plain = { checkpoint: () => 'mark', rollback: (_mark: string) => {}, orders: [1] }
    const systems = {
      db: postgres(),
      cache: memory(new Map<string, number>()),
      cart: memory({ get: () => ({ items: ['a'] }), set: () => {} }),
      redux: immutable({ get: () => 1, set: () => {} }),
      plain,
    }
    await using world = await World.open({ systems })
    expectTypeOf(world.systems.db).toEqualTypeOf<Client>()
    expectTypeOf(world.systems.cache).toEqualTypeOf<Map<string, number>>()
    expectTypeOf(world.systems.cart.get()).toEqualTypeOf<{ items: string[] }>()
    expectTypeOf(world.systems.redux.get()).toEqualTypeOf<number>()
    expectTypeOf(world.systems.plain).toEqualTypeOf<typeof plain>()
    // @ts-expect-error there is no such system
    void world.systems.queue
    // @ts-expect-error a step cannot put another handle in its place
    expect(() => void (world.systems.cache = new Map())).toThrow(TypeError)
  })

  test('of changes: those systems that can tell', async () => {
    const blind = { checkpoint: () => 0, rollback: () => {} }
    await using world = await World.open({ systems: { db: postgres(), cache: memory(new Map()), blind } })
    const changes = await world.changes()
    expectTypeOf(changes.db).toEqualTypeOf<readonly Change[]>()
    expectTypeOf<keyof typeof changes>().toEqualTypeOf<'db' | 'cache'>()
    expectTypeOf<Changes<Systems>[string]>().toEqualTypeOf<readonly Change[] | undefined>()
    // @ts-expect-error blind cannot tell
    void changes.blind
  })

  test('of the context: what context() makes, any plain data without one', async () => {
    const db = memory(new Map())
    await using world = await World.open({ systems: { db }, context: () => ({ coupons: [] as string[] }) })
    expectTypeOf(world.ctx).toEqualTypeOf<{ coupons: string[] }>()
    await using without = await World.open({ systems: { db } })
    expectTypeOf(without.ctx).toEqualTypeOf<Record<string, unknown>>()
  })

  test('of the api: what api() makes, awaited', async () => {
    const db = memory(new Map())
    await using world = await World.open({
      systems: { db },
      api: async ({ worker, url }) => {
        expectTypeOf(worker.id).toEqualTypeOf<string>()
        expectTypeOf(url).toEqualTypeOf<(system: string) => string>()
        return { get: (path: string) => path.length }
      },
    })
    expectTypeOf(world.api.get('/')).toEqualTypeOf<number>()
    await using without = await World.open({ systems: { db } })
    expectTypeOf(without.api).toEqualTypeOf<undefined>()
  })

  test('of observe(): it sees the handles and the context', async () => {
    await using world = await World.open({
      systems: { db: postgres(), cache: memory(new Map<string, number>()) },
      context: () => ({ user: 'ada' }),
      observe: ({ systems, ctx }) => {
        expectTypeOf(systems.db).toEqualTypeOf<Client>()
        expectTypeOf(systems.cache).toEqualTypeOf<Map<string, number>>()
        expectTypeOf(ctx).toEqualTypeOf<{ user: string }>()
        return ctx.user
      },
    })
    expectTypeOf(await world.observe()).toEqualTypeOf<Readonly<Record<string, Observation>>>()
  })

  test('of calls', async () => {
    const world = await World.open({ systems: { db: postgres() } })
    expectTypeOf(await world.checkpoint('paid')).toEqualTypeOf<WorldMark>()
    expectTypeOf(world.rollback).parameters.toEqualTypeOf<[mark: WorldMark]>()
    expectTypeOf(await world.run('order', () => 3)).toEqualTypeOf<number>()
    expectTypeOf(await world.run('order', async (signal) => signal.aborted)).toEqualTypeOf<boolean>()
    await world.close()
  })

  test('of worlds: any world is a World, so that helpers can take one', async () => {
    const helper = async (world: World): Promise<void> => world.rollback(world.start)
    await using world = await World.open({ systems: { db: postgres() }, context: () => ({ user: 'ada' }) })
    const some: World<{ readonly db: ReturnType<typeof postgres> }, undefined, { user: string }> = world
    await using simple = await World.open({ systems: { db: memory(new Map()) } })
    await helper(simple)
    void some
  })

  test('of options: no others, and of the kind they must be', async () => {
    const systems = { db: memory(new Map()) }
    // @ts-expect-error a misspelt option
    await World.open({ systems, contxt: () => ({}) }).catch(() => undefined)
    // @ts-expect-error there is no such way to verify
    await World.open({ systems, verify: 'sometimes' }).catch(() => undefined)
    // @ts-expect-error not a system
    await World.open({ systems: { db: new Map() } }).catch(() => undefined)
  })
})
