import type { Connection } from './connection.ts'
import { type Command, ReplyError } from './resp.ts'
import type { Scope } from './scope.ts'
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
  { scope, way, user }: { scope: Scope; way: Way; user: string },
): Promise<void> {
  const lacking = new Set<string>()
  const ask = async (needs: readonly Need[]): Promise<void> => {
    const replies = await connection.trip(needs.map(([, command]) => command))
    for (const [index, [grant]] of needs.entries()) {
      const reply = replies[index]
      // EXEC answers EXECABORT, and why.
      if (reply instanceof ReplyError && /\bNOPERM\b/.test(reply.message)) lacking.add(grant)
    }
  }
  await ask(TRANSACTIONS)
  if (!lacking.has('+multi')) {
    const ways: Readonly<Record<Way, readonly Need[]>> = { tracked: TRACKED, exact: EXACT, full: [] }
    await ask([...needed(scope, connection.major), ...ways[way], ['+discard', ['DISCARD']]])
  }
  // A denied command hides that its key would be denied too.
  if (lacking.size > 0) throw missingGrants([...lacking].toSorted().concat(keysOf(scope)), user)
}

type Need = readonly [grant: string, command: Command]

/** These cannot be queued. EXEC fails for want of a transaction; the last one begins it. */
const TRANSACTIONS: readonly Need[] = [
  ['+watch', ['WATCH', 'venomqa:leases']],
  ['+unwatch', ['UNWATCH']],
  ['+exec', ['EXEC']],
  ['+multi', ['MULTI']],
]

function needed(scope: Scope, major: number): readonly Need[] {
  const key = `${scope.prefix}venomqa`
  const functions: readonly Need[] = [
    ['+function|dump', ['FUNCTION', 'DUMP']],
    ['+function|restore', ['FUNCTION', 'RESTORE', '', 'FLUSH']],
    ['+pexpiretime', ['PEXPIRETIME', key]],
  ]
  return [
    ['+ping', ['PING']],
    ['+set', ['SET', key, '']],
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
    ['+hsetnx', ['HSETNX', scope.leases, '', '']],
    ['+mset', ['MSET', key, '']],
    ['+hget', ['HGET', scope.leases, '']],
    ['+hgetall', ['HGETALL', scope.leases]],
    ['+hdel', ['HDEL', scope.leases, '']],
    ['+get', ['GET', scope.scratch]],
    ['+lrange', ['LRANGE', scope.scratch, 0, 0]],
    ['+smembers', ['SMEMBERS', scope.scratch]],
    ['+zrange', ['ZRANGE', scope.scratch, 0, 0]],
    ['+xinfo|stream', ['XINFO', 'STREAM', scope.scratch]],
    ['+exists', ['EXISTS', scope.scratch]],
    ...(major >= 7 ? functions : []),
  ]
}

const TRACKED: readonly Need[] = [['+client|tracking', ['CLIENT', 'TRACKING', 'ON', 'BCAST', 'NOLOOP']]]
// PSYNC cannot be queued, so the right to it is asked for along with the other one of a replica.
const EXACT: readonly Need[] = [
  ['+command', ['COMMAND', 'COUNT']],
  ['+psync +replconf', ['REPLCONF', 'ACK', '0']],
]

function keysOf(scope: Scope): string {
  return scope.prefix ? `~${scope.pattern} ~venomqa:*` : '~*'
}
