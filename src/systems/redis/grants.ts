import type { Connection } from './connection.ts'
import { type Command, ReplyError } from './resp.ts'
import type { Scope } from './scope.ts'
import type { Server } from './server.ts'
import { missingGrants } from './troubles.ts'

/** How the changed keys are found. */
export type Way = 'tracked' | 'exact' | 'full'

/**
 * Throws unless our user may do all that we shall need: it is better to know now than half way back.
 *
 * The commands are queued in a transaction that is then given up: the server checks rights when it
 * queues, and nothing is run.
 *
 * @throws VenomError `MISSING_GRANT` with every grant that lacks
 */
export async function checkGrants(
  connection: Connection,
  { scope, server, way, user }: { scope: Scope; server: Server; way: Way; user: string },
): Promise<void> {
  const [begun] = await connection.trip([['MULTI']])
  if (begun instanceof ReplyError) throw missingGrants(['+multi', '+exec', '+discard', '+watch', '+unwatch'], user)
  const needs = [...needed(scope, server), ...(way === 'tracked' ? TRACKED : []), ...(way === 'exact' ? EXACT : [])]
  const replies = await connection.trip([...needs.map(([, command]) => command), ['DISCARD']])
  const grants = new Set<string>()
  for (const [index, [grant]] of needs.entries()) {
    const reply = replies[index]
    if (!(reply instanceof ReplyError) || reply.kind !== 'NOPERM') continue
    grants.add(/access|keys?\b/.test(reply.message) && !/run the/.test(reply.message) ? keysOf(scope) : grant)
  }
  if (grants.size > 0) throw missingGrants([...grants].toSorted(), user)
}

type Need = readonly [grant: string, command: Command]

function needed(scope: Scope, { version }: Server): readonly Need[] {
  const key = `${scope.prefix}venomqa`
  const functions: readonly Need[] = [
    ['+function|dump', ['FUNCTION', 'DUMP']],
    ['+function|restore', ['FUNCTION', 'RESTORE', '', 'FLUSH']],
    ['+pexpiretime', ['PEXPIRETIME', key]],
  ]
  return [
    ['+exec', ['PING']],
    ['+scan', ['SCAN', 0]],
    ['+dbsize', ['DBSIZE']],
    ['+time', ['TIME']],
    ['+info', ['INFO', 'server']],
    ['+client|list', ['CLIENT', 'LIST']],
    ['+client|setname', ['CLIENT', 'SETNAME', 'venomqa']],
    ['+dump', ['DUMP', key]],
    ['+pttl', ['PTTL', key]],
    ['+restore', ['RESTORE', key, 0, '']],
    ['+unlink', ['UNLINK', key]],
    ['+del', ['DEL', scope.scratch]],
    ['+hset', ['HSET', scope.leases, '', '']],
    ['+hget', ['HGET', scope.leases, '']],
    ['+hgetall', ['HGETALL', scope.leases]],
    ['+hdel', ['HDEL', scope.leases, '']],
    ['+get', ['GET', scope.scratch]],
    ['+lrange', ['LRANGE', scope.scratch, 0, 0]],
    ['+smembers', ['SMEMBERS', scope.scratch]],
    ['+zrange', ['ZRANGE', scope.scratch, 0, 0]],
    ['+xinfo|stream', ['XINFO', 'STREAM', scope.scratch]],
    ['+exists', ['EXISTS', scope.scratch]],
    ...(version.major >= 7 ? functions : []),
  ]
}

const TRACKED: readonly Need[] = [['+client|tracking', ['CLIENT', 'TRACKING', 'ON', 'BCAST', 'NOLOOP']]]
const EXACT: readonly Need[] = [
  ['+command', ['COMMAND', 'COUNT']],
  ['+psync', ['PSYNC', '?', '-1']],
  ['+replconf', ['REPLCONF', 'ACK', '0']],
]

function keysOf(scope: Scope): string {
  return scope.prefix ? `~${scope.pattern} ~venomqa:*` : '~*'
}
