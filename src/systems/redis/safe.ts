import { VenomError } from '../../errors.ts'
import { requireTestDatabase, type SafetyOptions } from '../../safety.ts'
import type { Connection } from './connection.ts'
import { type Place, placeName } from './place.ts'
import type { Scope } from './scope.ts'
import type { Server } from './server.ts'
import { nameOf } from './view.ts'
import { readOnly } from './troubles.ts'

/** A key by which a person says once that a database is for tests: `redis-cli -n 0 set venomqa:test-server yes`. */
export const TEST_MARK = 'venomqa:test-server'

/**
 * Throws unless these keys may be rewritten: the server is no replica and has none, it is this machine or
 * vouched for, and the keys are a prefix, a database other than 0, or all of a server that is for tests.
 *
 * A server is for tests when it writes nothing to disk, neither snapshots nor a log, so that nobody can
 * want to keep what is in it; or when its database carries {@link TEST_MARK}.
 *
 * @throws VenomError `NOT_A_TEST_DATABASE`, `READ_ONLY`
 */
export async function requireTestKeys(
  connection: Connection,
  { place, server, scope, options }: { place: Place; server: Server; scope: Scope; options: SafetyOptions },
): Promise<void> {
  if (server.role === 'slave') throw readOnly()
  if (server.replicas > 0) throw hasReplicas(place, server.replicas)
  const database = scope.prefix ? nameOf(scope.prefix) : String(place.database)
  const apart = scope.prefix !== '' || place.database !== 0
  const proved = apart || !server.durable || options.allowDatabase === database || (await isMarked(connection))
  const { host } = place
  requireTestDatabase({ system: 'redis', database, proved: true, ...(host === undefined ? {} : { host }) }, options)
  if (!proved) throw unproved(place)
}

async function isMarked(connection: Connection): Promise<boolean> {
  const [reply] = await connection.trip([['EXISTS', TEST_MARK]])
  return reply === 1
}

function hasReplicas(place: Place, count: number): VenomError {
  return new VenomError(
    'NOT_A_TEST_DATABASE',
    `redis: ${placeName(place)} has ${count} connected replica${count === 1 ? '' : 's'}, so it is not touched.\n` +
      'What is replicated is seldom for tests, and every rollback would be replicated too.\n' +
      'Use a server of its own for tests, without replicas.',
  )
}

function unproved(place: Place): VenomError {
  return new VenomError(
    'NOT_A_TEST_DATABASE',
    `redis: nothing proves that ${placeName(place)}, is for tests, so it is not touched.\n` +
      'Database 0 without a prefix is where everything is that nobody thought about, and this server keeps it on disk.\n' +
      "Use another database (redis://localhost:6379/1) or a prefix (redis(url, { prefix: 'test:' })); " +
      `or mark this one once: redis-cli -n ${place.database} set ${TEST_MARK} yes; ` +
      `or vouch for it: redis(url, { allowDatabase: '${place.database}' }).`,
  )
}
