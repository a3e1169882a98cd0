import * as fc from 'fast-check'
import { expect } from 'vitest'
import { memory } from '../../src/systems/memory/index.ts'
import { defineWorld } from '../../vitest-plugin/index.ts'

// What a user writes, as the types see it.
const { explore, action, invariant, from, test } = defineWorld({
  systems: { paid: memory(new Map<string, number>()) },
  api: () => ({ pay: (amount: number) => ({ status: amount > 150 ? 402 : 200 }) }),
  context: () => ({ orders: [] as string[] }),
})

const actions = {
  order: action({
    when: ({ ctx }) => ctx.orders.length < 2,
    run: ({ ctx }) => void ctx.orders.push(`order ${ctx.orders.length + 1}`),
  }),
  pay: action({
    params: { order: from(({ ctx }) => ctx.orders), amount: fc.integer({ min: 1, max: 200 }) },
    when: ({ paid }, { order }) => !paid.has(order),
    run({ api, paid }, { order, amount }) {
      const answer = api.pay(amount)
      if (answer.status === 200) paid.set(order.toUpperCase().toLowerCase(), amount.valueOf())
      return answer
    },
    ensure: ({ paid }, { order, amount }, { result, before }) => {
      expect(before).toHaveProperty('paid')
      return (result as { status: number }).status !== 200 || paid.get(order) === amount
    },
  }),
}

explore('nothing is paid twice', {
  actions,
  invariants: {
    'no more payments than orders': ({ paid, ctx }) => paid.size <= ctx.orders.length,
    'payments are positive': invariant({
      severity: 'critical',
      check: ({ paid }) => [...paid.values()].every((n) => n > 0),
    }),
  },
})

test('and the world is as it was', ({ paid, ctx }) => {
  expect([paid.size, ctx.orders]).toEqual([0, []])
})

export function refusedByTheCompiler(): void {
  // @ts-expect-error there is no such key in the context
  action({ run: ({ ctx }) => ctx.nope })
  // @ts-expect-error the parameters have their types
  action({ params: { amount: fc.integer() }, run: (_, { amount }) => amount.toUpperCase() })
  // @ts-expect-error as those from the live state have
  action({ params: { order: from(({ ctx }) => ctx.orders) }, run: (_, { order }) => order.toFixed() })
}
