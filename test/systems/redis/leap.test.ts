import assert from 'node:assert/strict'
import { test } from 'vitest'
import { assertSame, contentsOf } from './contents.ts'
import { describeEach } from './each.ts'
import { canStartOwn, OwnServer } from './own-server.ts'
import { Bench } from './programs.ts'

const DATABASE = 7

describeEach((like) => {
  test('a rollback and a mark are one trip each', async ({ skip }) => {
    if (!(await canStartOwn(like))) skip('the server runs elsewhere')
    await using own = await OwnServer.start(like)
    await using bench = await Bench.open(own.url, DATABASE)
    const { system, client } = bench
    await client.mset({ a: '1', b: '1' })
    await client.xadd('stream', '1-1', 'n', '1')
    await client.set('session', 'ada', 'EX', 1000)
    const reads = async (): Promise<number> =>
      Number(/total_reads_processed:(\d+)/.exec(await client.info('stats'))?.[1])
    const mark = await system.checkpoint('mark')
    await client.set('a', '2')
    await system.rollback(mark)
    for (let round = 0; round < 10; round += 1) {
      await client.mset({ a: '2', new: '1' })
      await client.del('b')
      const before = await reads()
      await system.rollback(mark)
      // The other one is the question how many there were.
      assert.equal((await reads()) - before, 2, 'rollback')
      await client.set('a', '3')
      const between = await reads()
      system.release?.(await system.checkpoint('another'))
      assert.equal((await reads()) - between, 2, 'checkpoint')
      await system.rollback(mark)
    }
    assert.deepEqual(await client.mget('a', 'b', 'new'), ['1', '1', null])
  })

  test('what is refused for its size is left as it is, also when it came by SWAPDB', async () => {
    await using bench = await Bench.open(like, DATABASE, { maxKeys: 20 })
    const { system, client, elsewhere } = bench
    await client.mset({ a: '1', b: '1' })
    const mark = await system.checkpoint('mark')
    await client.set('a', 'changed')
    await elsewhere.mset(Object.fromEntries(Array.from({ length: 2000 }, (_, index) => [`k${index}`, '1'])))
    await elsewhere.set('a', 'theirs')
    await client.call('swapdb', DATABASE, DATABASE + 1)
    const before = await contentsOf(client)
    await assert.rejects(async () => system.rollback(mark), { code: 'TOO_LARGE' })
    assertSame(await contentsOf(client), before)
    await client.call('swapdb', DATABASE, DATABASE + 1)
    await system.rollback(mark)
    assert.deepEqual(await client.mget('a', 'b'), ['1', '1'])
    assert.equal(await client.dbsize(), 3)
  })

  test('a user who may not run scripts has the same rollback', async () => {
    await using admin = await Bench.open(like, DATABASE + 2)
    await admin.client.call('acl', 'setuser', 'scriptless', 'on', '>pw', '~*', '+@all', '-eval')
    try {
      await using bench = await Bench.open(like.replace('redis://', 'redis://scriptless:pw@'), DATABASE)
      const { system, client } = bench
      await client.mset({ a: '1', b: '1' })
      const mark = await system.checkpoint('mark')
      for (let round = 0; round < 3; round += 1) {
        await client.set('a', '2')
        await client.del('b')
        await system.rollback(mark)
        assert.deepEqual(await client.mget('a', 'b'), ['1', '1'])
        assert.deepEqual(await system.changes(mark), [])
      }
      const log = (await admin.client.call('acl', 'log')) as unknown[]
      assert.ok(JSON.stringify(log).split('scriptless').length <= 3, 'it is tried once')
    } finally {
      await admin.client.call('acl', 'deluser', 'scriptless')
      await admin.client.call('acl', 'log', 'reset')
    }
  })

  test('a script that cannot be run for want of memory is done without', async ({ skip }) => {
    if (!(await canStartOwn(like))) skip('the server runs elsewhere')
    await using own = await OwnServer.start(like)
    await using bench = await Bench.open(own.url, DATABASE)
    const { system, client } = bench
    await client.mset({ a: '1', b: '1' })
    const mark = await system.checkpoint('mark')
    await client.set('a', 'x'.repeat(3_000_000))
    const used = Number(/used_memory:(\d+)/.exec(await client.info('memory'))?.[1])
    await client.config('SET', 'maxmemory', used - 1_000_000)
    await system.rollback(mark)
    assert.deepEqual(await client.mget('a', 'b'), ['1', '1'])
    assert.deepEqual(await system.changes(mark), [])
  })
})
