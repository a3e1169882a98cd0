import { runInNewContext } from 'node:vm'
import { describe, expect, test, vi } from 'vitest'
import { isVenomError, VenomError } from '../../src/errors.ts'
import { type Awaitable, type Change, observation } from '../../src/rollbackable.ts'
import { memory } from '../../src/systems/memory/index.ts'
import { World } from '../../src/world.ts'
import { sleep, Store, thrownBy } from './store.ts'

const lost = (): Promise<never> => Promise.reject(new Error('connection lost'))

describe('a checkpoint that fails in one system', () => {
  test('releases the parts of the others, and leaves the world as it was', async () => {
    const [db, cache] = [new Store(), new Store()]
    await using world = await World.open({ systems: { db, cache } })
    const before = await world.checkpoint('before')
    const { checkpoint } = cache
    const { release } = db
    db.release = (mark) => sleep(5).then(() => release.call(db, mark))
    cache.checkpoint = lost
    cache.log.length = 0
    await expect(world.checkpoint('paid')).rejects.toMatchObject({
      code: 'CHECKPOINT_FAILED',
      message: 'cache could not take the checkpoint "paid": connection lost',
      cause: new Error('connection lost'),
    })
    expect(db.log.slice(-2)).toEqual(['checkpoint paid', 'release 2'])
    expect(cache.log).toEqual([])
    cache.checkpoint = checkpoint
    expect(world.tainted).toBeUndefined()
    await world.rollback(before)
    await world.checkpoint('paid')
  })

  test('is told also where the parts of the others cannot be released', async () => {
    const [db, cache] = [new Store(), new Store()]
    await using world = await World.open({ systems: { db, cache } })
    const { checkpoint } = cache
    cache.checkpoint = lost
    db.release = () => Promise.reject(new Error('gone'))
    await expect(world.checkpoint('paid')).rejects.toMatchObject({ code: 'CHECKPOINT_FAILED' })
    cache.checkpoint = checkpoint
  })

  test('or in more names each', async () => {
    const systems = { db: new Store(), cache: new Store(), index: new Store() }
    await using world = await World.open({ systems })
    systems.db.checkpoint = lost
    systems.index.checkpoint = () => Promise.reject(new Error('shard is red'))
    const error = (await thrownBy(() => world.checkpoint('paid'))) as VenomError
    expect(error.message).toBe(
      'db could not take the checkpoint "paid": connection lost\nindex could not take the checkpoint "paid": shard is red',
    )
    expect((error.cause as AggregateError).errors.map((cause: Error) => cause.message)).toEqual([
      'connection lost',
      'shard is red',
    ])
  })

  test('is that of the system where it says it better', async () => {
    const own = new VenomError('LOCKED', 'db: 1 write transaction is still open.', { retryable: true })
    const db = new Store()
    await using world = await World.open({ systems: { db } })
    db.checkpoint = () => Promise.reject(own)
    expect(await thrownBy(() => world.checkpoint('paid'))).toBe(own)
  })

  test('releases the parts also where the system cannot tell what moved meanwhile', async () => {
    const [db, cache] = [new Store(), new Store()]
    await using world = await World.open({ systems: { db, cache } })
    cache.changes = lost
    const { release } = db
    db.release = (mark) => sleep(5).then(() => release.call(db, mark))
    await expect(world.checkpoint('paid')).rejects.toMatchObject({
      code: 'SYSTEM_FAILED',
      message: 'cache could not tell its changes: connection lost',
    })
    expect([db.log.at(-1), cache.log.at(-1)]).toEqual(['release 1', 'release 1'])
    cache.changes = async () => []
  })
})

describe('a rollback that fails in one system', () => {
  const open = async () => {
    const [db, cache] = [new Store(), new Store()]
    const world = await World.open({ systems: { cache, db } })
    const mark = await world.checkpoint('paid')
    const good = cache.rollback.bind(cache)
    cache.rollback = lost
    return { db, cache, world, mark, mend: () => void (cache.rollback = good) }
  }

  test('is attempted in the others', async () => {
    const { db, world, mark, mend } = await open()
    db.data = { a: 1 }
    await expect(world.rollback(mark)).rejects.toMatchObject({
      code: 'ROLLBACK_FAILED',
      message: 'cache could not be rolled back to "paid": connection lost',
    })
    expect(db.data).toEqual({})
    mend()
    await world.close()
  })

  test('taints the world, which then runs nothing more', async () => {
    const { world, mark, mend } = await open()
    const failure = await thrownBy(() => world.rollback(mark))
    expect(world.tainted).toBe(failure)
    for (const call of [
      () => world.checkpoint('more'),
      () => world.rollback(mark),
      () => world.reset(),
      () => world.run('step', () => {}),
    ]) {
      await expect(call(), String(call)).rejects.toMatchObject({
        code: 'TAINTED',
        message:
          'The state is unknown, so nothing more runs on it: cache could not be rolled back to "paid": connection lost\n' +
          'A run on an unknown state could pass or fail for no reason of its own.\n' +
          'await world.recover() goes back to the start and proves it; or open the world anew.',
        cause: failure,
      })
    }
    mend()
    await world.close()
  })

  test('can be recovered from once the system answers again', async () => {
    const { db, world, mark, mend } = await open()
    db.data = { a: 1 }
    await thrownBy(() => world.rollback(mark))
    mend()
    await world.recover()
    expect(world.tainted).toBeUndefined()
    expect(world.holds(mark)).toBe(false)
    await world.rollback(await world.checkpoint('again'))
    await world.recover()
    await world.close()
  })

  test('is recovered from with a proof, also where the start was proved before', async () => {
    const { db, world, mark, mend } = await open()
    mend()
    await world.rollback(world.start)
    db.rollback = async () => {}
    db.data = { a: 1 }
    await expect(world.rollback(mark)).rejects.toMatchObject({ code: 'STALE_MARK' })
    const paid = await world.checkpoint('paid')
    db.data = { a: 2 }
    await expect(world.rollback(paid)).rejects.toMatchObject({ code: 'NOT_VERIFIED' })
    await expect(world.recover()).rejects.toMatchObject({
      code: 'TAINTED',
      message: expect.stringMatching(
        'Going back did not help: After the rollback to "start" the state is not what it was',
      ),
    })
    db.data = {}
    await world.recover()
    await world.close()
  })

  test('is no reason to go back where there was none: recover() of a good world does nothing', async () => {
    const { db, world, mend } = await open()
    mend()
    db.data = { a: 1 }
    await world.recover()
    expect(db.data).toEqual({ a: 1 })
    await world.close()
  })

  test('says why it could not be recovered from', async () => {
    const { world, mark, mend } = await open()
    await thrownBy(() => world.rollback(mark))
    await expect(world.recover()).rejects.toMatchObject({
      code: 'TAINTED',
      message:
        'The state is unknown, so nothing more runs on it: cache could not be rolled back to "paid": connection lost\n' +
        'Going back did not help: cache could not be rolled back to "start": connection lost\n' +
        'Mend the cause named first; the next run opens the systems anew.',
    })
    expect(world.tainted).toMatchObject({ message: 'cache could not be rolled back to "paid": connection lost' })
    mend()
    await world.close()
  })

  test('leaves no later mark to trust: some systems have forgotten it already', async () => {
    const { world, mark, mend } = await open()
    mend()
    const later = await world.checkpoint('later')
    const { rollback } = Store.prototype
    let broken = true
    world.systems.cache.rollback = function (to) {
      return broken ? lost() : rollback.call(this, to)
    }
    await thrownBy(() => world.rollback(mark))
    broken = false
    expect(world.holds(later)).toBe(false)
    await expect(world.recover(later)).rejects.toThrow('The checkpoint "later" is gone')
    await world.recover(mark)
    expect(world.holds(mark)).toBe(true)
    await world.close()
  })
})

describe('verify', () => {
  /** A store that forgets to go back from its second rollback on, until it is recovered. */
  const forgetful = (): Store => {
    const store = new Store()
    let times = 0
    const { rollback } = store
    store.rollback = (mark) => (++times >= 2 && mark > 0 ? Promise.resolve() : rollback.call(store, mark))
    return store
  }
  const twice = async (verify?: 'first' | 'always' | 'off'): Promise<{ db: Store; error: unknown; world: World }> => {
    const db = forgetful()
    const world: World = await World.open({ systems: { db }, ...(verify && { verify }) })
    const mark = await world.checkpoint('paid')
    db.data = { a: 1 }
    await world.rollback(mark)
    db.data = { a: 2 }
    const error = await world.rollback(mark).then(
      () => undefined,
      (thrown: unknown) => thrown,
    )
    return { db, error, world }
  }

  test('first: proves the first rollback to each mark', async () => {
    const { error, world } = await twice()
    expect(error).toBeUndefined()
    await world.close()
  })

  test('always: proves each rollback', async () => {
    const { error, world } = await twice('always')
    expect(error).toMatchObject({
      code: 'NOT_VERIFIED',
      message:
        'After the rollback to "paid" the state is not what it was: db still differs (a: 1 inserted).\n' +
        'It was tried 5 times: either something writes all the time, or the system cannot undo what was done.\n' +
        'If the application writes by itself (a timer, a job), stop it for the tests; else run the conformance kit on the system.',
    })
    expect(world.tainted).toBe(error)
    await world.recover()
    await world.close()
  })

  /** A store into which something writes right after each of its next `times` ways back. */
  const writtenTo = async (times: number, verify: 'first' | 'always' = 'first') => {
    const db = new Store()
    const said: string[] = []
    const world: World = await World.open({ systems: { db }, verify, worker: { notice: (text) => said.push(text) } })
    const mark = await world.checkpoint('paid')
    const { rollback } = db
    let left = times
    db.rollback = async (to) => {
      await rollback.call(db, to)
      if (left-- > 0) db.data['beat'] = left
    }
    return { db, mark, said, world }
  }

  test('what is written between a way back and its proof is undone too, and told once', async () => {
    const { db, mark, said, world } = await writtenTo(4)
    await world.rollback(mark)
    expect(db.data).toEqual({})
    expect(world.tainted).toBeUndefined()
    expect(said).toEqual([
      'The way back to "paid" is taken once more, since db still differs (beat: 1 inserted).\n' +
        'Usually the application wrote in that moment, by itself: a timer, a job, or a call that a step did not wait for.\n' +
        'Stop it for the tests, or wait for its effect in the step that causes it. This is told once.',
    ])
    await world.close()
  })

  test('a mark that took more than one try is proved again the next time', async () => {
    const { db, mark, world } = await writtenTo(1)
    await world.rollback(mark)
    db.rollback = async () => {}
    db.data = { a: 1 }
    await expect(world.rollback(mark)).rejects.toMatchObject({ code: 'NOT_VERIFIED' })
    db.data = {}
    await world.close()
  })

  test('what writes all the time is told apart from that', async () => {
    const { mark, world } = await writtenTo(5)
    await expect(world.rollback(mark)).rejects.toMatchObject({
      code: 'NOT_VERIFIED',
      message: expect.stringContaining('It was tried 5 times'),
    })
    await world.close()
  })

  test('off: proves nothing, neither at the start nor at the end', async () => {
    const db = Object.assign(new Store(), { rollback: async () => {}, selfTest: lost })
    const world = await World.open({ systems: { db }, verify: 'off' })
    db.data = { a: 1 }
    await world.rollback(world.start)
    await world.close()
    expect(db.data).toEqual({ a: 1 })
  })

  test('off: never looks at a system, so that nothing but its changes() could prove a recovery', async () => {
    const rollback = vi.fn<() => Awaitable<void>>().mockImplementationOnce(lost)
    const simple = { checkpoint: () => 0, rollback, observe: vi.fn(() => observation('simple', 1)) }
    const world: World = await World.open({ systems: { simple, db: new Store() }, verify: 'off' })
    const mark = await world.checkpoint('paid')
    await thrownBy(() => world.rollback(mark))
    await world.recover()
    expect(world.tainted).toBeUndefined()
    expect(simple.observe).not.toHaveBeenCalled()
    await world.close()
  })

  test('the end of the world is proved, however often its start was', async () => {
    const db = new Store()
    const world = await World.open({ systems: { db } })
    await world.rollback(world.start)
    db.data = { a: 1 }
    db.rollback = async () => {}
    await expect(world.close()).rejects.toMatchObject({ code: 'NOT_VERIFIED' })
    expect(db.log.at(-1)).toBe('close')
  })

  test('looks at a system that cannot list its changes', async () => {
    let state = { n: 1 }
    const simple = {
      checkpoint: () => ({ ...state }),
      rollback: () => {},
      observe: () => ({ system: 'simple', data: state }),
    }
    const world = await World.open({ systems: { simple } })
    state.n = 2
    await expect(world.rollback(world.start)).rejects.toMatchObject({
      code: 'NOT_VERIFIED',
      message: expect.stringMatching('is not what it was: simple does not look as it did.'),
    })
    state = { n: 1 }
    await world.recover()
    await world.close()
  })

  test('trusts a system that can neither list nor be looked at', async () => {
    await using world = await World.open({
      systems: { blind: { checkpoint: () => 0, rollback: () => {} } },
      verify: 'always',
    })
    await world.rollback(world.start)
    expect(world.tainted).toBeUndefined()
  })

  test('a proof that cannot be made taints the world, whatever was thrown', async () => {
    for (const thrown of [new Error('connection lost'), undefined, '', null]) {
      const db = new Store()
      const world = await World.open({ systems: { db } })
      db.changes = () => Promise.reject(thrown)
      expect(isVenomError(await thrownBy(() => world.rollback(world.start)))).toBe(true)
      expect(world.tainted).toMatchObject({ code: 'SYSTEM_FAILED' })
      db.changes = async () => []
      await world.close()
    }
  })
})

describe('what a system throws need not be an Error', () => {
  const circular: { self?: unknown } = {}
  circular.self = circular
  const cases: [thrown: unknown, text: string][] = [
    ['out of space', 'out of space'],
    [undefined, 'undefined (thrown as it is, not as an Error)'],
    [null, 'null (thrown as it is, not as an Error)'],
    [{ code: 7 }, '{ code: 7 } (thrown as it is, not as an Error)'],
    [circular, '<ref *1> { self: [Circular *1] } (thrown as it is, not as an Error)'],
    [7n, '7n (thrown as it is, not as an Error)'],
    [new TypeError(), 'TypeError'],
    [runInNewContext('new RangeError("of another realm")'), 'of another realm'],
  ]
  for (const [thrown, text] of cases) {
    test(text, async () => {
      const db = new Store()
      await using world = await World.open({ systems: { db } })
      // oxlint-disable-next-line typescript/prefer-promise-reject-errors -- that is the point
      db.checkpoint = () => Promise.reject(thrown)
      await expect(world.checkpoint('paid')).rejects.toMatchObject({
        code: 'CHECKPOINT_FAILED',
        message: `db could not take the checkpoint "paid": ${text}`,
        cause: thrown,
      })
    })
  }
})

describe('systems that do not stand still while a checkpoint is taken', () => {
  /** Moves by itself after each of its first checkpoints, as an application that still works does. */
  const restless = (times: number): Store => {
    const store = new Store()
    const { checkpoint } = store
    store.checkpoint = async (name) => {
      const mark = await checkpoint.call(store, name)
      if (times-- > 0) store.data = { ...store.data, moved: times }
      return mark
    }
    return store
  }

  test('get another try, and the mark is of one moment', async () => {
    const [queue, db] = [restless(2), new Store()]
    await using world = await World.open({ systems: { db, queue } })
    expect(queue.log).toEqual(['checkpoint start', 'release 0', 'checkpoint start', 'release 1', 'checkpoint start'])
    // What stood still keeps its mark: it may be slow, and the other may move again meanwhile.
    expect(db.log).toEqual(['checkpoint start'])
    expect(await world.changes()).toEqual({ db: [], queue: [] })
    await world.rollback(world.start)
    expect(queue.data).toEqual({ moved: 0 })
  })

  test('are asked again with those that moved after them, so that all marks are of one moment', async () => {
    const [queue, db] = [restless(1), new Store()]
    const { checkpoint } = queue
    let tries = 0
    queue.checkpoint = async (name) => {
      // The second mark of the queue is taken while the database moves, whose mark stood still until then.
      if (++tries === 2) db.data = { paid: 1 }
      return checkpoint.call(queue, name)
    }
    await using world = await World.open({ systems: { db, queue } })
    expect(db.log).toEqual(['checkpoint start', 'release 0', 'checkpoint start'])
    expect(await world.changes()).toEqual({ db: [], queue: [] })
    await world.rollback(world.start)
    expect([db.data, queue.data]).toEqual([{ paid: 1 }, { moved: 0 }])
  })

  test('take those along that cannot tell whether they moved', async () => {
    const blind = { taken: 0, checkpoint: () => (blind.taken += 1), rollback: () => {} }
    await using world = await World.open({ systems: { db: new Store(), queue: restless(1), blind } })
    expect([blind.taken, await world.changes()]).toEqual([2, { db: [], queue: [] }])
  })

  test('are released with the others when a later try fails', async () => {
    const [queue, db] = [restless(0), new Store()]
    await using world = await World.open({ systems: { db, queue } })
    const { checkpoint } = queue
    let tries = 0
    queue.checkpoint = async (name) => {
      if (++tries === 2) throw new Error('gone')
      const mark = await checkpoint.call(queue, name)
      queue.data = { jobs: 1 }
      return mark
    }
    await expect(world.checkpoint('paid')).rejects.toMatchObject({ code: 'CHECKPOINT_FAILED' })
    expect(db.log).toEqual(['checkpoint start', 'checkpoint paid', 'release 1'])
  })

  test('are named when they never do', async () => {
    const [queue, db] = [new Store(), new Store()]
    await using world = await World.open({ systems: { db, queue } })
    const { checkpoint } = queue
    queue.checkpoint = restless(99).checkpoint.bind(queue)
    let n = 0
    queue.checkpoint = async (name) => {
      const mark = await checkpoint.call(queue, name)
      queue.data = { jobs: ++n }
      return mark
    }
    const began = performance.now()
    await expect(world.checkpoint('paid')).rejects.toMatchObject({
      code: 'NOT_QUIET',
      retryable: true,
      message:
        'The checkpoint "paid" could not be taken over all systems at once: queue (jobs: 1 updated (value 4 → 5)) kept changing meanwhile.\n' +
        'The application still works on what an earlier step asked for (a job, a queue, a fire-and-forget call), or by a timer.\n' +
        'Wait for its effect in the step before the checkpoint; stop the timer for the tests.',
    })
    expect(queue.log.filter((line) => line.startsWith('release'))).toHaveLength(n)
    expect(db.log).toEqual(['checkpoint start', 'checkpoint paid', 'release 1'])
    // It waited longer from try to try, 600 ms in all.
    expect(performance.now() - began).toBeGreaterThan(590)
    expect(world.tainted).toBeUndefined()
    queue.checkpoint = checkpoint
    await world.checkpoint('paid')
  })

  test('do not matter where there is one system only: there is nothing to disagree with', async () => {
    const queue = restless(1)
    await using world = await World.open({ systems: { queue } })
    expect(queue.log).toEqual(['checkpoint start'])
    expect((await world.changes()).queue).toHaveLength(1)
  })

  test('are not asked when they cannot tell', async () => {
    const blind = { checkpoint: () => 0, rollback: () => {} }
    const db = new Store()
    let asked = 0
    db.changes = async (): Promise<Change[]> => (asked++, [])
    await using world = await World.open({
      systems: { db, blind, cache: { ...memory(new Map()), changes: undefined } } as never,
    })
    expect(asked).toBe(0)
    await world.checkpoint('paid')
    expect(asked).toBe(0)
  })
})
