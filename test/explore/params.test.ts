import * as fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { from } from '../../src/explore/index.ts'
import { count, counter, exploreToy, type Toy } from './toy.ts'

const order = {
  when: ({ ctx }: Toy) => ctx.orders.length < 2,
  run: ({ ctx }: Toy) => void ctx.orders.push(`order ${ctx.orders.length + 1}`),
}
const orders = from(({ ctx }: Toy) => ctx.orders)

test('a choice from the live state is tried out whole', async () => {
  const pay = {
    params: { order: orders },
    run: ({ db }: Toy, { order: id }: { order?: unknown }) => void db.set(String(id), 1),
  }
  const { verdict, sampled, coverage } = await exploreToy({ actions: { order, pay } })
  // Nothing, one order and two, each paid or not; from every state with its orders all payments were tried.
  expect([verdict, sampled, coverage.states, coverage.actions['pay']?.runs]).toEqual(['exhausted', false, 7, 10])
})

test('a path that is made shorter chooses from what is left', async () => {
  const refund = {
    params: { order: orders },
    run: ({ db }: Toy, { order: id }: { order?: unknown }) => void db.set(String(id), count(db, String(id)) + 1),
  }
  const invariants = { 'not twice': ({ db }: Toy) => [...db.values()].every((times) => times !== 2) }
  for (let seed = 0; seed < 10; seed++) {
    const { violations } = await exploreToy({ actions: { order, refund }, invariants }, { seed, strategy: 'walk' })
    expect(violations[0]?.path.map(({ params }) => params)).toEqual([{}, { order: 'order 1' }, { order: 'order 1' }])
  }
})

test('several choices are combined', async () => {
  const seen = new Set<string>()
  const pair = {
    params: { a: from<Toy, unknown>(() => [1, 2]), b: from<Toy, unknown>(() => ['x', 'y', 'z']) },
    run: (_: Toy, { a, b }: { a?: unknown; b?: unknown }) => void seen.add(String(a) + String(b)),
  }
  await exploreToy({ actions: { pair } })
  expect([...seen].toSorted()).toEqual(['1x', '1y', '1z', '2x', '2y', '2z'])
})

describe('an arbitrary', () => {
  const refund = {
    params: { order: orders, amount: fc.integer({ min: 0, max: 1000 }) },
    samples: 3,
    run: ({ db }: Toy, { amount }: { amount?: unknown }) => void db.set('refunded', Number(amount)),
  }
  const model = {
    actions: { order, up: counter('n', 2), refund },
    invariants: { 'refunded ≤ 100': ({ db }: Toy) => Number(db.get('refunded') ?? 0) <= 100 },
  }

  test('is made as small as the rule allows', async () => {
    const { violations } = await exploreToy(model, { seed: 5 })
    expect(violations[0]?.path.map(({ action, params }) => [action, params])).toEqual([
      ['order', {}],
      ['refund', { order: 'order 1', amount: 101 }],
    ])
    expect(violations[0]?.minimal).toBe('shrunk')
  })
  test('is drawn anew for every state, the same for the same seed', async () => {
    const amounts = async (seed: number) => {
      const { graph } = await exploreToy({ actions: model.actions }, { seed, budget: { steps: 60 } })
      return graph.states.flatMap(({ out }) => [...out.keys()])
    }
    expect(await amounts(1)).toEqual(await amounts(1))
    expect(new Set(await amounts(1)).size).toBeGreaterThan(6)
  })
  test('makes everything that is tried a sample, and the report says so', async () => {
    const flip = { params: { on: fc.boolean() }, run: ({ db }: Toy, { on }: { on?: unknown }) => void db.set('on', on) }
    const { verdict, sampled } = await exploreToy({ actions: { flip } })
    expect([verdict, sampled]).toEqual(['exhausted', true])
  })
})
