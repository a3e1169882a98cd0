import { expect, test } from 'vitest'
import type { Action, Progress } from '../../src/explore/index.ts'
import { World } from '../../src/index.ts'
import type { Rollbackable } from '../../src/rollbackable.ts'
import { memory } from '../../src/systems/memory/index.ts'

/** A grid without an end, whose calls take long enough that every checkpoint pays. */
function slowGrid(milliseconds: number) {
  const map = new Map([
    ['x', 0],
    ['y', 0],
  ])
  const along = (axis: string): Action<object> => ({
    run() {
      for (const end = performance.now() + milliseconds; performance.now() < end;);
      map.set(axis, map.get(axis)! + 1)
    },
  })
  return { map, actions: { right: along('x'), up: along('y') } }
}

test.each([
  ['walk', undefined, 40],
  ['auto', 8, 8],
  ['bfs', 8, 8],
  ['random', 8, 8],
] as const)('%s with maxMarks %s keeps %i checkpoints alive, and the start', async (strategy, maxMarks, most) => {
  const { map, actions } = slowGrid(0.2)
  const marks = memory(map)
  const live: unknown[] = []
  let peak = 0
  const system: Rollbackable<{ readonly mark: unknown }> = {
    observe: () => marks.observe!(),
    async checkpoint(name) {
      const made = { mark: await marks.checkpoint(name) }
      peak = Math.max(peak, live.push(made))
      return made
    },
    async rollback(made) {
      live.length = live.indexOf(made) + 1
      await marks.rollback(made.mark as never)
    },
    release: (made) => void live.splice(live.indexOf(made)),
  }
  await using world = await World.open({ systems: { db: system }, verify: 'off' })
  const limit = maxMarks === undefined ? {} : { maxMarks }
  const budget = { steps: 500 }
  const { coverage } = await world.explore({ actions }, { strategy, ...limit, budget, audit: 0, seed: 1 })
  expect(coverage.transitions).toBe(500)
  // The mark of the world, and the one that the exploration starts from and counts.
  expect(peak).toBeLessThanOrEqual(most + 1)
  expect(peak).toBeGreaterThan(most / 2)
})

test('who asks is told about twice a second how far it is', async () => {
  const { map, actions } = slowGrid(2)
  await using world = await World.open({ systems: { db: memory(map) } })
  const told: Progress[] = []
  const onProgress = (progress: Progress): void => void told.push(progress)
  const budget = { time: 1600 }
  await world.explore({ actions }, { strategy: 'bfs', audit: 0, seed: 1, budget, onProgress })
  expect(told.length).toBeGreaterThan(0)
  expect(told.length).toBeLessThan(5)
  const { steps, states, transitions, open, depth, perSecond } = told.at(-1)!
  expect(Math.min(steps, states, transitions, open, depth, perSecond)).toBeGreaterThan(0)
})
