import { describe, expect, test } from 'vitest'
import { open, openForAll, places } from './places.ts'
import { type Bug, DEPTHS, Shop, shopModel } from './shop.ts'

const bugs = Object.keys(DEPTHS) as (keyof typeof DEPTHS)[]

describe.each(Object.keys(places))('on %s', (place) => {
  const at = openForAll(place)

  const report = async (bug: Bug | undefined, options: object) => {
    return await at.world.explore(shopModel(await new Shop(at.store, bug).open()), { seed: 7, ...options })
  }

  // Breadth first makes thousands of calls to where the deep ones are: they are for memory.
  const near = bugs.filter((bug) => place === 'memory' || DEPTHS[bug] <= 6)

  test.each(near)('breadth first finds %s on a path that is proved to be shortest', async (bug) => {
    const { verdict, violations } = await report(bug, { strategy: 'bfs' })
    const [{ path, minimal, reproduced } = { path: [] }] = violations
    expect([verdict, path.length, minimal, reproduced]).toEqual(['violated', DEPTHS[bug], 'proved', true])
  })

  test.each(bugs.filter((bug) => place === 'memory' || DEPTHS[bug] < 10))(
    'by default %s is found and made short',
    async (bug) => {
      const { verdict, violations, cost } = await report(bug, {})
      const [{ path, reproduced } = { path: [] }] = violations
      expect([verdict, path.length, reproduced]).toEqual(['violated', DEPTHS[bug], true])
      expect(cost.actions).toBeLessThan(20_000)
    },
  )

  test('without a bug everything is tried, and nothing is found', async () => {
    const { verdict, violations, warnings, coverage } = await report(undefined, {
      strategy: 'bfs',
      maxDepth: place === 'memory' ? 8 : 6,
    })
    expect([verdict, violations, warnings]).toEqual(['exhausted', [], []])
    // The figures of the same shop written twice more, in SQL and as a model.
    const known = place === 'memory' ? { states: 546, transitions: 2211 } : { states: 130, transitions: 448 }
    expect(coverage).toMatchObject({ ...known, open: 0, cutAtDepth: true, lost: 0 })
  })
})

test.each([
  ['bfs', 1.31],
  ['dfs', 1.1],
] as const)('where a call is dear, %s makes at most %d calls for each transition', async (strategy, most) => {
  await using at = await open('a stack that forgets')
  const { actions } = shopModel(await new Shop(at.store).open())
  for (const [name, action] of Object.entries(actions)) {
    const run: typeof action.run = async (world, params) => {
      await new Promise((resolve) => setTimeout(resolve, 1))
      return action.run(world, params)
    }
    actions[name] = { ...action, run }
  }
  const { coverage, cost } = await at.world.explore({ actions }, { strategy, maxDepth: 7, audit: 0 })
  expect([coverage.states, coverage.open]).toEqual([276, 0])
  expect(cost.actions / cost.steps).toBeLessThan(most)
})
