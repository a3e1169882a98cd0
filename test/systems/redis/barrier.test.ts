import assert from 'node:assert/strict'
import { setTimeout as sleep } from 'node:timers/promises'
import { test } from 'vitest'
import { server } from '../../servers/server.ts'
import { describeEach } from './each.ts'
import { canStartOwn, OwnServer } from './own-server.ts'
import { Bench } from './programs.ts'

const KEYS = 2000
const ROUNDS = 3
/** Long, so that the server's report of them does not come in one piece with its answer to us. */
const NAME = 'k'.repeat(300)
const SCRIPT = `for i = 1, ${KEYS} do redis.call('set', '${NAME}' .. i, ARGV[1]) end`

describeEach((like) => {
  for (const way of like === server('redis') ? (['tracked', 'exact'] as const) : (['tracked'] as const)) {
    test(`${way}: a write in the same turn of the server as our question is not missed`, async ({ skip }) => {
      if (!(await canStartOwn(like))) skip('the server runs elsewhere')
      await using own = await OwnServer.start(like)
      await using bench = await Bench.open(own.url, 1, { way })
      const { system, client, elsewhere } = bench
      const mark = await system.checkpoint('empty')
      for (let round = 0; round < ROUNDS; round += 1) {
        // Both wait in the server's sockets until it wakes up, and are then read in one turn.
        const asleep = elsewhere.call('debug', 'sleep', '0.1')
        await sleep(20)
        const script = client.eval(SCRIPT, 0, round)
        const rollback = system.rollback(mark)
        await Promise.all([asleep, script, rollback])
        assert.equal(await client.dbsize(), 1, `round ${round}`)
      }
    })

    test(`${way}: a checkpoint in the same turn as a write has all of it or nothing`, async ({ skip }) => {
      if (!(await canStartOwn(like))) skip('the server runs elsewhere')
      await using own = await OwnServer.start(like)
      await using bench = await Bench.open(own.url, 1, { way })
      const { system, client, elsewhere } = bench
      const empty = await system.checkpoint('empty')
      await client.set(`${NAME}1`, 'before')
      for (let round = 0; round < ROUNDS; round += 1) {
        const asleep = elsewhere.call('debug', 'sleep', '0.1')
        await sleep(20)
        const script = client.eval(SCRIPT, 0, round)
        const checkpoint = system.checkpoint('in the middle')
        const [, , mark] = await Promise.all([asleep, script, checkpoint])
        await client.flushdb()
        await system.rollback(mark)
        const values = new Set(await client.mget(...Array.from({ length: KEYS }, (_, index) => `${NAME}${index + 1}`)))
        assert.equal(values.size, values.has(String(round)) ? 1 : 2, `round ${round}: ${[...values].join()}`)
        assert.deepEqual(await system.changes(mark), [])
        await system.rollback(empty)
        assert.equal(await client.dbsize(), 1)
        await client.set(`${NAME}1`, 'before')
      }
    })
  }
})
