import assert from 'node:assert/strict'
import { randomUUID } from 'node:crypto'
import { isDeepStrictEqual } from 'node:util'
import { Redis } from 'ioredis'
import { test } from 'vitest'
import { redis, type RedisMark, type RedisSystem } from '../../../src/systems/redis/index.ts'
import { assertSame, type Contents, contentsOf } from './contents.ts'
import { describeEach } from './each.ts'
import { Gate } from './gate.ts'
import { canStartOwn, OwnServer } from './own-server.ts'

const DATABASE = 1
const MESSAGES = 12

type Happens = (client: Redis) => Promise<unknown>
const swapped: Happens = (client) => client.call('swapdb', DATABASE, DATABASE + 1)

/** What takes the database, and with it our lease, from under a call of ours. */
const HAPPENINGS: readonly (readonly [name: string, happens: Happens, times: number])[] = [
  ['FLUSHDB', (client) => client.flushdb(), 1],
  ['FLUSHDB, and some of it again', (client) => client.multi().flushdb().set('b', 'again').exec(), 1],
  ['FLUSHDB, twice, and a new key', (client) => client.multi().flushdb().set(randomUUID(), '1').exec(), 2],
  ['SWAPDB', swapped, 1],
  ['SWAPDB and back', swapped, 2],
  ['SWAPDB there and back and there', swapped, 3],
  ['SWAPDB again and again', swapped, 6],
]

/** What is called, and how the database was changed since the mark. */
const CALLS: Readonly<Record<string, { before: Happens; call: (system: RedisSystem, mark: RedisMark) => unknown }>> = {
  'a rollback of a key': { before: (client) => client.set('a', '2'), call: (system, mark) => system.rollback(mark) },
  'a rollback of all keys': { before: (client) => client.flushdb(), call: (system, mark) => system.rollback(mark) },
  'a rollback from another database': { before: swapped, call: (system, mark) => system.rollback(mark) },
  'a mark of a key': { before: (client) => client.set('a', '2'), call: (system) => system.checkpoint('in between') },
  'a mark of all keys': { before: swapped, call: (system) => system.checkpoint('in between') },
}

describeEach((like) => {
  test.for(Object.entries(CALLS))(
    'what happens in the middle of %s is not lost',
    async ([, { before, call }], { skip }) => {
      if (!(await canStartOwn(like))) skip('the server runs elsewhere')
      await using own = await OwnServer.start(like)
      await using gate = await Gate.before(own.url)
      const client = new Redis(`${own.url}/${DATABASE}`)
      const elsewhere = new Redis(`${own.url}/${DATABASE + 1}`)
      for (const [name, happens, times] of HAPPENINGS) {
        let spared = false
        for (let message = 1; !spared && message <= MESSAGES; message += 1) {
          const where = `${name} before message ${message}`
          await client.flushall()
          await client.mset({ a: '1', b: '1', c: '1' })
          await elsewhere.mset({ b: 'of the other', d: '1' })
          const system = redis(`${gate.url}/${DATABASE}`)
          await system.open?.({ id: '1', runner: 'none', runId: 'test', notice: () => {} })
          const mark = (await system.checkpoint('mark')) as RedisMark
          const at = await contentsOf(client)
          await before(client)
          gate.at(message, () => happens(client), times)
          const other = (await call(system, mark)) as RedisMark | void
          spared = gate.spared()
          await assertTold(system, mark, { now: await contentsOf(client), before: at, where })
          if (other) await assertOneMoment(system, other, client)
          await system.rollback(mark)
          assertSame(await contentsOf(client), at)
          assert.deepEqual(await system.changes(mark), [], where)
          await system.close?.()
        }
        assert.ok(spared, 'there are more messages than were tried')
      }
      client.disconnect()
      elsewhere.disconnect()
    },
  )

  test('what happens in the middle of the first mark is not lost', async ({ skip }) => {
    if (!(await canStartOwn(like))) skip('the server runs elsewhere')
    await using own = await OwnServer.start(like)
    await using gate = await Gate.before(own.url)
    const client = new Redis(`${own.url}/${DATABASE}`)
    let spared = false
    for (let message = 1; !spared && message <= MESSAGES; message += 1) {
      await client.flushall()
      await client.mset({ a: '1', b: '1', c: '1' })
      const system = redis(`${gate.url}/${DATABASE}`)
      await system.open?.({ id: '1', runner: 'none', runId: 'test', notice: () => {} })
      gate.at(message, () => client.flushdb())
      const mark = (await system.checkpoint('mark')) as RedisMark
      spared = gate.spared()
      await assertOneMoment(system, mark, client)
      await system.close?.()
    }
    client.disconnect()
  })

  test('a mark has no key that was read before the database was flushed', async ({ skip }) => {
    if (!(await canStartOwn(like))) skip('the server runs elsewhere')
    await using own = await OwnServer.start(like)
    await using gate = await Gate.before(own.url)
    const client = new Redis(`${own.url}/${DATABASE}`)
    const system = redis(`${gate.url}/${DATABASE}`)
    await system.open?.({ id: '1', runner: 'none', runId: 'test', notice: () => {} })
    const empty = (await system.checkpoint('empty')) as RedisMark
    await client.set('early', '1')
    assert.equal((await system.changes(empty)).length, 1)
    const happening = [() => client.set('late', '1'), () => client.flushdb()]
    gate.at(1, async () => happening.shift()?.(), 2)
    const mark = (await system.checkpoint('mark')) as RedisMark
    assert.deepEqual([happening, gate.spared()], [[], false])
    assert.deepEqual(await system.changes(empty), [])
    await assertOneMoment(system, mark, client)
    await system.close?.()
    client.disconnect()
  })
})

/** Asserts that changes() lists the keys that differ, and no other. */
async function assertTold(
  system: RedisSystem,
  mark: RedisMark,
  { now, before, where }: { now: Contents; before: Contents; where: string },
): Promise<void> {
  const keys = Object.keys({ ...now.values, ...before.values })
  const differing = keys.filter((key) => !isDeepStrictEqual(now.values[key], before.values[key]))
  assert.deepEqual(
    (await system.changes(mark)).map(({ key }) => key),
    differing.toSorted(),
    where,
  )
}

/** Asserts that a mark is one state, wherever it is gone to from. */
async function assertOneMoment(system: RedisSystem, mark: RedisMark, client: Redis): Promise<void> {
  await system.rollback(mark)
  const first = await contentsOf(client)
  await client.flushdb()
  await system.rollback(mark)
  assertSame(await contentsOf(client), first)
}
