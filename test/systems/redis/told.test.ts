import assert from 'node:assert/strict'
import { describe, test } from 'vitest'
import { canonical } from '../../../src/explore/canonical.ts'
import { describeServer } from '../../servers/server.ts'
import { canStartOwn, OwnServer } from './own-server.ts'
import { Bench } from './programs.ts'

const DATABASE = 1

describeServer('redis', (url) => {
  describe('changes()', () => {
    test('of every type, only what differs is told', async () => {
      await using bench = await Bench.open(url, DATABASE)
      const { system, client } = bench
      await client.set('string', 'old')
      await client.rpush('list', 'a', 'b')
      await client.sadd('set', 'a', 'b')
      await client.zadd('zset', 1, 'a', 2, 'b')
      await client.hset('hash', { same: '1', other: 'old' })
      await client.xadd('stream', '1-1', 'n', '1')
      await client.call('xgroup', 'create', 'stream', 'g', '0')
      const mark = await system.checkpoint('mark')
      await client.set('string', 'new')
      await client.rpush('list', 'c')
      await client.smove('set', 'elsewhere', 'a')
      await client.zadd('zset', 1.5, 'b')
      await client.hset('hash', { other: 'new', more: '2' })
      await client.xadd('stream', '2-1', 'n', '2')
      await client.call('xreadgroup', 'group', 'g', 'me', 'count', '1', 'streams', 'stream', '>')
      const told = await system.changes(mark)
      assert.deepEqual(Object.fromEntries(told.map(({ key, inserted, updated }) => [key, updated[0] ?? inserted[0]])), {
        elsewhere: { type: 'set', value: ['a'] },
        string: { before: { type: 'string', value: 'old' }, after: { type: 'string', value: 'new' } },
        list: { before: { type: 'list', value: ['a', 'b'] }, after: { type: 'list', value: ['a', 'b', 'c'] } },
        set: { before: { type: 'set', value: ['a'] }, after: { type: 'set', value: [] } },
        zset: { before: { type: 'zset', value: { b: '2' } }, after: { type: 'zset', value: { b: '1.5' } } },
        hash: {
          before: { type: 'hash', value: { other: 'old' } },
          after: { type: 'hash', value: { more: '2', other: 'new' } },
        },
        stream: {
          before: { type: 'stream', lastId: '1-1', entries: [], groups: [group('0-0', 0, [], [])] },
          after: {
            type: 'stream',
            lastId: '2-1',
            entries: [{ id: '2-1', fields: ['n', '2'] }],
            groups: [group('1-1', 1, ['me'], [['1-1', 'me', 1]])],
          },
        },
      })
    })

    test('another type is told whole', async () => {
      await using bench = await Bench.open(url, DATABASE)
      const { system, client } = bench
      await client.set('key', 'text')
      const mark = await system.checkpoint('mark')
      await client.del('key')
      await client.rpush('key', 'item')
      assert.deepEqual((await system.changes(mark))[0]?.updated, [
        { before: { type: 'string', value: 'text' }, after: { type: 'list', value: ['item'] } },
      ])
    })

    test('the same data written again, in another order or encoding, is no change', async () => {
      await using bench = await Bench.open(url, DATABASE)
      const { system, client } = bench
      const members = Array.from({ length: 300 }, (_, index) => `member ${index}`)
      await client.sadd('set', ...members)
      await client.hset('hash', Object.fromEntries(members.map((member) => [member, '1'])))
      await client.set('number', '12')
      const mark = await system.checkpoint('mark')
      await client.del('set', 'hash', 'number')
      await client.sadd('set', 'x'.repeat(100), ...members.toReversed())
      await client.srem('set', 'x'.repeat(100))
      await client.hset('hash', Object.fromEntries(members.toReversed().map((member) => [member, '1'])))
      await client.append('number', '1')
      await client.append('number', '2')
      assert.deepEqual(await system.changes(mark), [])
    })

    test('large values are told by their size, long texts are cut', async () => {
      await using bench = await Bench.open(url, DATABASE)
      const { system, client } = bench
      const mark = await system.checkpoint('mark')
      await client.set('long', 'x'.repeat(2000))
      await client.rpush('many', ...Array.from({ length: 500 }, String))
      await client.hset('wide', 'field', 'y'.repeat(2000))
      const [long, many, wide] = (await system.changes(mark)).map(({ inserted }) => inserted[0])
      assert.deepEqual(long, { type: 'string', size: 2000 })
      assert.deepEqual(many, { type: 'list', size: 500 })
      assert.match(JSON.stringify(wide), /"y{1000}… \(2000 characters\)"/)
    })

    test('bytes that are no text are told in hexadecimal, and never taken for text', async () => {
      await using bench = await Bench.open(url, DATABASE)
      const { system, client } = bench
      const mark = await system.checkpoint('mark')
      await client.set(Buffer.from([0xff, 0]), Buffer.from([0x80]))
      await client.set('binary:ff00', 'text')
      assert.deepEqual(
        new Map((await system.changes(mark)).map(({ key, inserted }) => [key, inserted[0]?.['value']])),
        new Map([
          ['binary:62696e6172793a66663030', 'text'],
          ['binary:ff00', 'binary:80'],
        ]),
      )
    })

    test('nothing is listed, and little is asked, when nothing changed', async ({ skip }) => {
      if (!(await canStartOwn(url))) skip('the server runs elsewhere')
      // Other tests would be counted too.
      await using own = await OwnServer.start(url)
      await using bench = await Bench.open(own.url, DATABASE)
      const { system, client } = bench
      await client.mset(Object.fromEntries(Array.from({ length: 5000 }, (_, index) => [`k${index}`, 'v'])))
      const mark = await system.checkpoint('mark')
      await client.set('k1', 'changed')
      await system.rollback(mark)
      const commands = async (): Promise<number> =>
        Number(/total_commands_processed:(\d+)/.exec(await client.info('stats'))?.[1])
      const before = await commands()
      assert.deepEqual(await system.changes(mark), [])
      assert.ok((await commands()) - before < 10)
    })
  })

  describe('observe()', () => {
    test('shows each key with its type and value', async () => {
      await using bench = await Bench.open(url, DATABASE)
      const { system, client } = bench
      await client.set('b', 'text')
      await client.sadd('a', 'y', 'x')
      await client.set('c', '1', 'EX', 100)
      await client.hset('d', { status: 'paid', at: '12' })
      assert.deepEqual(
        (await system.observe()).data,
        new Map<string, unknown>([
          ['a', { type: 'set', value: ['x', 'y'] }],
          ['b', { type: 'string', value: 'text' }],
          ['c', { type: 'string', value: '1', expires: true }],
          [
            'd',
            {
              type: 'hash',
              value: new Map([
                ['status', 'paid'],
                ['at', '12'],
              ]),
            },
          ],
        ]),
      )
    })

    test('tells types, order and empty members apart', async () => {
      await using bench = await Bench.open(url, DATABASE)
      const { system, client } = bench
      const seen = new Set<string>()
      const writes = [
        ['rpush', 'k', 'a', 'b'],
        ['rpush', 'k', 'b', 'a'],
        ['sadd', 'k', 'a', 'b'],
        ['zadd', 'k', '1', 'a', '2', 'b'],
        ['hset', 'k', 'a', 'b'],
        ['hset', 'k', 'b', 'a'],
        ['set', 'k', 'ab'],
        ['xadd', 'k', '1-1', 'a', 'b'],
        ['rpush', 'k', 'a', 'b', ''],
        ['set', 'k', ''],
      ] as const
      for (const [name, ...parts] of writes) {
        await client.del('k')
        await client.call(name, ...parts)
        seen.add(canonical((await system.observe()).data))
      }
      assert.equal(seen.size, writes.length)
    })

    test('of many keys is a digest, the same for the same data, whatever the way to it', async () => {
      await using bench = await Bench.open(url, DATABASE)
      const { system, client } = bench
      const keys = Object.fromEntries(Array.from({ length: 3000 }, (_, index) => [`k${index}`, String(index)]))
      await client.mset(keys)
      const mark = await system.checkpoint('mark')
      const first = (await system.observe()).data as { keys: number; digest: string }
      assert.equal(first.keys, 3000)
      await client.set('k7', 'changed')
      const changed = (await system.observe()).data
      assert.notDeepEqual(changed, first)
      await client.flushdb()
      assert.deepEqual((await system.observe()).data, new Map())
      await client.mset(keys)
      assert.deepEqual((await system.observe()).data, first)
      await client.set('k7', 'changed')
      assert.deepEqual((await system.observe()).data, changed)
      await system.rollback(mark)
      assert.deepEqual((await system.observe()).data, first)
      await client.mset({ k8: '9', k9: '8' })
      assert.notDeepEqual((await system.observe()).data, first)
    })
  })

  test('reset() empties what it is told to, and nothing else', async () => {
    await using bench = await Bench.open(url, DATABASE, { prefix: 'shop:' })
    const { system, client, elsewhere } = bench
    await client.mset({ 'shop:cart:1': '1', 'shop:cart:2': '1', 'shop:user:1': '1', other: '1' })
    await elsewhere.set('shop:cart:1', '1')
    const mark = await system.checkpoint('mark')
    await system.reset({ only: ['shop:cart:*', 'other'], except: ['*:2'] })
    assert.deepEqual((await client.keys('[a-u]*')).toSorted(), ['other', 'shop:cart:2', 'shop:user:1'])
    await system.reset()
    assert.deepEqual(await client.keys('[a-u]*'), ['other'])
    assert.equal(await elsewhere.get('shop:cart:1'), '1')
    await system.rollback(mark)
    assert.equal((await client.keys('[a-u]*')).length, 4)
  })
})

function group(lastDelivered: string, entriesRead: number, consumers: string[], pending: unknown[]): unknown {
  return { name: 'g', lastDelivered, entriesRead: entriesRead === 0 ? null : entriesRead, consumers, pending }
}
