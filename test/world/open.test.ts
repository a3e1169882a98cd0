import { describe, expect, test, vi } from 'vitest'
import { VenomError } from '../../src/errors.ts'
import type { Worker } from '../../src/rollbackable.ts'
import { memory } from '../../src/systems/memory/index.ts'
import { World, type WorldOptions } from '../../src/world.ts'
import { sleep, Store, thrownBy } from './store.ts'

describe('World.open() refuses', () => {
  const cases: [options: unknown, code: string, message: string][] = [
    [{ systems: {} }, 'NO_SYSTEMS', 'The world has no systems, so nothing could be rolled back.'],
    [{}, 'NO_SYSTEMS', 'The world has no systems, so nothing could be rolled back.'],
    [undefined, 'NO_SYSTEMS', 'The world has no systems, so nothing could be rolled back.'],
    [{ systems: null }, 'NO_SYSTEMS', 'The world has no systems, so nothing could be rolled back.'],
    [{ systems: new Store() }, 'BAD_ARGUMENT', 'systems is a system itself, not an object of systems by their names.'],
    [
      { systems: { ctx: new Store() } },
      'NAME_TAKEN',
      'A system cannot be called "ctx": steps find something else under that name.',
    ],
    [
      { systems: { api: new Store() } },
      'NAME_TAKEN',
      'A system cannot be called "api": steps find something else under that name.',
    ],
    [{ systems: { db: new Map() } }, 'BAD_ARGUMENT', 'The system "db" has no checkpoint(name).'],
    [{ systems: { db: { checkpoint: () => 0 } } }, 'BAD_ARGUMENT', 'The system "db" has no rollback(mark).'],
    [{ systems: { db: undefined } }, 'BAD_ARGUMENT', 'The system "db" has no checkpoint(name).'],
    [{ verify: 'sometimes' }, 'BAD_ARGUMENT', `verify is 'sometimes', and must be 'first', 'always' or 'off'.`],
    [{ verify: true }, 'BAD_ARGUMENT', `verify is true, and must be 'first', 'always' or 'off'.`],
    [{ grace: -1 }, 'BAD_ARGUMENT', 'grace is -1, and must be a number of milliseconds.'],
    [{ grace: '1s' }, 'BAD_ARGUMENT', `grace is '1s', and must be a number of milliseconds.`],
    [{ grace: Number.NaN }, 'BAD_ARGUMENT', 'grace is NaN, and must be a number of milliseconds.'],
    [{ api: { get: 1 } }, 'BAD_ARGUMENT', 'api is { get: 1 }, and must be a function.'],
    [{ context: { coupons: [] } }, 'BAD_ARGUMENT', 'context is { coupons: [] }, and must be a function.'],
    [{ observe: 'db' }, 'BAD_ARGUMENT', `observe is 'db', and must be a function.`],
    [{ worker: 3 }, 'BAD_ARGUMENT', 'worker is 3, and must be an object.'],
    [{ sytems: {} }, 'BAD_ARGUMENT', 'There is no option "sytems".'],
  ]
  for (const [options, code, firstLine] of cases) {
    test(firstLine, async () => {
      const given =
        typeof options === 'object' && options !== null && !('systems' in options) && Object.keys(options).length > 0
      const whole = given ? { systems: { db: new Store() }, ...options } : options
      const error = (await thrownBy(() => World.open(whole as WorldOptions<{ db: Store }>))) as VenomError
      expect(error).toMatchObject({ code })
      expect(error.message.split('\n')[0]).toBe(firstLine)
      expect(error.message.split('\n')).toHaveLength(3)
    })
  }

  test('and says what to do instead', async () => {
    expect(await thrownBy(() => World.open({ systems: {} }))).toMatchObject({
      message:
        'The world has no systems, so nothing could be rolled back.\n' +
        'Every branch would run on what the branch before it left behind.\n' +
        "Name each backend that the application uses: systems: { db: sqlite('test.db') }; state in this process is one too: memory(map).",
    })
    const misspelt = { systems: { db: new Store() }, contxt: () => ({}) }
    expect(await thrownBy(() => World.open(misspelt))).toMatchObject({
      message:
        'There is no option "contxt".\nA misspelt option would do nothing, without a word.\n' +
        'These are the options: systems, api, context, observe, verify, afterRollback, logs, grace, slow, worker.',
    })
  })
})

describe('World.open() that fails', () => {
  /** A system that takes and gives back. */
  const lease = (fails?: Partial<Store>) => {
    const held = { now: false, closed: 0 }
    return Object.assign(new Store(), {
      held,
      open: () => void (held.now = true),
      close: async () => {
        await sleep(5)
        held.now = false
        held.closed++
      },
      ...fails,
    })
  }
  const refused = (): Promise<never> => Promise.reject(new Error('connection refused'))

  test('in one system closes those that opened, and those only', async () => {
    const [db, cache] = [lease(), lease({ open: refused } as Partial<Store>)]
    await expect(World.open({ systems: { db, cache } })).rejects.toMatchObject({
      code: 'OPEN_FAILED',
      message: 'cache could not be opened: connection refused',
    })
    expect([db.held, cache.held]).toEqual([
      { now: false, closed: 1 },
      { now: false, closed: 0 },
    ])
  })

  test('at the first checkpoint closes them', async () => {
    const [db, cache] = [lease(), lease({ checkpoint: refused })]
    await expect(World.open({ systems: { db, cache } })).rejects.toMatchObject({
      code: 'CHECKPOINT_FAILED',
      message: 'cache could not take the checkpoint "start": connection refused',
    })
    expect([db.held.closed, cache.held.closed]).toEqual([1, 1])
  })

  test('at its self-test closes them', async () => {
    const [db, cache] = [
      lease(),
      Object.assign(lease(), { selfTest: () => Promise.reject(new Error('the row is still there')) }),
    ]
    await expect(World.open({ systems: { db, cache } })).rejects.toMatchObject({
      code: 'SELF_TEST_FAILED',
      message: 'cache did not pass its self-test: the row is still there',
    })
    expect([db.held.closed, cache.held.closed]).toEqual([1, 1])
  })

  test('in api() is the error of the user, and closes them', async () => {
    const db = lease()
    const own = new Error('no such file: app.ts')
    expect(await thrownBy(() => World.open({ systems: { db }, api: () => Promise.reject(own) }))).toBe(own)
    expect(db.held.closed).toBe(1)
  })

  test('over a context that cannot be remembered names the place, and closes them', async () => {
    const db = lease()
    const context = () => ({ clients: [{ http: new URL('http://localhost') }] })
    await expect(World.open({ systems: { db }, context })).rejects.toMatchObject({
      code: 'NOT_CLONEABLE',
      message:
        'ctx.clients[0].http is an instance of URL, which cannot be remembered.\n' +
        'The context is rolled back with the systems, so it may hold plain data only: what is shared would leak from branch to branch.\n' +
        'Keep the id or the fields you need in ctx, or make the thing a system of its own.',
    })
    expect(db.held.closed).toBe(1)
  })

  test('tells its first failure, though closing fails as well', async () => {
    const db = lease({ checkpoint: refused, close: () => Promise.reject(new Error('and busy')) })
    await expect(World.open({ systems: { db } })).rejects.toThrow(
      'could not take the checkpoint "start": connection refused',
    )
  })
})

describe('World.open()', () => {
  test('opens, marks the start, then lets each system prove its rollback, once', async () => {
    const db = Object.assign(new Store(), {
      open: () => void db.log.push('open'),
      selfTest: () => void db.log.push('self-test'),
    })
    const api = (): string => {
      db.log.push('api')
      return 'client'
    }
    await using world = await World.open({ systems: { db }, api })
    await world.rollback(await world.checkpoint('paid'))
    expect(db.log).toEqual(['open', 'api', 'checkpoint start', 'self-test', 'checkpoint paid', 'rollback 1'])
    expect(world.api).toBe('client')
  })

  test('tells each system which worker it serves', async () => {
    let served: Worker | undefined
    const db = { ...memory(new Map()), open: (worker: Worker) => void (served = worker) }
    const notices: string[] = []
    await using world = await World.open({
      systems: { db },
      worker: { id: '3', notice: (message) => void notices.push(message) },
    })
    expect(served).toBe(world.worker)
    expect(served).toMatchObject({ id: '3', runner: 'none', runId: expect.stringMatching(/^\w+$/) })
    served?.notice('a crash was repaired')
    expect(notices).toEqual(['a crash was repaired'])
  })

  test('writes notices to the terminal where nobody else takes them', async () => {
    const write = vi.spyOn(process.stderr, 'write').mockReturnValue(true)
    await using world = await World.open({ systems: { db: new Store() } })
    world.worker.notice('a crash was repaired')
    expect(write).toHaveBeenCalledWith('venomqa: a crash was repaired\n')
    write.mockRestore()
  })
})
