import { describe, expect, test } from 'vitest'
import type { Action, ExploreOptions, StrategyOption } from '../../src/explore/index.ts'
import { open, openForAll, places } from './places.ts'
import { Shop, shopModel, type Store } from './shop.ts'
import { exploreToy, type Toy } from './toy.ts'

const strategies: readonly StrategyOption[] = [
  'auto',
  'bfs',
  'dfs',
  'walk',
  'random',
  'coverage',
  'mcts',
  { kind: 'hybrid', slack: 2 },
  { kind: 'hybrid', slack: Infinity },
  { kind: 'walk', length: 5, swarm: false },
  { kind: 'mcts', exploration: 0.1, reward: ({ isNew }) => (isNew ? 5 : 0) },
]
const named = strategies.map((strategy) => [JSON.stringify(strategy), strategy] as const)

describe.each(Object.keys(places))('on %s', (place) => {
  const at = openForAll(place)

  describe.each(named)('%s', (_, strategy) => {
    const options = { strategy, seed: 3 }

    test('sees every state of a graph with cycles and merges', async () => {
      const model = shopModel(await new Shop(at.store).open())
      const { verdict, coverage } = await at.world.explore(model, { ...options, maxDepth: 5 })
      expect([verdict, coverage.states, coverage.open]).toEqual(['exhausted', 58, 0])
      expect(Object.keys(await at.store.all())).toEqual(['shop'])
    })

    test('goes round in circles without an end', async () => {
      const { verdict, coverage } = await at.world.explore(await circles(at.store), options)
      expect([verdict, coverage.states, coverage.transitions]).toEqual(['exhausted', 12, 48])
      expect(await at.store.all()).toEqual({ a: '0', b: '0' })
    })
  })
})

test('the same seed explores in the same order', async () => {
  const order = async (seed: number) => {
    await using at = await open('memory')
    const { graph } = await at.world.explore(shopModel(await new Shop(at.store).open()), { seed, maxDepth: 6 })
    return graph.states.map(({ id }) => id)
  }
  expect(await order(1)).toEqual(await order(1))
  expect(await order(1)).not.toEqual(await order(2))
})

test('dfs goes back along the way that it came, also where a shorter way is known', async () => {
  const ways = { start: ['b', 'd'], b: ['c', 'e', 'f'], c: ['b', 'g'] }
  const { order } = await walkable(ways, { strategy: 'dfs' })
  // In `b` for the second time, it came there from `c`.
  expect(order).toEqual(['start b', 'b c', 'c b', 'b e', 'b f', 'c g', 'start d'])
})

test('dfs also tries what a shorter way has brought within the depth', async () => {
  const ways = { start: ['b', 'c'], b: ['c'], c: ['d'], d: ['e'] }
  const { order, report } = await walkable(ways, { strategy: 'dfs', maxDepth: 3 })
  expect(order).toEqual(['start b', 'b c', 'c d', 'start c', 'd e'])
  expect(report.verdict).toBe('exhausted')
})

test('a strategy of your own chooses from the frontier', async () => {
  await using at = await open('memory')
  const seen: string[] = []
  const { verdict, coverage } = await at.world.explore(await circles(at.store), {
    strategy: {
      next(frontier) {
        const state = frontier.any()
        const call = state?.open?.at(-1)
        return state && call && { state, call }
      },
      onStep: ({ call, isNew }) => void (isNew && seen.push(call.action)),
    },
  })
  expect([verdict, coverage.states, seen.length]).toEqual(['exhausted', 12, 11])
})

test('a strategy that ends early has not tried everything', async () => {
  await using at = await open('memory')
  const { verdict, ended } = await at.world.explore(await circles(at.store), { strategy: { next: () => undefined } })
  expect([verdict, ended]).toEqual(['budget', 'strategy'])
})

test('a strategy that chooses what is not open is told so', async () => {
  await using at = await open('memory')
  const strategy = { next: () => ({ state: { id: 'nowhere', depth: 0, open: [] } }) }
  await expect(at.world.explore(await circles(at.store), { strategy })).rejects.toThrow(
    'The strategy chose nowhere, which is not open',
  )
})

test('an unknown strategy is refused with those there are', async () => {
  await using at = await open('memory')
  const strategy = 'breadth' as 'bfs'
  await expect(at.world.explore(await circles(at.store), { strategy })).rejects.toThrow('There are: auto, bfs, dfs')
})

/** Explores places with ways from one to another; the order in which they were gone, each for the first time. */
async function walkable(ways: Readonly<Record<string, readonly string[]>>, options: ExploreOptions) {
  const order = new Set<string>()
  const at = ({ db }: Toy): string => (db.get('at') as string | undefined) ?? 'start'
  const goTo = (to: string): Action<Toy> => ({
    when: (toy) => ways[at(toy)]?.includes(to) ?? false,
    run(toy) {
      order.add(`${at(toy)} ${to}`)
      toy.db.set('at', to)
    },
  })
  const names = new Set(Object.values(ways).flat())
  const actions = Object.fromEntries([...names].toSorted().map((to) => [to, goTo(to)]))
  const report = await exploreToy({ actions }, options)
  return { order: [...order], report }
}

/** Two hands on dials of 3 and 4, each turned forth and back: every state is on many cycles. */
async function circles({ put, all }: Store) {
  for (const dial of ['a', 'b']) await put(dial, '0')
  const turn = (dial: 'a' | 'b', by: number): Action<object> => ({
    run: async () => {
      const size = dial === 'a' ? 3 : 4
      const now = Number((await all())[dial])
      const next = (now + by + size) % size
      await put(dial, String(next))
    },
  })

  return { actions: { left: turn('a', 1), right: turn('a', -1), up: turn('b', 1), down: turn('b', -1) } }
}
