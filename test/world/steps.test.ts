import { afterEach, describe, expect, test, vi } from 'vitest'
import { World } from '../../src/world.ts'
import { sleep, Store, thrownBy } from './store.ts'

const open = async (grace?: number) => {
  const db = new Store()
  const world = await World.open({ systems: { db }, ...(grace !== undefined && { grace }) })
  return { db, world }
}

describe('run()', () => {
  test('gives what the work gives, and throws what it throws, as it is', async () => {
    const { world } = await open()
    expect(await world.run('sum', () => 3)).toBe(3)
    expect(await world.run('sum', async () => 4, 50)).toBe(4)
    const own = new RangeError('out of stock')
    expect(await thrownBy(() => world.run('order', () => Promise.reject(own)))).toBe(own)
    expect(
      await thrownBy(() =>
        world.run(
          'order',
          () => {
            throw own
          },
          50,
        ),
      ),
    ).toBe(own)
    await world.close()
  })

  test('ends in time, and aborts the signal of work that does not', async () => {
    const { world } = await open()
    let reason: unknown
    const work = (signal: AbortSignal): Promise<void> =>
      new Promise((resolve) => signal.addEventListener('abort', () => resolve(void (reason = signal.reason))))
    const error = await thrownBy(() => world.run('order', work, 20))
    expect(error).toMatchObject({
      code: 'STEP_TIMEOUT',
      message:
        'step "order" timed out in 20 ms.\n' +
        'It waits for something that did not come, or it is slower than its time allows.\n' +
        'If it is slow, give it more: step(name, { timeout: 40 }, body); its `signal` was aborted so that it can stop.',
    })
    expect(reason).toBe(error)
    await world.rollback(world.start)
    await world.close()
  })

  test('has no limit without one, nor with one that is too long for a timer', async () => {
    const { world } = await open()
    for (const timeout of [undefined, 0, Infinity, 2 ** 31, Number.MAX_SAFE_INTEGER]) {
      expect(await world.run('slow', () => sleep(10).then(() => 'done'), timeout)).toBe('done')
    }
    await world.close()
  })

  test('leaves no timer behind, and has none without a limit', async () => {
    const { world } = await open()
    const timers = (): number => process.getActiveResourcesInfo().filter((name) => name === 'Timeout').length
    const before = timers()
    await world.run('quick', () => Promise.resolve(), 60_000)
    let end = (): void => undefined
    const endless = world.run('endless', () => new Promise<void>((resolve) => (end = resolve)), Infinity)
    await sleep(1)
    expect(timers()).toBe(before)
    end()
    await endless
    await world.close()
  })

  test('keeps its time under the fake timers of a test', async () => {
    const { world } = await open(30)
    vi.useFakeTimers()
    await expect(world.run('order', () => new Promise(() => {}), 20)).rejects.toMatchObject({ code: 'STEP_TIMEOUT' })
    await expect(world.rollback(world.start)).rejects.toMatchObject({ code: 'STEP_STILL_RUNNING' })
  })
  afterEach(() => void vi.useRealTimers())

  test('waits for a rollback that has begun', async () => {
    const { db, world } = await open()
    const mark = await world.checkpoint('paid')
    const { rollback } = db
    db.rollback = async (to) => {
      await sleep(20)
      await rollback.call(db, to)
    }
    const back = world.rollback(mark)
    const step = world.run('order', () => void (db.data = { order: 1 }))
    await Promise.all([back, step])
    expect(db.data).toEqual({ order: 1 })
    await world.close()
  })
})

describe('work that outlives its step', () => {
  test('is awaited before a rollback, so that its writes are undone', async () => {
    const { db, world } = await open()
    const mark = await world.checkpoint('paid')
    const work = async (): Promise<void> => {
      await sleep(40)
      db.data = { late: 1 }
    }
    await thrownBy(() => world.run('order', work, 10))
    await world.rollback(mark)
    expect(db.data).toEqual({})
    await sleep(50)
    expect(db.data).toEqual({})
    await world.close()
  })

  test('is awaited before a checkpoint and a reset, so that it never lands in a later mark', async () => {
    for (const next of [(world: World) => world.checkpoint('after'), (world: World) => world.reset()]) {
      const { db, world } = await open()
      let landed = false
      const work = async (): Promise<void> => {
        await sleep(40)
        db.data = { late: 1 }
        landed = true
      }
      await thrownBy(() => world.run('order', work, 10))
      await next(world)
      expect(landed).toBe(true)
      await world.close()
    }
  })

  test('is not waited for where there is no grace', async () => {
    const { world } = await open(0)
    await thrownBy(() => world.run('order', () => new Promise(() => {}), 10))
    await expect(world.rollback(world.start)).rejects.toMatchObject({ code: 'STEP_STILL_RUNNING' })
  })

  test('and fails late does not fail anything else', async () => {
    const { world } = await open()
    const work = async (): Promise<void> => {
      await sleep(30)
      throw new Error('nobody listens any more')
    }
    await expect(world.run('order', work, 10)).rejects.toMatchObject({ code: 'STEP_TIMEOUT' })
    await world.rollback(world.start)
    await world.close()
  })

  test('taints the world when it does not end in grace, and is named', async () => {
    const { db, world } = await open(20)
    db.data = { a: 1 }
    await thrownBy(() => world.run('refund it', () => new Promise(() => {}), 10))
    const error = await thrownBy(() => world.rollback(world.start))
    expect(error).toMatchObject({
      code: 'STEP_STILL_RUNNING',
      message:
        'step "refund it" is still running 20 ms after it should have ended, so nothing is rolled back under it.\n' +
        'Its late writes would land in the next path.\n' +
        'Pass its `signal` on to what it waits for, or raise grace in defineWorld().',
    })
    expect(world.tainted).toBe(error)
    expect(db.data).toEqual({ a: 1 })
    await expect(world.recover()).rejects.toMatchObject({
      code: 'TAINTED',
      message: `The state is unknown, so nothing more runs on it: ${(error as Error).message}\nMend that; the next run opens the systems anew.`,
    })
  })

  test('and ends after all lets the world recover', async () => {
    const { db, world } = await open(10)
    let end: () => void = () => {}
    const work = (): Promise<void> => new Promise((resolve) => (end = resolve))
    await thrownBy(() => world.run('order', work, 10))
    await expect(world.checkpoint('paid')).rejects.toMatchObject({ code: 'STEP_STILL_RUNNING' })
    db.data = { late: 1 }
    end()
    await world.recover()
    expect(db.data).toEqual({})
    await world.close()
  })

  test('does not keep the systems open', async () => {
    const { db, world } = await open(10)
    await thrownBy(() => world.run('order', () => new Promise(() => {}), 10))
    await expect(world.close()).rejects.toMatchObject({ code: 'STEP_STILL_RUNNING' })
    expect(db.log.at(-1)).toBe('close')
  })

  test('does not leave its state to the next run, also where that was to be kept', async () => {
    for (const keep of [false, true]) {
      const { db, world } = await open(10)
      db.data = { sold: 1 }
      await thrownBy(() => world.run('order', () => new Promise(() => {}), 10))
      await expect(world.close({ keep })).rejects.toMatchObject({ code: 'STEP_STILL_RUNNING' })
      expect(db.data).toEqual({})
    }
  })

  test('is told beside what its writes did to the way back', async () => {
    const { db, world } = await open(10)
    await thrownBy(() => world.run('order', () => new Promise(() => {}), 10))
    db.rollback = () => Promise.reject(new Error('the order holds a lock'))
    await expect(world.close()).rejects.toMatchObject({
      code: 'CLOSE_FAILED',
      message: expect.stringMatching(/still running[^]*the order holds a lock/),
    })
  })

  test('is told by settled()', async () => {
    const { world } = await open(10)
    await world.settled()
    await thrownBy(() => world.run('order', () => new Promise(() => {}), 10))
    await expect(world.settled()).rejects.toMatchObject({ code: 'STEP_STILL_RUNNING' })
    expect(world.tainted).toMatchObject({ code: 'STEP_STILL_RUNNING' })
  })
})
