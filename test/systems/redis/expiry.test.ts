import assert from 'node:assert/strict'
import { setTimeout as sleep } from 'node:timers/promises'
import { test } from 'vitest'
import { describeEach } from './each.ts'
import { Bench } from './programs.ts'

const DATABASE = 11

describeEach((url) => {
  test('a key that expired since the mark comes back with the time it had', async () => {
    await using bench = await Bench.open(url, DATABASE)
    const { system, client } = bench
    await client.set('code', '1234', 'PX', 600)
    await client.set('long', '1', 'EX', 1000)
    const mark = await system.checkpoint('mark')
    for (let branch = 0; branch < 3; branch += 1) {
      await sleep(800)
      assert.equal(await client.get('code'), null)
      await system.rollback(mark)
      assert.equal(await client.get('code'), '1234')
      const left = await client.pttl('code')
      assert.ok(left > 20 && left <= 600, `${left} ms left`)
    }
    const left = await client.pttl('long')
    assert.ok(left > 990_000, `${left} ms left`)
  })

  test('a key that expired unnoticed comes back, and is gone again at a later mark', async () => {
    await using bench = await Bench.open(url, DATABASE)
    const { system, client } = bench
    await client.set('code', '1234', 'PX', 500)
    const before = await system.checkpoint('before')
    await sleep(600)
    const after = await system.checkpoint('after')
    await system.rollback(before)
    assert.equal(await client.exists('code'), 1)
    await system.rollback(after)
    assert.equal(await client.exists('code'), 0)
    assert.deepEqual(await system.changes(after), [])
    await system.rollback(before)
    assert.equal(await client.exists('code'), 1)
  })

  test('what expires by itself is a change, even before the server has removed it', async () => {
    await using bench = await Bench.open(url, DATABASE)
    const { system, client } = bench
    await client.set('code', '1234', 'PX', 400)
    const mark = await system.checkpoint('mark')
    const before = await system.observe()
    await sleep(500)
    const [change] = await system.changes(mark)
    assert.deepEqual(change, { key: 'code', inserted: [], updated: [], deleted: [{ type: 'string', value: '1234' }] })
    assert.notDeepEqual(await system.observe(), before)
  })

  test('a new time to live is a change, and is undone', async () => {
    await using bench = await Bench.open(url, DATABASE)
    const { system, client } = bench
    await client.set('session', 'ada', 'EX', 100)
    await client.set('for ever', '1')
    const mark = await system.checkpoint('mark')
    await client.expire('session', 5000)
    await client.expire('for ever', 5000)
    const changes = await system.changes(mark)
    assert.deepEqual(
      changes.map(({ key, updated }) => [key, updated[0]?.before['ttl'], updated[0]?.after['ttl']]),
      [
        ['for ever', null, 5000],
        ['session', 100, 5000],
      ],
    )
    await system.rollback(mark)
    assert.equal(await client.ttl('session'), 100)
    assert.equal(await client.ttl('for ever'), -1)
    await client.persist('session')
    await system.rollback(mark)
    assert.equal(await client.ttl('session'), 100)
  })

  test('a mark shortly before a key expires holds the time that it really has left, and that is no change', async () => {
    await using bench = await Bench.open(url, DATABASE)
    const { system, client } = bench
    await client.set('code', '1234', 'PX', 3000)
    const first = await system.checkpoint('first')
    await sleep(11)
    await system.rollback(first)
    await sleep(2850)
    const real = await client.pttl('code')
    const last = await system.checkpoint('last')
    assert.deepEqual(await system.changes(first), [])
    await client.append('code', '5')
    assert.deepEqual(await system.changes(last), [
      {
        key: 'code',
        inserted: [],
        updated: [{ before: { type: 'string', value: '1234' }, after: { type: 'string', value: '12345' } }],
        deleted: [],
      },
    ])
    await sleep(20)
    await system.rollback(last)
    const left = await client.pttl('code')
    assert.ok(left <= real + 2, `it had ${real} ms left and has ${left}`)
  })

  test('keys nobody touched keep their time through many branches', async () => {
    await using bench = await Bench.open(url, DATABASE)
    const { system, client } = bench
    await client.set('session', 'ada', 'PX', 2000)
    const mark = await system.checkpoint('mark')
    for (let branch = 0; branch < 10; branch += 1) {
      await sleep(100)
      const before = performance.now()
      await system.rollback(mark)
      const left = await client.pttl('session')
      // However long this machine took to ask.
      const passed = performance.now() - before
      assert.ok(left > 1940 - passed && left <= 2000, `${left} ms left, ${passed} ms after it was asked for`)
    }
  })

  test('wallclock: time goes on, and a key whose time is over stays gone', async () => {
    await using bench = await Bench.open(url, DATABASE, { ttl: 'wallclock' })
    const { system, client } = bench
    assert.equal(system.restores?.expiry, false)
    await client.set('code', '1234', 'PX', 1000)
    await client.set('session', 'ada', 'PX', 10_000)
    const mark = await system.checkpoint('mark')
    const expires = async (): Promise<number> => Date.now() + (await client.pttl('session'))
    const session = await expires()
    await client.set('session', 'bob')
    await client.set('code', '5678')
    await system.rollback(mark)
    assert.deepEqual(await client.mget('code', 'session'), ['1234', 'ada'])
    assert.ok(Math.abs((await expires()) - session) < 200)
    await sleep(1100)
    await client.set('code', '5678')
    await system.rollback(mark)
    assert.deepEqual(await client.mget('code', 'session'), [null, 'ada'])
    assert.deepEqual(await system.changes(mark), [])
  })
})

test.runIf(process.env['VENOMQA_TEST_REDIS8_URL'])(
  'redis8: fields that expire by themselves come back while they live',
  async () => {
    await using bench = await Bench.open(process.env['VENOMQA_TEST_REDIS8_URL'] ?? '', DATABASE)
    const { system, client } = bench
    await client.hset('h', { brief: '1', kept: '1' })
    await client.call('hpexpire', 'h', '5000', 'fields', '1', 'brief')
    const mark = await system.checkpoint('mark')
    await client.hdel('h', 'brief', 'kept')
    await system.rollback(mark)
    assert.deepEqual(await client.hgetall('h'), { brief: '1', kept: '1' })
    const [left] = (await client.call('hpttl', 'h', 'fields', '1', 'brief')) as number[]
    assert.ok(Number(left) > 3000, `${left} ms left`)
    await client.call('hpexpire', 'h', '50', 'fields', '1', 'kept')
    assert.equal((await system.changes(mark)).length, 0)
    await sleep(150)
    assert.deepEqual(
      (await system.changes(mark)).map(({ key }) => key),
      ['h'],
    )
    await system.rollback(mark)
    assert.deepEqual(await client.hgetall('h'), { brief: '1', kept: '1' })
  },
)
