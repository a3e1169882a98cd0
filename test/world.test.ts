import { describe, expect, test } from 'vitest'
import { observation } from '../src/rollbackable.ts'
import { memory } from '../src/systems/memory/index.ts'
import { World } from '../src/world.ts'
import { sleep, Store } from './world/store.ts'

describe('marks', () => {
  test('one checkpoint and one rollback go over all systems and the context', async () => {
    const map = new Map([['a', 1]])
    const db = new Store()
    await using world = await World.open({ systems: { db, cache: memory(map) }, context: () => ({ seen: ['start'] }) })
    const mark = await world.checkpoint('order created')
    map.set('a', 2)
    db.data = { order: 1 }
    world.ctx.seen.push('branch')
    await world.rollback(mark)
    expect([...map]).toEqual([['a', 1]])
    expect(db.data).toEqual({})
    expect(world.ctx).toEqual({ seen: ['start'] })
    expect(mark.name).toBe('order created')
  })

  test('nest, and any of them may be gone back to any number of times', async () => {
    const db = new Store()
    await using world = await World.open({ systems: { db } })
    db.data = { a: 1 }
    const outer = await world.checkpoint('outer')
    for (const branch of [2, 3]) {
      db.data = { a: branch }
      const inner = await world.checkpoint('inner')
      for (const twig of [4, 5]) {
        db.data = { a: branch, b: twig }
        await world.rollback(inner)
        expect(db.data).toEqual({ a: branch })
      }
      await world.rollback(outer)
      expect(db.data).toEqual({ a: 1 })
    }
    await world.rollback(world.start)
    expect(db.data).toEqual({})
  })

  test('that were rolled past are refused, even when a new one takes the place', async () => {
    await using world = await World.open({ systems: { db: new Store() } })
    const cart = await world.checkpoint('cart')
    const paid = await world.checkpoint('paid')
    await world.rollback(cart)
    expect(world.holds(paid)).toBe(false)
    await world.checkpoint('refunded')
    await expect(world.rollback(paid)).rejects.toMatchObject({
      code: 'STALE_MARK',
      message:
        'The checkpoint "paid" is gone: the world went back to before it, or released it.\n' +
        'A rollback forgets the checkpoints that were taken after the one it goes to.\n' +
        'Take a new checkpoint after the rollback, and go back to that one.',
    })
    await expect(world.changes(paid)).rejects.toMatchObject({ code: 'STALE_MARK' })
    expect(world.tainted).toBeUndefined()
    await world.rollback(cart)
  })

  test('of another world are refused', async () => {
    await using one = await World.open({ systems: { db: new Store() } })
    await using other = await World.open({ systems: { db: new Store() } })
    await expect(one.rollback(other.start)).rejects.toMatchObject({ code: 'STALE_MARK' })
  })

  test('are objects: a name in their place is refused in words', async () => {
    await using world = await World.open({ systems: { db: new Store() } })
    await world.checkpoint('paid')
    // @ts-expect-error a mark is what checkpoint() returned
    await expect(world.rollback('paid')).rejects.toMatchObject({
      code: 'BAD_ARGUMENT',
      message:
        '"paid" is no mark.\nA checkpoint is known by what checkpoint() returned, since two may have the same name.\n' +
        'Keep it: const mark = await world.checkpoint(name); then await world.rollback(mark).',
    })
  })

  test('stay where every system is a tree', async () => {
    const state = { now: 'root' }
    const [a, b] = [new Store('tree'), memory({ get: () => state.now, set: (value) => (state.now = value) })]
    await using world = await World.open({ systems: { a, b } })
    const root = await world.checkpoint('root')
    state.now = 'left'
    a.data = { left: 1 }
    const left = await world.checkpoint('left')
    await world.rollback(root)
    state.now = 'right'
    const right = await world.checkpoint('right')
    await world.rollback(left)
    expect([state.now, a.data]).toEqual(['left', { left: 1 }])
    await world.rollback(right)
    expect([state.now, a.data]).toEqual(['right', {}])
  })

  test('are forgotten by all where one system is a stack, and the trees are told', async () => {
    const [stack, tree] = [new Store('stack'), new Store('tree')]
    const { release } = tree
    tree.release = (mark) => sleep(5).then(() => release.call(tree, mark))
    await using world = await World.open({ systems: { stack, tree } })
    const root = await world.checkpoint('root')
    const left = await world.checkpoint('left')
    const twig = await world.checkpoint('twig')
    await world.rollback(root)
    expect([world.holds(left), world.holds(twig), world.holds(root)]).toEqual([false, false, true])
    expect(tree.log.filter((line) => line.startsWith('release'))).toEqual(['release 3', 'release 2'])
    expect(stack.log.filter((line) => line.startsWith('release'))).toEqual([])
  })

  test('that are released are forgotten with those made after them, and the state stays', async () => {
    const db = new Store()
    await using world = await World.open({ systems: { db } })
    const outer = await world.checkpoint('outer')
    const inner = await world.checkpoint('inner')
    db.data = { a: 1 }
    await world.release(outer)
    expect(db.data).toEqual({ a: 1 })
    expect([world.holds(outer), world.holds(inner)]).toEqual([false, false])
    expect(db.log.slice(-2)).toEqual(['release 2', 'release 1'])
    await world.release(inner)
    expect(db.log).toHaveLength(5)
  })

  test('of the start cannot be released, since close() goes back to it', async () => {
    const db = new Store()
    const world = await World.open({ systems: { db } })
    db.data = { a: 1 }
    await expect(world.release(world.start)).rejects.toMatchObject({
      code: 'BAD_ARGUMENT',
      message:
        'The start of the world cannot be released.\nclose() and recover() go back to it.\nRelease the marks that you took yourself.',
    })
    await world.close()
    expect(db.data).toEqual({})
  })

  test('that could not be released say so', async () => {
    const db = { ...memory(new Map()), release: () => Promise.reject(new Error('connection lost')) }
    await using world = await World.open({ systems: { db } })
    await expect(world.release(await world.checkpoint('paid'))).rejects.toMatchObject({
      code: 'SYSTEM_FAILED',
      message: 'db could not release "paid": connection lost',
    })
  })
})

describe('what a world tells', () => {
  test('changes() lists each system that can tell, since the mark or else the newest', async () => {
    const db = new Store()
    const blind = { checkpoint: () => 0, rollback: () => {} }
    await using world = await World.open({ systems: { db, blind, cache: memory(new Map([['k', 1]])) } })
    db.data = { order: 1 }
    expect(await world.changes()).toEqual({
      db: [{ key: 'order', inserted: [{ value: 1 }], updated: [], deleted: [] }],
      cache: [],
    })
    const mark = await world.checkpoint('paid')
    expect(await world.changes()).toEqual({ db: [], cache: [] })
    expect(await world.changes(mark)).toEqual({ db: [], cache: [] })
    expect((await world.changes(world.start)).db).toHaveLength(1)
  })

  test('changes() names the system that could not tell', async () => {
    const db = new Store()
    await using world = await World.open({ systems: { db }, verify: 'off' })
    db.changes = () => Promise.reject(new Error('connection lost'))
    await expect(world.changes()).rejects.toMatchObject({
      code: 'SYSTEM_FAILED',
      message: 'db could not tell its changes: connection lost',
    })
  })

  test('observe() shows each system that can tell, and the context, as they are in that moment', async () => {
    const map = new Map([['k', { n: 1 }]])
    const systems = { cache: memory(map), blind: new Store() }
    await using world = await World.open({ systems, context: () => ({ ids: [1] }) })
    const seen = await world.observe()
    map.get('k')!.n = 2
    world.ctx.ids.push(2)
    expect(seen).toEqual({
      cache: observation('memory', new Map([['k', { n: 1 }]])),
      ctx: observation('ctx', { ids: [1] }),
    })
  })

  test('observe() names the system that could not tell', async () => {
    const db = { ...memory(new Map()), observe: () => Promise.reject(new Error('connection lost')) }
    await using world = await World.open({ systems: { db } })
    await expect(world.observe()).rejects.toMatchObject({
      code: 'SYSTEM_FAILED',
      message: 'db could not tell its state: connection lost',
    })
  })

  test('observe() is what the world was given for it', async () => {
    const map = new Map([['orders', 3]])
    await using world = await World.open({
      systems: { cache: memory(map) },
      context: () => ({ user: 'ada' }),
      observe: async ({ systems, ctx }) => ({ orders: systems.cache.get('orders'), user: ctx.user }),
    })
    expect(await world.observe()).toEqual({ world: observation('world', { orders: 3, user: 'ada' }) })
  })

  test('systems are seen by their handle, or as themselves without one', async () => {
    const map = new Map<string, number>()
    const db = new Store()
    const late = { ...memory(map), handle: 'before open', open: () => void (late.handle = 'after open') }
    await using world = await World.open({ systems: { db, cache: memory(map), late } })
    expect(world.systems.db).toBe(db)
    expect(world.systems.cache).toBe(map)
    expect(world.systems.late).toBe('after open')
    expect(Object.keys(world.systems)).toEqual(['db', 'cache', 'late'])
  })

  test('each system says its way, and where the application must connect', async () => {
    const here = { ...memory(new Map()), url: 'postgres://localhost/shop_w1' }
    const systems = { here, there: new Store() }
    await using world = await World.open({ systems, api: ({ url, worker }) => `${url('here')} ${worker.id}` })
    expect(world.ways).toEqual({ here: 'memory: copies', there: 'its own' })
    expect(world.api).toBe('postgres://localhost/shop_w1 1')
    expect(world.url('here')).toBe('postgres://localhost/shop_w1')
    expect(() => world.url('there')).toThrow(/^there made no place of its own for this worker, so it has no URL\./)
    expect(() => world.url('elsewhere')).toThrow(
      'There is no system "elsewhere".\nThe world has: here, there.\nUse one of these names.',
    )
  })
})

describe('reset()', () => {
  test('empties what can be emptied, and a rollback undoes it', async () => {
    const map = new Map([['k', 1]])
    const cache = { ...memory(map), reset: () => map.clear() }
    const db = new Store()
    await using world = await World.open({ systems: { db, cache } })
    const mark = await world.checkpoint('paid')
    await world.reset()
    expect(map.size).toBe(0)
    expect(world.holds(mark)).toBe(true)
    await world.rollback(mark)
    expect([...map]).toEqual([['k', 1]])
  })

  test('hands its options on, attempts every system and names those that failed', async () => {
    const seen: unknown[] = []
    const bad = { ...memory(new Map()), reset: () => Promise.reject(new Error('orders is locked')) }
    const good = { ...memory(new Map()), reset: (options: unknown) => void seen.push(options) }
    await using world = await World.open({ systems: { bad, good } })
    await expect(world.reset({ except: ['migrations'] })).rejects.toMatchObject({
      code: 'SYSTEM_FAILED',
      message: 'bad could not be emptied: orders is locked',
    })
    expect(seen).toEqual([{ except: ['migrations'] }])
  })
})

describe('systems', () => {
  test('are called in parallel with each other, one member at a time each', async () => {
    let inside = 0
    let most = 0
    const slow = (): Store & { inside: number } => {
      const store = Object.assign(new Store(), { inside: 0 })
      for (const member of ['checkpoint', 'rollback', 'changes', 'release'] as const) {
        const call = store[member].bind(store) as (argument: unknown) => Promise<never>
        store[member] = async (argument: unknown): Promise<never> => {
          expect(++store.inside).toBe(1)
          most = Math.max(most, ++inside)
          await sleep(2)
          inside--
          store.inside--
          return call(argument)
        }
      }
      return store
    }
    await using world = await World.open({ systems: { one: slow(), two: slow(), three: slow() } })
    const marks = await Promise.all(['a', 'b', 'c'].map((name) => world.checkpoint(name)))
    await Promise.all([
      world.changes(),
      world.rollback(marks[1]!),
      world.changes(marks[1]),
      world.release(marks[1]!),
      world.observe(),
    ])
    expect(most).toBe(3)
  })

  test('need no more than the three members of the ancestors of this library', async () => {
    class InMemoryAdapter {
      #data: Record<string, unknown[]>
      constructor(initialData: Record<string, unknown[]>) {
        this.#data = structuredClone(initialData)
      }
      checkpoint(_name: string): unknown {
        return structuredClone(this.#data)
      }
      rollback(checkpoint: unknown): void {
        this.#data = structuredClone(checkpoint) as Record<string, unknown[]>
      }
      observe() {
        return observation('memory', this.#data)
      }
      create(table: string, row: unknown): void {
        this.#data[table]?.push(row)
      }
    }
    await using world = await World.open({ systems: { db: new InMemoryAdapter({ users: [] }) }, verify: 'always' })
    const mark = await world.checkpoint('seeded')
    world.systems.db.create('users', { name: 'ada' })
    expect((await world.observe())['db']?.data).toEqual({ users: [{ name: 'ada' }] })
    await world.rollback(mark)
    expect((await world.observe())['db']?.data).toEqual({ users: [] })
  })

  test('of two worlds do not meet', async () => {
    const [mine, yours] = [new Map([['k', 1]]), new Map([['k', 1]])]
    await using one = await World.open({ systems: { cache: memory(mine) }, context: () => ({ n: 0 }) })
    await using other = await World.open({ systems: { cache: memory(yours) }, context: () => ({ n: 0 }) })
    mine.set('k', 2)
    yours.set('k', 3)
    other.ctx.n = 3
    await one.rollback(one.start)
    expect([mine.get('k'), yours.get('k'), one.ctx.n, other.ctx.n]).toEqual([1, 3, 0, 3])
  })
})

describe('close()', () => {
  test('goes back to the start, then closes each system', async () => {
    const db = new Store()
    const world = await World.open({ systems: { db } })
    db.data = { a: 1 }
    await world.checkpoint('paid')
    await world.close()
    expect(db.data).toEqual({})
    expect(db.log.slice(-2)).toEqual(['rollback 0', 'close'])
  })

  test('happens once, and whoever asks again waits for the same end', async () => {
    const db = new Store()
    const world = await World.open({ systems: { db } })
    const first = world.close()
    await world.close()
    expect(db.log.filter((line) => line === 'close')).toEqual(['close'])
    await first
    await world.close()
    expect(db.log.filter((line) => line === 'close')).toEqual(['close'])
  })

  test('happens at the end of the block with await using', async () => {
    const db = new Store()
    {
      await using world = await World.open({ systems: { db } })
      expect(world.holds(world.start)).toBe(true)
    }
    expect(db.log.at(-1)).toBe('close')
  })

  test('keeps the state where it is told to', async () => {
    const db = new Store()
    const world = await World.open({ systems: { db } })
    db.data = { seeded: 1 }
    await world.close({ keep: true })
    expect(db.data).toEqual({ seeded: 1 })
    expect(db.log).toEqual(['checkpoint start', 'close'])
  })

  test('does not keep a state that is unknown', async () => {
    const db = new Store()
    const world = await World.open({ systems: { db }, grace: 10 })
    db.data = { half: 1 }
    let end: () => void = () => {}
    await world.run('order', () => new Promise<void>((resolve) => (end = resolve)), 10).catch(() => undefined)
    await expect(world.rollback(world.start)).rejects.toMatchObject({ code: 'STEP_STILL_RUNNING' })
    end()
    await world.close({ keep: true })
    expect(db.data).toEqual({})
  })

  test('attempts every system, though one cannot go back and two cannot close', async () => {
    const [good, bad, worse] = [new Store(), new Store(), new Store()]
    const world = await World.open({ systems: { bad, good, worse } })
    bad.rollback = () => Promise.reject(new Error('connection lost'))
    bad.close = () => Promise.reject(new Error('still not there'))
    worse.close = () => Promise.reject(new Error('busy'))
    await expect(world.close()).rejects.toMatchObject({
      code: 'CLOSE_FAILED',
      message:
        'the world could not be closed: bad could not be rolled back to "start": connection lost\n' +
        'bad could not be closed: still not there\nworse could not be closed: busy',
    })
    expect(good.log.slice(-2)).toEqual(['rollback 0', 'close'])
  })

  test('leaves nothing that can be called', async () => {
    const world = await World.open({ systems: { db: new Store() } })
    const { start } = world
    const closing = world.close()
    expect(world.holds(start)).toBe(false)
    await closing
    const calls: (() => unknown)[] = [
      () => world.checkpoint('paid'),
      () => world.rollback(start),
      () => world.changes(),
      () => world.changes(start),
      () => world.observe(),
      () => world.reset(),
      () => world.release(start),
      () => world.run('step', () => {}),
      () => world.recover(),
      async () => world.start,
    ]
    for (const call of calls) {
      await expect(call(), String(call)).rejects.toMatchObject({
        code: 'CLOSED',
        message: expect.stringMatching(/^The world is closed\./),
      })
    }
  })
})
