import { isVenomError, messageOf, VenomError } from '../../errors.ts'
import { codeOf } from './store.ts'

/** The oplog no longer has the entries since a mark. */
export function oplogTooShort(): VenomError {
  return new VenomError(
    'MARK_LOST',
    'mongodb: the oplog no longer reaches back to the mark, so nobody can say what changed since.\n' +
      'More was written since then than it holds, or somebody made it smaller.\n' +
      'Make it larger (db.adminCommand({ replSetResizeOplog: 1, size: 2000 }), in megabytes), or write less between marks.',
  )
}

/** The snapshot at a mark is gone. */
export function windowPassed(cause: unknown): VenomError {
  return new VenomError(
    'MARK_LOST',
    `mongodb: the server no longer knows how the data was at the mark: ${messageOf(cause)}\n` +
      'It keeps its past for minSnapshotHistoryWindowInSeconds (300 s unless set). The system stretches that to the oldest mark where it may, one hour at most; a schema change on an old server, or a restart, also ends it.\n' +
      'Start mongod with --setParameter minSnapshotHistoryWindowInSeconds=3600, or grant setParameter; on a server before 7.0 do not change collections after a mark.',
    { cause },
  )
}

/** Entries of a sharded cluster's transactions, or of an XA manager's. */
export function prepared(): VenomError {
  return new VenomError(
    'UNSUPPORTED',
    'mongodb: the oplog has a prepared transaction, whose writes cannot be told from its entry.\n' +
      'Only members of a sharded cluster prepare transactions.\n' +
      'Test against a replica set that is no shard; one member is enough.',
  )
}

/** A rename between a collection of ours and one that we must not touch. */
export function movedAcross(from: string, to: string): VenomError {
  return new VenomError(
    'SCHEMA_CHANGED',
    `mongodb: ${from} was renamed to ${to}, and only one of the two is looked after.\n` +
      'To undo that, the other one would have to be rewritten too.\n' +
      'List both in collections, or neither.',
  )
}

/** The server is a standalone. */
export function standalone(): VenomError {
  return new VenomError(
    'UNSUPPORTED',
    'mongodb: this server is a standalone, which has no oplog and cannot read its own past.\n' +
      'Without those a rollback cannot know what changed.\n' +
      "Start it with --replSet rs0 and run rs.initiate() once (one member is enough and costs tests nothing), or copy collections at each mark: mongodb(url, { way: 'copy' }).",
  )
}

/** The server is a router of a sharded cluster. */
export function sharded(): VenomError {
  return new VenomError(
    'UNSUPPORTED',
    'mongodb: this is a mongos, the router of a sharded cluster, which has no oplog of its own.\n' +
      'The system reads the history of one replica set.\n' +
      'Test against a replica set; one member is enough.',
  )
}

/** A change stream does not tell of time series. */
export function noSeries(name: string): VenomError {
  return new VenomError(
    'UNSUPPORTED',
    `mongodb: "${name}" is a time series, and way: 'stream' does not see what is written to those.\n` +
      'A change stream tells of ordinary collections only.\n' +
      `Let the user read the oplog and leave way out, or leave the collection out: mongodb(url, { except: ['${name}'] }).`,
  )
}

/** A change stream tells only what a majority of the members has on disk. */
export function streamStuck(database: string): VenomError {
  return new VenomError(
    'LOCKED',
    `mongodb: the change stream of "${database}" did not reach the present within a minute.\n` +
      'It tells what a majority of the members of the replica set has; most of them may be away.\n' +
      'Start them, or test against a replica set of one.',
    { retryable: true },
  )
}

/** Copies do not tell in which order documents were stored. */
export function noOrder(): VenomError {
  return new VenomError(
    'BAD_ARGUMENT',
    "mongodb: order: 'exact' does not go with way: 'copy'.\n" +
      'Whether a collection changed is told by the sum of its documents, which does not depend on their order.\n' +
      'Leave one of the two out.',
  )
}

/** The server is too old to read its past. */
export function tooOld(version: string): VenomError {
  return new VenomError(
    'UNSUPPORTED',
    `mongodb: the server is MongoDB ${version}; the past can be read since 7.0.\n` +
      'Before, a collection that was dropped or renamed since a mark could not be read as it was.\n' +
      "Use MongoDB 7.0 or newer, or copy collections at each mark: mongodb(url, { way: 'copy' }).",
  )
}

/** What an error of the server means to the user; anything else is left as it is. */
export function explained(error: unknown, what: string): unknown {
  if (isVenomError(error)) return error
  const { name = '' } = Object(error) as { readonly name?: string }
  switch (codeOf(error)) {
    case 13:
      return missingGrant(error, what)
    case 18:
    case 8000:
      return new VenomError(
        'CONNECTION_REFUSED',
        `mongodb: the server does not let us in: ${messageOf(error)}\n` +
          'The user, the password or authSource in the URL is wrong.\nTry the same URL with mongosh.',
        { cause: error },
      )
    case 50:
      return new VenomError(
        'LOCKED',
        `mongodb: ${what} waited too long for a lock or a document: ${messageOf(error)}\n` +
          'A transaction of the application that began in this moment holds it.\n' +
          'End it in the step that began it; a client that was killed holds its own for transactionLifetimeLimitSeconds (60).',
        { cause: error, retryable: true },
      )
    case 239:
    case 246:
      return windowPassed(error)
    default:
      return /ServerSelection|Network|PoolCleared|TopologyClosed/.test(name) ? away(error, what) : error
  }
}

function away(error: unknown, what: string): VenomError {
  return new VenomError(
    'CONNECTION_REFUSED',
    `mongodb: the server does not answer while ${what}: ${messageOf(error)}\n` +
      'It is not running, or the address is wrong. A replica set is asked at the addresses that its members call themselves.\n' +
      'Start it; or, when it runs where those addresses cannot be reached, add ?directConnection=true to the URL.',
    { cause: error, retryable: true },
  )
}

function missingGrant(error: unknown, what: string): VenomError {
  return new VenomError(
    'MISSING_GRANT',
    `mongodb: the user of the URL may not do what ${what} needs: ${messageOf(error)}\n` +
      'Rolling back reads the oplog and the list of operations, and rewrites collections.\n' +
      'Opening the system prints the role that is enough; the application keeps its own user.',
    { cause: error },
  )
}
