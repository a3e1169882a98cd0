import { expect, test } from 'vitest'
import type { Action, StrategyOption } from '../../src/explore/index.ts'
import { open } from './places.ts'
import { Shop, shopModel } from './shop.ts'
import { counter, exploreToy, type Toy } from './toy.ts'

/** What it took to see everything within six steps of a shop whose calls cost more than a checkpoint. */
async function costOf(strategy: StrategyOption) {
  await using at = await open('memory')
  const { actions, ...model } = shopModel(await new Shop(at.store).open())
  const slow = (action: Action<never>): Action<never> => ({
    ...action,
    run(world, params) {
      for (const end = performance.now() + 0.5; performance.now() < end;);
      return action.run(world, params)
    },
  })
  const slowed = Object.fromEntries(Object.entries(actions).map(([name, action]) => [name, slow(action as never)]))
  const options = { strategy, seed: 1, audit: 0, maxDepth: 6 }
  const { coverage, cost } = await at.world.explore({ ...model, actions: slowed } as never, options)
  return { calls: cost.actions / coverage.transitions, rollbacks: cost.rollbacks / coverage.transitions }
}

test('depth first goes on from where the world came by last, so it makes few calls again and goes back seldom', async () => {
  const [depth, hybrid, breadth] = [
    await costOf('dfs'),
    await costOf({ kind: 'hybrid', slack: 2 }),
    await costOf('bfs'),
  ]
  expect(depth.calls).toBeLessThan(1.1)
  expect(depth.rollbacks).toBeLessThan(breadth.rollbacks * 0.8)
  expect(hybrid.rollbacks).toBeLessThan(breadth.rollbacks * 0.8)
})

test('hybrid goes no deeper than its slack allows while something nearer is open', async () => {
  const actions = {
    deeper: counter('n', 1000),
    aside: { run: ({ db }: Toy) => void db.set('aside', true) },
  }
  const invariants = { 'nothing aside': ({ db }: Toy) => !db.has('aside') }
  const found = async (strategy: StrategyOption) =>
    (await exploreToy({ actions, invariants }, { strategy, budget: { steps: 30 } })).verdict
  expect(await found({ kind: 'hybrid', slack: 2 })).toBe('violated')
  expect(await found({ kind: 'hybrid', slack: Infinity })).toBe('budget')
  expect(await found('dfs')).toBe('budget')
})
