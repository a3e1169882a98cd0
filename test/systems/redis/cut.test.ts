import { setTimeout as sleep } from 'node:timers/promises'
import { Redis } from 'ioredis'
import { test } from 'vitest'
import type { VenomError } from '../../../src/errors.ts'
import type { Way } from '../../../src/systems/redis/grants.ts'
import { describeServer } from '../../servers/server.ts'
import { assertSame, contentsOf } from './contents.ts'
import { canStartOwn, OwnServer } from './own-server.ts'
import { Bench } from './programs.ts'

const ROUNDS = 30
/** A replica that was cut off may wait a second to be one again. */
const LONG = { timeout: 90_000 }

describeServer('redis', (like) => {
  const ways: readonly Way[] = ['tracked', 'exact', 'full']
  test.for(ways)('%s: our connections are cut all the time, and no mark is lost', LONG, async (way, { skip }) => {
    if (!(await canStartOwn(like))) skip('the server runs elsewhere')
    await using server = await OwnServer.start(like)
    await using bench = await Bench.open(server.url, 1, { way })
    const { system, client } = bench
    const stop = cutting(server.url)
    await client.mset({ a: '1', b: '1' })
    const one = await again(() => system.checkpoint('one'))
    const contents = await contentsOf(client)
    await client.rpush('list', 'a')
    const two = await again(() => system.checkpoint('two'))
    const later = await contentsOf(client)
    for (let round = 0; round < ROUNDS; round += 1) {
      await client.mset({ a: String(round), c: '1' })
      await client.del('b', 'list')
      const [mark, then] = round % 3 === 0 ? [two, later] : [one, contents]
      await again(() => system.rollback(mark))
      assertSame(await contentsOf(client), then)
    }
    await stop()
    await again(() => system.rollback(one))
  })
})

/** Ends our connections every few milliseconds, and once the one of a replica, until it is told to stop. */
function cutting(url: string): () => Promise<void> {
  const killer = new Redis(url)
  let stopped = false
  const cut = async (): Promise<void> => {
    for (let turn = 0; !stopped; turn += 1) {
      await sleep(turn % 13)
      const pattern = turn === 10 ? /^id=(\d+) .* (?:name=venomqa:|flags=S )/gm : /^id=(\d+) .* name=venomqa:/gm
      const clients = String(await killer.client('LIST'))
      for (const [, id] of clients.matchAll(pattern)) await killer.client('KILL', 'ID', Number(id))
    }
    killer.disconnect()
  }
  const done = cut()
  return () => {
    stopped = true
    return done
  }
}

/** Calls it until no connection is cut meanwhile; any other error is thrown. */
async function again<T>(work: () => T | PromiseLike<T>): Promise<T> {
  for (;;) {
    try {
      return await work()
    } catch (error) {
      if ((error as VenomError).code !== 'CONNECTION_REFUSED') throw error
    }
  }
}
