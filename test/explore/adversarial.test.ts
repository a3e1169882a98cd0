import { describe, expect, test } from 'vitest'
import { lock } from './lock.ts'
import { open, places } from './places.ts'

describe.each(Object.keys(places))('on %s', (place) => {
  test.each([
    [4, 'resets', 0],
    [8, 'resets', 0],
    [12, 'ignored', 0],
    [6, 'resets', 2],
  ] as const)('a lock of %i keys, a wrong one %s, %i dials of noise', async (keys, wrong, dials) => {
    await using at = await open(place)
    const { violations, cost } = await at.world.explore(await lock(at.store, keys, wrong, dials), { seed: 11 })
    expect(violations[0]?.path.map(({ action }) => action)).toEqual(
      Array.from({ length: keys }, (_, key) => `key ${key}`),
    )
    expect(cost.steps).toBeLessThan(2500)
  })
})
