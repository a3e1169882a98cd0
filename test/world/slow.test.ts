import { expect, test } from 'vitest'
import type { Rollbackable } from '../../src/rollbackable.ts'
import { World } from '../../src/world.ts'

const pause = (ms: number): Promise<void> => new Promise((resolve) => void setTimeout(resolve, ms))

/** A world of one system that is as slow as `ms` says, and what it was told. */
async function slowWorld(ms: Record<string, number>, slow?: number) {
  const told: string[] = []
  const store: Rollbackable = {
    way: 'copies',
    checkpoint: () => pause(ms['checkpoint'] ?? 0),
    rollback: () => pause(ms['rollback'] ?? 0),
    reset: () => pause(ms['reset'] ?? 0),
  }
  const quick: Rollbackable = { checkpoint: () => 0, rollback: () => undefined, reset: () => undefined }
  const world = await World.open({
    systems: { store, quick },
    worker: { notice: (message) => void told.push(message) },
    ...(slow !== undefined && { slow }),
  })
  return { world, told }
}

test('a slow checkpoint, rollback and reset are told once each, with what it cost and by which way', async () => {
  const { world, told } = await slowWorld({ checkpoint: 30, rollback: 40, reset: 50 }, 20)
  const mark = await world.checkpoint('paid')
  for (let i = 0; i < 3; i += 1) {
    await world.reset()
    await world.rollback(mark)
    await world.checkpoint('again')
  }
  await world.close()
  expect(told).toEqual([
    expect.stringMatching(/^SLOW_CHECKPOINT store took \d\d ms for the checkpoint "start" \(copies\)\.\n/),
    expect.stringMatching(/^SLOW_RESET store took \d\d ms for a reset \(copies\)\.\n[^]*world\.reset\(\{ only/),
    expect.stringMatching(/^SLOW_ROLLBACK store took \d\d ms for the rollback to "paid" \(copies\)\.\n/),
  ])
  expect(told[0]).toContain('when it takes more than 20 ms: slow in World.open()')
})

test('what is quick is not told, nor what is within the limit, nor what failed', async () => {
  const quick = await slowWorld({ checkpoint: 30, rollback: 30, reset: 30 })
  await quick.world.reset()
  await quick.world.close()
  const never = await slowWorld({ checkpoint: 30 }, Infinity)
  await never.world.close()
  expect([...quick.told, ...never.told]).toEqual([])
})

test('a limit that is none is refused', async () => {
  await expect(slowWorld({}, -1)).rejects.toMatchObject({
    code: 'BAD_ARGUMENT',
    message: expect.stringMatching(/slow/),
  })
})
