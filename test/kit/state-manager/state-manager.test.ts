import { afterEach, describe, expect, test } from 'vitest'
import Database from 'better-sqlite3'
import { conformance, fromStateManager, toStateManager } from '../../../src/kit/index.ts'
import { memory } from '../../../src/systems/memory/index.ts'
import { sqlite } from '../../../src/systems/sqlite/index.ts'
import { World } from '../../../src/world.ts'
import { Toy, toySubject, toySystem } from '../toy.ts'
import { plainManager, ToyManager } from './toy.ts'

for (const kind of ['stack', 'tree'] as const) {
  describe(`a manager by the base class, of kind ${kind}, as a system`, () => {
    conformance(test, () => toySubject((toy) => fromStateManager(new ToyManager(toy, kind))))
  })
  describe(`a system of kind ${kind} as a manager as a system`, () => {
    conformance(test, () => toySubject((toy) => fromStateManager(toStateManager(toySystem(toy, kind)))))
  })
}

describe('a manager that stands on no class of ours, as a system', () => {
  conformance(test, () => toySubject((toy) => fromStateManager(plainManager(toy))))

  test('has no more than the manager has', async () => {
    const system = fromStateManager(plainManager(new Toy()))
    expect(Object.keys(system)).not.toContain('observe')
    expect(system).not.toHaveProperty('reset')
    expect(await system.ping!()).toMatchObject({ ok: false })
    await system.open!({} as never)
    expect(await system.ping!()).toMatchObject({ ok: true })
  })
})

describe('the base class', () => {
  const manager = new ToyManager()
  const { asked } = manager
  const put = (key: string): void => void manager.toy.state.entries.set(key, '1')
  const keys = (): string[] => [...manager.toy.state.entries.keys()]
  afterEach(async () => {
    manager.refuses = undefined
    await manager.disconnect()
    manager.toy.state.entries.clear()
    asked.length = 0
  })

  test('connects once, and knows it', async () => {
    expect(manager.isConnected()).toBe(false)
    expect(await manager.connect()).toBe(manager)
    await manager.connect()
    expect(manager.isConnected()).toBe(true)
    await manager.disconnect()
    await manager.disconnect()
    expect(manager.isConnected()).toBe(false)
    expect(asked).toEqual(['open', 'close'])
  })

  test.each([
    ['checkpoint', () => manager.checkpoint('a')],
    ['rollback', () => manager.rollback('a')],
    ['release', () => manager.release('a')],
    ['reset', () => manager.reset()],
    ['clear', () => manager.clear()],
  ])('%s needs a connection', async (_, call) => {
    await expect(call()).rejects.toMatchObject({
      code: 'NOT_OPEN',
      message: expect.stringMatching(
        /^ToyManager is not connected to toy:\/\/me:\*\*\*@localhost\/toy_test\?token=\*\*\*\.\n/,
      ),
    })
    expect(asked).toEqual([])
  })

  test('goes back to a name any number of times, and forgets the names behind it', async () => {
    await manager.connect()
    await manager.checkpoint('empty')
    put('a')
    await manager.checkpoint('one')
    put('b')
    await manager.checkpoint('two')
    put('c')
    await manager.rollback('one')
    expect([keys(), manager.checkpoints]).toEqual([['a'], ['empty', 'one']])
    put('d')
    await manager.rollback('one')
    expect(keys()).toEqual(['a'])
    await expect(manager.rollback('two')).rejects.toMatchObject({
      code: 'UNKNOWN_CHECKPOINT',
      message: expect.stringMatching(/^Checkpoint "two" not found\.\n[^]*\nThese are held: empty, one\.$/),
    })
    await manager.rollback('empty')
    expect(keys()).toEqual([])
  })

  test('keeps the names behind the one gone back to when it is a tree', async () => {
    await using tree = await new ToyManager(manager.toy, 'tree').connect()
    await tree.checkpoint('empty')
    put('a')
    await tree.checkpoint('one')
    await tree.rollback('empty')
    await tree.rollback('one')
    expect(keys()).toEqual(['a'])
  })

  test('a name behind a rollback that failed is not held any more', async () => {
    await manager.connect()
    await manager.checkpoint('one')
    await manager.checkpoint('two')
    manager.refuses = new Error('deadlock')
    await expect(manager.rollback('one')).rejects.toThrow('deadlock')
    expect(manager.checkpoints).toEqual(['one'])
  })

  test('a checkpoint that failed is not held', async () => {
    await manager.connect()
    manager.refuses = new Error('disk full')
    await expect(manager.checkpoint('one')).rejects.toThrow('disk full')
    expect(manager.checkpoints).toEqual([])
  })

  test('refuses a name twice, since a rollback could mean either', async () => {
    await manager.connect()
    await manager.checkpoint('one')
    await expect(manager.checkpoint('one')).rejects.toMatchObject({ code: 'DUPLICATE_NAME' })
    await manager.release('one')
    await manager.checkpoint('one')
  })

  test('releases a name with those taken after it, the newest first', async () => {
    await manager.connect()
    for (const name of ['one', 'two', 'three']) {
      await manager.checkpoint(name)
      put(name)
    }
    asked.length = 0
    await manager.release('two')
    expect(asked).toEqual(['forget 2 entries', 'forget 1 entries'])
    expect([manager.checkpoints, keys()]).toEqual([['one'], ['one', 'two', 'three']])
    await expect(manager.release('three')).rejects.toMatchObject({ code: 'UNKNOWN_CHECKPOINT' })
  })

  test('clear keeps the marks, reset forgets them', async () => {
    await manager.connect()
    put('a')
    await manager.checkpoint('one')
    await manager.clear()
    expect(keys()).toEqual([])
    await manager.rollback('one')
    expect(keys()).toEqual(['a'])
    await manager.reset()
    expect([keys(), manager.checkpoints]).toEqual([[], []])
    await manager.checkpoint('one')
  })

  test('gives its marks back before it disconnects', async () => {
    {
      await using own = await new ToyManager(manager.toy).connect()
      await own.checkpoint('one')
      own.asked.length = 0
      await own.disconnect()
      expect(own.asked).toEqual(['forget 0 entries', 'close'])
      await expect(own.rollback('one')).rejects.toMatchObject({ code: 'NOT_OPEN' })
      await own.connect()
      expect(own.checkpoints).toEqual([])
    }
    await manager.connect()
    await manager.checkpoint('one')
    await manager.checkpoint('two')
    manager.refuses = new Error('gone')
    await expect(manager.disconnect()).rejects.toThrow('gone')
    expect([manager.isConnected(), manager.checkpoints, asked.at(-1)]).toEqual([false, [], 'close'])
  })

  test('is disconnected at the end of its block', async () => {
    {
      await using own = await manager.connect()
      expect(own.isConnected()).toBe(true)
    }
    expect(manager.isConnected()).toBe(false)
  })

  test('tells why it could not connect, without the password, and gives back what it took', async () => {
    manager.refuses = new Error(`connect ECONNREFUSED ${manager.connectionUrl}`)
    const error = await manager.connect().catch((thrown: Error) => thrown as Error)
    expect(error).toMatchObject({ code: 'CONNECTION_REFUSED', retryable: true, cause: manager.refuses })
    expect((error as Error).message).toMatch(/^ToyManager could not connect to toy:\/\/me:\*\*\*@.*ECONNREFUSED/)
    expect((error as Error).message).not.toContain('secret')
    expect([manager.isConnected(), asked]).toEqual([false, ['open', 'close']])
  })

  test('is healthy when it is connected and the store answers', async () => {
    expect(await manager.healthCheck()).toBe(false)
    await manager.connect()
    expect(await manager.healthCheck()).toBe(true)
    manager.refuses = new Error('gone')
    expect(await manager.healthCheck()).toBe(false)
  })

  test('logs what it did, and no password', async () => {
    const lines: string[] = []
    const own = new ToyManager(manager.toy, 'stack', { logger: { debug: (line) => lines.push(line) } })
    await own.connect()
    await own.checkpoint('order_created')
    await own.rollback('order_created')
    await own.release('order_created')
    await own.clear()
    await own.reset()
    await own.disconnect()
    expect(lines).toEqual([
      'Connected to toy://me:***@localhost/toy_test?token=***',
      'Created checkpoint: order_created',
      'Rolled back to checkpoint: order_created',
      'Released checkpoint: order_created',
      'Cleared',
      'Reset',
      'Disconnected',
    ])
  })
})

describe('a manager in a world', () => {
  test('gets names that are short, counted and harmless, and lie there as the journey called them', async () => {
    const manager = new ToyManager()
    await using world = await World.open({ systems: { db: fromStateManager(manager) } })
    for (const name of ['Order created!', 'Order created!', "'; drop table orders; --", '東京', 'x'.repeat(200)]) {
      await world.checkpoint(name)
    }
    expect(manager.checkpoints).toEqual([
      'chk_1_start',
      'chk_2_order_created',
      'chk_3_order_created',
      'chk_4_drop_table_orders',
      'chk_5',
      `chk_6_${'x'.repeat(40)}`,
    ])
    expect(world.systems.db).toBe(manager)
    expect(world.ways).toEqual({ db: 'ToyManager: marks by name' })
  })

  test('is disconnected by who connected it', async () => {
    const own = new ToyManager()
    await using world = await World.open({ systems: { db: fromStateManager(own) } })
    expect(own.isConnected()).toBe(true)
    await world.close()
    expect(own.isConnected()).toBe(false)

    await using theirs = await new ToyManager().connect()
    await (await World.open({ systems: { db: fromStateManager(theirs) } })).close()
    expect(theirs.isConnected()).toBe(true)
    expect(theirs.checkpoints).toEqual(['chk_1_start'])
  })

  test('a rollback that brings too little back is found by what the manager observes', async () => {
    const forgetful = new (class extends ToyManager {
      protected override putBack(): void {}
    })()
    const world = await World.open({ systems: { db: fromStateManager(forgetful) } })
    const mark = await world.checkpoint('empty')
    forgetful.toy.state.entries.set('a', '1')
    await expect(world.rollback(mark)).rejects.toMatchObject({ code: 'NOT_VERIFIED' })
    await world.close().catch(() => undefined)
  })
})

describe('a system as a manager', () => {
  test('works by names, and puts everything back when it disconnects', async () => {
    const cart = new Map([['apple', 1]])
    const manager = toStateManager(memory(cart))
    expect([manager.kind, manager.restores]).toEqual(['tree', { data: true }])
    expect(() => manager.handle).toThrow(expect.objectContaining({ code: 'NOT_OPEN' }))
    await manager.connect()
    manager.handle.set('pear', 2)
    await manager.checkpoint('two')
    cart.clear()
    await manager.rollback('two')
    expect([...cart.keys()]).toEqual(['apple', 'pear'])
    expect(await manager.healthCheck!()).toBe(true)
    expect(await manager.observe!()).toMatchObject({ system: 'memory', data: cart })
    await manager.disconnect()
    expect([...cart.keys()]).toEqual(['apple'])
  })

  test('cannot be emptied where the system cannot', async () => {
    await using manager = await toStateManager({ checkpoint() {}, rollback() {} }).connect()
    await expect(Promise.resolve(manager.reset())).rejects.toMatchObject({ code: 'UNSUPPORTED' })
  })

  test('has the handle of the system, empties it, and tells when it cannot be opened', async () => {
    const db = new Database(':memory:')
    db.exec("create table users (name text); insert into users values ('ada')")
    await using manager = await toStateManager(sqlite(db)).connect()
    await manager.checkpoint('ada')
    await manager.clear!()
    expect(manager.handle.prepare('select * from users').all()).toEqual([])
    await manager.rollback('ada')
    expect(manager.handle.prepare('select * from users').all()).toEqual([{ name: 'ada' }])
    const missing = toStateManager(sqlite('/tmp/venomqa-is-not-there.db'))
    await expect(missing.connect()).rejects.toMatchObject({ code: 'NOT_FOUND' })
    expect(missing.isConnected()).toBe(false)
  })
})
