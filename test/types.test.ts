import { describe, expect, expectTypeOf, type TestContext, test as plain } from 'vitest'
import type { Ref } from '../src/journey/words.ts'
import type { Change, Rollbackable } from '../src/rollbackable.ts'
import { memory, type MemorySystem } from '../src/systems/memory/index.ts'
import { defineWorld } from '../vitest-plugin/index.ts'

interface Client {
  post(path: string): Promise<{ readonly id: number }>
}

/** A system that steps see through a handle. */
const mailbox = (): Rollbackable<number, string[]> & { readonly handle: string[] } => ({
  handle: [],
  checkpoint: () => 0,
  rollback: () => {},
})

const { journey, step, checkpoint, branch, test, useRollback } = defineWorld({
  systems: { db: memory(new Map<string, number>()), mail: mailbox() },
  api: async (): Promise<Client> => ({ post: async () => ({ id: 1 }) }),
  context: () => ({ coupons: [] as string[] }),
})

// Judged by tsc over the whole repository. What is declared here is never run: only its types are of interest.
const never = (): boolean => false
function judged(): void {
  journey('types', () => {
    const none = step('nothing', () => {})
    const user = step('sign up', async ({ api }) => api.post('/users'))
    const total = step('sums up', { retry: 1 }, () => 3)
    const named = step('a time-out', () => 'text' as const, 100)
    expectTypeOf(none).toEqualTypeOf<Ref<void>>()
    expectTypeOf(user).toEqualTypeOf<Ref<{ readonly id: number }>>()
    expectTypeOf(total.value).toEqualTypeOf<number>()
    expectTypeOf(named.value).toEqualTypeOf<'text'>()
    // @ts-expect-error a value belongs to its step
    user.value = { id: 2 }
    // @ts-expect-error an option that there is not
    step('misspelt', { timout: 1 }, () => {})
    // @ts-expect-error a step has a body
    step('without a body')
    // @ts-expect-error where a step starts from is its line's business
    step('from', { from: 'here' }, () => {})

    step('what a step sees', async (world) => {
      expectTypeOf(world.db).toEqualTypeOf<Map<string, number>>()
      expectTypeOf(world.mail).toEqualTypeOf<string[]>()
      expectTypeOf(world.api).toEqualTypeOf<Client>()
      expectTypeOf(world.ctx).toEqualTypeOf<{ coupons: string[] }>()
      expectTypeOf(world.signal).toEqualTypeOf<AbortSignal>()
      expectTypeOf(world.expect).toEqualTypeOf<TestContext['expect']>()
      const changes = await world.changes()
      expectTypeOf(changes.db).toEqualTypeOf<readonly Change[]>()
      // Of the mailbox only its being a system is known, so it may be able to tell.
      expectTypeOf(changes.mail).toEqualTypeOf<readonly Change[] | undefined>()
      // @ts-expect-error there is no such system
      void world.queue
      // @ts-expect-error the context is changed, never replaced
      world.ctx = { coupons: [] }
    })
    checkpoint('here')
    // @ts-expect-error a checkpoint has a name
    checkpoint()

    branch('from', { from: 'here', timeout: 1, retry: 1 }, () => {})
    // @ts-expect-error the name of a checkpoint is a string
    branch('from', { from: 3 }, () => {})
    // @ts-expect-error a journey starts from the start
    journey('from', { from: 'here' }, () => {})

    const doubled = step.each([1, 2])('doubles %d', (_, number) => {
      expectTypeOf(number).toEqualTypeOf<1 | 2>()
      return number * 2
    })
    expectTypeOf(doubled).toEqualTypeOf<Ref<number>[]>()
    step.each([
      ['a', 1],
      ['b', 2],
    ])('%s %d', ({ db }, letter, number) => {
      expectTypeOf(db).toEqualTypeOf<Map<string, number>>()
      expectTypeOf(letter).toEqualTypeOf<'a' | 'b'>()
      expectTypeOf(number).toEqualTypeOf<1 | 2>()
    })
    branch.each([{ how: 'card' }, { how: 'cash' }])('by $how', ({ how }) => {
      expectTypeOf(how).toEqualTypeOf<'card' | 'cash'>()
    })
    for (const declare of [step.only, step.skip, step.skipIf(true), step.runIf(true)]) {
      expectTypeOf(declare('like step', () => 1)).toEqualTypeOf<Ref<number>>()
    }
  })

  test('the fixture', ({ db, mail, api, ctx, changes, task }) => {
    expectTypeOf(db).toEqualTypeOf<Map<string, number>>()
    expectTypeOf(mail).toEqualTypeOf<string[]>()
    expectTypeOf(api).toEqualTypeOf<Client>()
    expectTypeOf(ctx).toEqualTypeOf<{ coupons: string[] }>()
    expectTypeOf(task.name).toEqualTypeOf<string>()
    expectTypeOf(changes).returns.resolves.toHaveProperty('db')
  })
  const extended = test.extend<{ page: string }>({ page: async ({ db }, use) => use(String(db.size)) })
  extended('further', ({ page, db }) => {
    expectTypeOf(page).toEqualTypeOf<string>()
    expectTypeOf(db).toEqualTypeOf<Map<string, number>>()
  })
  test.for([1, 2])('with cases', (number, { db }) => {
    expectTypeOf(number).toEqualTypeOf<number>()
    expectTypeOf(db).toEqualTypeOf<Map<string, number>>()
  })
  const world = useRollback()
  expectTypeOf(world.db).toEqualTypeOf<Map<string, number>>()
  expectTypeOf(world.ctx.coupons).toEqualTypeOf<string[]>()
}

describe('types', () => {
  plain('of a world with neither api nor context', () => {
    const { step: bare } = defineWorld({ systems: { db: memory(new Map<string, number>()) } })
    if (never()) {
      bare('a step', ({ api, ctx }) => {
        expectTypeOf(api).toEqualTypeOf<undefined>()
        expectTypeOf(ctx).toEqualTypeOf<Record<string, unknown>>()
      })
      judged()
    }
    expect(bare).toBeTypeOf('function')
  })

  plain('of a world whose systems the configuration names', () => {
    if (never()) {
      const { step: loose } = defineWorld({ api: ({ config }) => config.baseUrl })
      loose('a step', ({ db, api }) => {
        expectTypeOf(db).toEqualTypeOf<unknown>()
        expectTypeOf(api).toEqualTypeOf<string | undefined>()
      })
      const { step: typed } = defineWorld<{ db: MemorySystem<unknown, Map<string, number>> }>()
      typed('a step', ({ db }) => expectTypeOf(db).toEqualTypeOf<Map<string, number>>())
    }
    expect(judged).toBeTypeOf('function')
  })

  plain('of the options of a world', () => {
    if (never()) {
      // @ts-expect-error systems are an object
      defineWorld({ systems: [] as string[] })
      // @ts-expect-error a system remembers and goes back
      defineWorld({ systems: { db: { checkpoint: () => 1 } } })
      // @ts-expect-error when to verify
      defineWorld({ systems: { db: mailbox() }, verify: 'sometimes' })
    }
    expect(judged).toBeTypeOf('function')
  })
})
