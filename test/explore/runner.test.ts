import { expect, test } from 'vitest'
import { Project } from './project.ts'

const files = {
  'test/world.ts': `
    import { defineWorld } from 'venomqa/vitest'
    import { memory } from 'venomqa/memory'
    export const { explore, action, invariant, from, journey, step, checkpoint, branch } = defineWorld({
      systems: { orders: memory(new Map<number, { paid: number; refunded: number; status: string }>()) },
      context: () => ({ ids: [] as number[] }),
    })`,
  'test/model.ts': `
    import { action, from, invariant } from './world'
    export const actions = {
      order: action({
        when: ({ ctx }) => ctx.ids.length < 1,
        run: ({ orders, ctx }) => { orders.set(ctx.ids.push(1), { paid: 0, refunded: 0, status: 'new' }) },
      }),
      pay: action({
        params: { id: from(({ ctx }) => ctx.ids) },
        run({ orders }, { id }) {
          const order = orders.get(id)!
          if (order.status !== 'new') return { status: 409 }
          Object.assign(order, { paid: 100, status: 'paid' })
          return { status: 200 }
        },
      }),
      refund: action({
        params: { id: from(({ ctx }) => ctx.ids) },
        run({ orders }, { id }) {
          const order = orders.get(id)!
          if (order.paid === 0 || (process.env.FIXED && order.status === 'refunded')) return { status: 409 }
          if (order.refunded < 200) order.refunded += order.paid
          order.status = 'refunded'
          return { status: 200 }
        },
      }),
    }
    export const invariants = {
      'refunded ≤ paid': invariant({ severity: 'critical', check: ({ orders }) =>
        [...orders.values()].every(({ paid, refunded }) => refunded <= paid) }),
    }`,
  'test/shop.test.ts': `
    import { explore } from './world'
    import { actions, invariants } from './model'
    explore('money is never lost', { actions, invariants }, {
      seed: 1, strategy: 'bfs', journey: { folder: 'test/found', world: '../world', model: '../model' },
    })
    explore('nothing else', { actions: { order: actions.order } }, { seed: 1 })`,
  'test/slow.test.ts': `
    import { defineWorld } from 'venomqa/vitest'
    import { memory } from 'venomqa/memory'
    const slow = { open: () => new Promise<void>((resolve) => setTimeout(resolve, 1500)), checkpoint: () => 0, rollback() {} }
    const { explore, action } = defineWorld({ systems: { orders: memory(new Map<number, object>()), slow } })
    const wait = action({ run: async ({ orders }) => {
      await new Promise((resolve) => setTimeout(resolve, 5))
      orders.set(orders.size, { paid: 0, refunded: 0, status: 'new' })
    } })
    explore('it never ends', { actions: { wait } }, { audit: 0 })`,
  'test/goal.test.ts': `
    import { explore } from './world'
    import { actions } from './model'
    explore('all of it', { actions }, { budget: { steps: 2 }, seed: 1, coverageGoal: { transitions: 1 } })`,
  'test/together.test.ts': `
    import { describe } from 'vitest'
    import { action, explore } from './world'
    const order = action({
      when: ({ ctx }) => ctx.ids.length < 3,
      async run({ ctx }) { await new Promise((resolve) => setTimeout(resolve, 5)); ctx.ids.push(1) },
    })
    describe.concurrent('at once', () => {
      explore('one', { actions: { order } }, { seed: 1 })
      explore('two', { actions: { order } }, { seed: 1 })
    })`,
  'test/modes.test.ts': `
    import { describe } from 'vitest'
    import { actions } from './model'
    import { explore } from './world'
    describe('some', () => {
      explore.skip('not now', { actions }, { seed: 1 })
      explore.skipIf(process.env.HOME)('not here', { actions }, { seed: 1 })
      explore.skipIf(false)('here', { actions }, { seed: 1 })
      explore('too', { actions }, { seed: 1 })
    })
    if (process.env.ONE) explore.only('only this', { actions }, { seed: 1 })`,
  'vitest.config.ts': `export default { test: { testTimeout: 2500 } }`,
}

test('an exploration is one test: what it finds is a journey file that fails in the same way, and passes when it is mended', () => {
  const project = new Project('runner', files)
  const { ok, text } = project.run('test/shop.test.ts')
  expect(ok).toBe(false)
  expect(text).toContain('✗ refunded ≤ paid   [critical]   4 steps, no shorter path breaks it')
  expect(text).toMatch(/ 2\. pay \{ id: 1 \} +200 +orders 1: 1 updated/)
  expect(text).toContain('❯ test/shop.test.ts:4:') // where it was declared
  expect(text).toContain('1 failed | 1 passed (2)')

  const file = 'test/found/refunded-le-paid-refund.journey.test.ts'
  expect(text).toContain(`as a test:  ${file}`)
  expect(project.read(file)).toContain(`step('4. refund', (world) => act(actions.refund, world, { id: 1 }))`)
  const journey = project.run(file)
  expect(journey.ok).toBe(false)
  expect(journey.text).toContain('Error: the invariant does not hold')
  expect(journey.text).toContain('1. order → 2. pay → 3. refund → ◆ just before → 4. refund → ✗ refunded ≤ paid')

  const token = /VENOMQA_REPLAY=(\S+)/.exec(text)?.[1]
  const replayed = project.run('test/shop.test.ts', { VENOMQA_REPLAY: token })
  expect(replayed.text).toContain('1 failed | 1 skipped (2)')
  expect(replayed.text).toContain('4 steps, as it was found')

  const fixed = { FIXED: '1' }
  expect(project.run('test/shop.test.ts', fixed)).toMatchObject({ ok: true })
  expect(project.run(file, fixed).text).toContain('1 passed (1)')
}, 120_000)

test('an exploration that is too slow reports its budget, never a time-out of the runner', () => {
  const project = new Project('runner-slow', files)
  const { ok, text } = project.run('test/slow.test.ts')
  expect(text).not.toContain('timed out')
  expect(ok, text).toBe(true)
  expect(text).toContain('it never ends\nNOT EVERYTHING WAS TRIED: the time was over.'.split('\n')[1])
  const shorter = project.run('test/slow.test.ts', { VENOMQA_BUDGET: '200ms', VENOMQA_SEED: '77' })
  expect(shorter.text).toMatch(/budget: .*\(0\.\d s, .*seed 77\)/)

  const goal = project.run('test/goal.test.ts')
  expect(goal.ok).toBe(false)
  expect(goal.text).toMatch(/coverage: \d+ % of the possible steps were tried, and the goal is 100 %/)
}, 120_000)

test('explorations run one after the other, since there is one state', () => {
  const { ok, text } = new Project('runner-together', files).run('test/together.test.ts')
  expect(ok, text).toBe(true)
}, 120_000)

test('one may be run alone, or skipped', () => {
  const project = new Project('runner-modes', files)
  expect(project.run('test/modes.test.ts').text).toContain('2 passed | 2 skipped (4)')
  expect(project.run('test/modes.test.ts', { ONE: '1', CI: '' }).text).toContain('1 passed | 4 skipped (5)')
}, 120_000)
