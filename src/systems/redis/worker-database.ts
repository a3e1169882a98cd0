import { VenomError } from '../../errors.ts'
import { Connection, good } from './connection.ts'
import { readImage } from './image.ts'
import { type Place, placeName } from './place.ts'
import type { Command, Reply } from './resp.ts'
import type { Scope } from './scope.ts'

const KEYS_PER_TRIP = 1000

/**
 * Throws unless a database is free for a worker: empty, or left behind by one that was killed.
 *
 * @throws VenomError `NOT_A_TEST_DATABASE`
 */
export async function requireFree(connection: Connection, place: Place, scope: Scope, worker: string): Promise<void> {
  const [keys, ours] = (await connection.trip([['DBSIZE'], ['EXISTS', scope.leases]])).map(good)
  if (keys === 0 || ours === 1) return
  throw new VenomError(
    'NOT_A_TEST_DATABASE',
    `redis: worker ${worker} would get ${placeName(place)}, but ${String(keys)} keys are in it already.\n` +
      'With perWorker each worker empties a database of its own, the one in the URL plus its number, and fills it from that one.\n' +
      `If nobody needs those keys: redis-cli -n ${place.database} flushdb. Else use a URL with a higher database number.`,
  )
}

/** Makes a database hold the same keys as another one of the same server. */
export async function fillFrom(template: Place, connection: Connection, scope: Scope): Promise<void> {
  await empty(connection, scope)
  const source = await Connection.open(template)
  try {
    for await (const keys of pages(source, scope)) {
      const replies = (await source.trip(keys.flatMap((key) => readImage(key, false)))).map(good)
      const restoring = keys.flatMap((key, index): readonly Command[] => {
        const [payload, left] = [replies[index * 2], replies[index * 2 + 1]]
        return Buffer.isBuffer(payload) ? [['RESTORE', key, Math.max(0, Number(left)), payload]] : []
      })
      for (const reply of await connection.trip(restoring)) good(reply)
    }
  } finally {
    source.close()
  }
}

/** Removes every key of a database but our own. */
export async function empty(connection: Connection, scope: Scope): Promise<void> {
  for await (const keys of pages(connection, scope)) {
    for (const reply of await connection.trip(keys.map((key) => ['UNLINK', key]))) good(reply)
  }
}

async function* pages(connection: Connection, scope: Scope): AsyncGenerator<readonly string[]> {
  for (let cursor = ''; cursor !== '0';) {
    const scan = await connection.call('SCAN', cursor || '0', 'COUNT', KEYS_PER_TRIP)
    const [next, keys] = scan as readonly [Reply, readonly Buffer[]]
    cursor = String(next)
    const names = new Set(keys.map((key) => key.toString('latin1')))
    yield [...names].filter((key) => scope.holds(key))
  }
}
