import assert from 'node:assert/strict'
import { setTimeout as sleep } from 'node:timers/promises'
import { Redis } from 'ioredis'
import { describe, test } from 'vitest'
import { describeServer } from '../../servers/server.ts'
import { assertSame, contentsOf } from './contents.ts'
import { describeEach } from './each.ts'
import { canStartOwn, OwnServer } from './own-server.ts'
import { Bench } from './programs.ts'

const DATABASE = 5

type Write = (client: Redis, other: Redis) => Promise<unknown>

/** Writes that CLIENT TRACKING does not report, or reports in a way of its own. */
const WRITES: Readonly<Record<string, Write>> = {
  XACK: (client) => client.xack('stream', 'group', '1-1'),
  XREADGROUP: (client) => client.call('xreadgroup', 'group', 'group', 'me', 'streams', 'stream', '>'),
  'XREADGROUP by a new consumer': (client) =>
    client.call('xreadgroup', 'group', 'group', 'stranger', 'count', '1', 'streams', 'stream', '>'),
  XCLAIM: (client) => client.call('xclaim', 'stream', 'group', 'you', '0', '1-1'),
  XAUTOCLAIM: (client) => client.call('xautoclaim', 'stream', 'group', 'you', '0', '0'),
  XSETID: (client) => client.call('xsetid', 'stream', '9-9'),
  'XGROUP CREATE': (client) => client.call('xgroup', 'create', 'stream', 'another', '0'),
  'XGROUP CREATE MKSTREAM': (client) => client.call('xgroup', 'create', 'new', 'group', '0', 'mkstream'),
  'XGROUP CREATECONSUMER': (client) => client.call('xgroup', 'createconsumer', 'stream', 'group', 'you'),
  'XGROUP SETID': (client) => client.call('xgroup', 'setid', 'stream', 'group', '0'),
  'XGROUP DELCONSUMER': (client) => client.call('xgroup', 'delconsumer', 'stream', 'group', 'me'),
  'XGROUP DESTROY': (client) => client.call('xgroup', 'destroy', 'stream', 'group'),
  'XACK in a script': (client) => client.eval("return redis.call('xack', 'stream', 'group', '1-1')", 0),
  'XACK in a transaction': (client) => client.multi().xack('stream', 'group', '1-1').exec(),
  FLUSHDB: (client) => client.flushdb(),
  'FLUSHDB and the same keys again': async (client) => {
    await client.flushdb()
    await client.set('string', 'other')
  },
  SWAPDB: (client) => client.call('swapdb', DATABASE, DATABASE + 1),
  'SWAPDB there and back': async (client) => {
    await client.call('swapdb', DATABASE, DATABASE + 1)
    await client.set('string', 'in the other database')
    await client.call('swapdb', DATABASE, DATABASE + 1)
    await client.append('string', '!')
  },
  'MOVE to another database': (client) => client.move('string', DATABASE + 1),
  'MOVE from another database': async (_, other) => {
    await other.set('moved', '1')
    await other.move('moved', DATABASE)
  },
  'COPY from another database': async (_, other) => {
    await other.set('copied', '1')
    await other.call('copy', 'copied', 'copied', 'db', DATABASE)
  },
  'BLMOVE handed over': async (client) => {
    const waiting = client.duplicate()
    try {
      await Promise.all([
        waiting.blmove('from', 'to', 'LEFT', 'LEFT', 0),
        sleep(20).then(() => client.rpush('from', 'item')),
      ])
    } finally {
      waiting.disconnect()
    }
  },
  'an HyperLogLog counted': async (client) => {
    await client.pfadd('visitors', 'a')
    await client.pfcount('visitors')
  },
}

describeEach((url) => {
  test.for(Object.entries(WRITES))('%s is listed and undone', async ([, write], { skip }) => {
    await using bench = await Bench.open(url, DATABASE)
    if (!(await undone(bench, write))) skip('this server has no such command')
  })

  test('the same key in another database is another key', async () => {
    await using bench = await Bench.open(url, DATABASE)
    const { system, client, elsewhere } = bench
    await client.set('key', 'ours')
    const mark = await system.checkpoint('mark')
    await elsewhere.set('key', 'theirs')
    await elsewhere.set('only theirs', '1')
    assert.deepEqual(await system.changes(mark), [])
    await system.rollback(mark)
    assert.equal(await client.get('key'), 'ours')
    assert.deepEqual((await elsewhere.keys('*')).toSorted(), ['key', 'only theirs'])
  })

  test('another database may be flushed', async () => {
    await using bench = await Bench.open(url, DATABASE)
    const { system, client, elsewhere } = bench
    await client.set('key', '1')
    const mark = await system.checkpoint('mark')
    await elsewhere.flushdb()
    assert.deepEqual(await system.changes(mark), [])
    await system.rollback(mark)
    assert.equal(await client.get('key'), '1')
  })
})

describeServer('redis', (url) => {
  test('exact: every one of these writes is listed and undone', { timeout: 60_000 }, async ({ skip }) => {
    if (!(await canStartOwn(url))) skip('the server runs elsewhere')
    await using server = await OwnServer.start(url)
    await using bench = await Bench.open(server.url, DATABASE, { way: 'exact' })
    for (const write of Object.values(WRITES)) {
      await bench.client.flushdb()
      await undone(bench, write)
    }
  })
})

describeEach((url) => {
  describe('a server of its own', () => {
    test('every database may be flushed', async ({ skip }) => {
      if (!(await canStartOwn(url))) skip('the server runs elsewhere')
      await using server = await OwnServer.start(url)
      await using bench = await Bench.open(server.url, DATABASE)
      await fill(bench.client)
      const before = await contentsOf(bench.client)
      const mark = await bench.system.checkpoint('mark')
      await bench.client.flushall()
      await bench.system.rollback(mark)
      assertSame(await contentsOf(bench.client), before)
    })

    test('counters that were set back do not hide what they counted', async ({ skip }) => {
      if (!(await canStartOwn(url))) skip('the server runs elsewhere')
      if (!(await hasFunctions(url))) skip('Redis 6 does not tell CONFIG RESETSTAT from CONFIG GET')
      await using server = await OwnServer.start(url)
      await using bench = await Bench.open(server.url, DATABASE)
      await fill(bench.client)
      const before = await contentsOf(bench.client)
      const mark = await bench.system.checkpoint('mark')
      for (let branch = 0; branch < 3; branch += 1) {
        await bench.client.config('RESETSTAT')
        await bench.client.xack('stream', 'group', '1-1')
        await bench.system.rollback(mark)
        assertSame(await contentsOf(bench.client), before)
      }
    })

    test('functions come back', async ({ skip }) => {
      if (!(await canStartOwn(url))) skip('the server runs elsewhere')
      if (!(await hasFunctions(url))) skip('Redis 6 has no functions')
      await using server = await OwnServer.start(url)
      await using bench = await Bench.open(server.url, DATABASE)
      const { system, client } = bench
      const none = await system.checkpoint('none')
      await client.function('LOAD', library('shop', 1))
      const one = await system.checkpoint('one')
      await client.function('LOAD', 'REPLACE', library('shop', 2))
      await client.function('LOAD', library('other', 3))
      await system.rollback(one)
      assert.equal(await client.fcall('shop', 0), 1)
      await assert.rejects(async () => client.fcall('other', 0), /Function not found/)
      await client.function('FLUSH')
      await system.rollback(one)
      assert.equal(await client.fcall('shop', 0), 1)
      await system.rollback(none)
      await assert.rejects(async () => client.fcall('shop', 0), /Function not found/)
    })

    test('functions are left alone while another world is open on the server', async ({ skip }) => {
      if (!(await canStartOwn(url))) skip('the server runs elsewhere')
      if (!(await hasFunctions(url))) skip('Redis 6 has no functions')
      await using server = await OwnServer.start(url)
      await using bench = await Bench.open(server.url, DATABASE)
      await using other = await Bench.open(server.url, DATABASE + 10)
      const mark = await bench.system.checkpoint('mark')
      await other.client.function('LOAD', library('theirs', 1))
      await bench.system.rollback(mark)
      assert.equal(await other.client.fcall('theirs', 0), 1)
    })

    test('a server that was restarted without its data gets it back', async ({ skip }) => {
      if (!(await canStartOwn(url))) skip('the server runs elsewhere')
      await using server = await OwnServer.start(url)
      await using bench = await Bench.open(server.url, DATABASE)
      await fill(bench.client)
      const before = await contentsOf(bench.client)
      const mark = await bench.system.checkpoint('mark')
      await server.restart()
      await assert.doesNotReject(async () => bench.system.rollback(mark))
      assertSame(await contentsOf(bench.client), before)
    })

    test('a connection that was cut is made anew, and every key is compared', async () => {
      await using bench = await Bench.open(url, DATABASE)
      const { system, client } = bench
      await client.set('key', '1')
      const mark = await system.checkpoint('mark')
      const ours = / *id=(\d+) .* name=venomqa:5:/.exec(String(await client.client('LIST')))?.[1] ?? ''
      await client.client('KILL', 'ID', Number(ours))
      await client.set('key', '2')
      await client.set('new', '1')
      await system.rollback(mark)
      assert.deepEqual([await client.get('key'), await client.exists('new')], ['1', 0])
    })
  })
})

/** Writes, twice, and asserts that it is listed, undone, and can be gone back to. False when the server has no such command. */
async function undone({ system, client, elsewhere }: Bench, write: Write): Promise<boolean> {
  await fill(client)
  const before = await contentsOf(client)
  const mark = await system.checkpoint('mark')
  for (let branch = 0; branch < 2; branch += 1) {
    try {
      await write(client, elsewhere)
    } catch (error) {
      if (/unknown (sub)?command/i.test(String(error))) return false
      throw error
    }
    const after = await contentsOf(client)
    assert.notDeepEqual(after, before, 'the write did nothing')
    assert.notDeepEqual(await system.changes(mark), [])
    const changed = await system.checkpoint('changed')
    await system.rollback(mark)
    assertSame(await contentsOf(client), before)
    assert.deepEqual(await system.changes(mark), [])
    await system.rollback(changed)
    assertSame(await contentsOf(client), after)
    await system.rollback(mark)
    assertSame(await contentsOf(client), before)
    await elsewhere.flushdb()
  }
  return true
}

async function fill(client: Redis): Promise<void> {
  await client.set('string', 'value')
  await client.xadd('stream', '1-1', 'n', '1')
  await client.xadd('stream', '2-1', 'n', '2')
  await client.call('xgroup', 'create', 'stream', 'group', '0')
  await client.call('xreadgroup', 'group', 'group', 'me', 'count', '1', 'streams', 'stream', '>')
}

async function hasFunctions(url: string): Promise<boolean> {
  const client = new Redis(url)
  const [info] = (await client.call('command', 'info', 'function')) as unknown[]
  client.disconnect()
  return info !== null
}

function library(name: string, answer: number): string {
  return `#!lua name=${name}\nredis.register_function('${name}', function() return ${answer} end)`
}
