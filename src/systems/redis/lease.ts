import { randomBytes } from 'node:crypto'
import { hostname } from 'node:os'
import { VenomError } from '../../errors.ts'
import type { Worker } from '../../rollbackable.ts'
import { bytesOf, type Connection, good } from './connection.ts'
import { inTransaction } from './image.ts'
import type { Command, Reply } from './resp.ts'
import type { Scope } from './scope.ts'

/** Who looks after a set of keys, as the server remembers it. */
export interface Lease {
  /** Also the end of our connection's name, by which others see that we live. */
  readonly token: string
  /** `vitest worker 2 (pid 4711 on laptop)`. */
  readonly owner: string
  readonly host: string
  readonly database: number
  /** As bytes. */
  readonly prefix: string
  /** How often it was lost with the database and written again: an old copy must not pass for it. */
  readonly round: number
  /** The file that holds the first mark, once there is one. */
  readonly file: string | null
}

/** The lease of this process, not yet taken. */
export function newLease(worker: Worker, database: number, scope: Scope): Lease {
  const runner = worker.runner === 'none' ? 'a script' : `${worker.runner} worker ${worker.id}`
  return {
    token: randomBytes(9).toString('hex'),
    owner: `${runner} (pid ${process.pid} on ${hostname()})`,
    host: hostname(),
    database,
    prefix: scope.prefix,
    round: 0,
    file: null,
  }
}

/** A lease as it stands in the server's hash. While it does, nobody flushed or swapped the database. */
export interface Standing {
  readonly text: string
  /** A field beside it that is there as long as this round of it: HSETNX tells, and WATCH acts on it. */
  readonly guard: string
  /** Writes it. */
  readonly writing: Command
}

/** How a lease stands in the server's hash. */
export function standing(scope: Scope, lease: Lease): Standing {
  const text = bytesOf(JSON.stringify(lease))
  const guard = guardOf(lease)
  return { text, guard, writing: ['HSET', scope.leases, lease.prefix, text, guard, ''] }
}

/**
 * A transaction that is not run where the lease does not stand: its guard is then written, which breaks the watch. The
 * lease must go on to its next round then, for the guard of this one stands in another database now.
 */
export function guarded(scope: Scope, { guard }: Standing, commands: readonly Command[]): readonly Command[] {
  return [['WATCH', scope.leases], ['HSETNX', scope.leases, guard, ''], ...inTransaction(commands)]
}

/** Whether that is why it was not run, and not that another world took or renewed a lease. */
export function guardLacked(replies: readonly Reply[]): boolean {
  return replies[1] === 1
}

/** Removes a lease from the server's hash, with the guards of all its rounds. */
export function leaseRemoving(scope: Scope, lease: Lease): Command {
  const guards = Array.from({ length: lease.round + 1 }, (_, round) => guardOf({ ...lease, round }))
  return ['HDEL', scope.leases, lease.prefix, ...guards]
}

/**
 * Takes the lease of a set of keys. Gives it as the server holds it, and the leases of dead processes that
 * had keys in common with it.
 *
 * The hash decides between two who come at once; the names of connections say who lives, so that a lease
 * ends with its process, however that ends, and never because a debugger stopped it for a minute.
 *
 * @throws VenomError `LEASED`
 */
export async function takeLease(
  connection: Connection,
  scope: Scope,
  lease: Lease,
): Promise<{ readonly taken: Lease; readonly dead: readonly Lease[] }> {
  const { database } = lease
  for (;;) {
    await connection.call('WATCH', scope.leases)
    const stored = await connection.call('HGETALL', scope.leases)
    const clients = await connection.call('CLIENT', 'LIST')
    // One of another database came here by SWAPDB and says nothing of this one.
    const dead = leasesIn(stored).filter((it) => it.database === database && overlaps(it.prefix, scope.prefix))
    const living = namesIn(clients).filter(
      (name) => name.database === database && overlaps(name.prefix, scope.prefix) && name.token !== lease.token,
    )
    const [holder] = living
    if (holder) {
      await connection.call('UNWATCH')
      throw leased(holder, dead.find((other) => other.token === holder.token)?.owner, scope)
    }
    // Until the dead one's keys are put back, our lease points to its file: we may be killed meanwhile.
    const taken = { ...lease, file: dead.find((other) => other.prefix === scope.prefix)?.file ?? null }
    const replies = await connection.trip([
      ['MULTI'],
      ...dead.filter((other) => other.prefix === scope.prefix).map((other) => leaseRemoving(scope, other)),
      standing(scope, taken).writing,
      ['CLIENT', 'SETNAME', nameOf(taken)],
      ['EXEC'],
    ])
    for (const reply of replies) good(reply)
    if (replies.at(-1) !== null) return { taken, dead }
  }
}

/**
 * Takes up a lease again over a new connection.
 *
 * @throws VenomError `LEASED` when somebody else has it meanwhile
 */
export async function resumeLease(connection: Connection, scope: Scope, lease: Lease): Promise<void> {
  const clients = namesIn(await connection.call('CLIENT', 'LIST'))
  const holder = clients.find((name) => name.database === lease.database && overlaps(name.prefix, scope.prefix))
  if (holder && holder.token !== lease.token) throw leased(holder, undefined, scope)
  await connection.call('CLIENT', 'SETNAME', nameOf(lease))
}

/** Whether another process holds a lease on this server, for whatever keys. */
export function othersOnServer(clients: Reply, token: string): boolean {
  return namesIn(clients).some((name) => name.token !== token)
}

function guardOf({ token, round }: Lease): string {
  return `${token}:${round}`
}

interface Name {
  readonly id: string
  readonly address: string
  readonly database: number
  readonly prefix: string
  readonly token: string
}

function nameOf({ database, prefix, token }: Lease): string {
  return `venomqa:${database}:${Buffer.from(prefix, 'latin1').toString('hex')}:${token}`
}

function namesIn(clients: Reply): readonly Name[] {
  const pattern = /^id=(\d+) addr=(\S+) .*? name=venomqa:(\d+):([0-9a-f]*):([0-9a-f]+) /gm
  return [...String(clients).matchAll(pattern)].map(([, id = '', address = '', database, prefix = '', token = '']) => ({
    id,
    address,
    database: Number(database),
    prefix: Buffer.from(prefix, 'hex').toString('latin1'),
    token,
  }))
}

function leasesIn(reply: Reply): readonly Lease[] {
  const leases: Lease[] = []
  for (const part of Array.isArray(reply) ? (reply as readonly Reply[]) : []) {
    const text = String(part)
    if (text.startsWith('{"token"')) leases.push(JSON.parse(text) as Lease)
  }
  return leases
}

function overlaps(a: string, b: string): boolean {
  return a.startsWith(b) || b.startsWith(a)
}

function leased(holder: Name, owner: string | undefined, scope: Scope): VenomError {
  const what = scope.prefix
    ? `The keys "${Buffer.from(scope.prefix, 'latin1').toString()}*"`
    : `Database ${holder.database}`
  return new VenomError(
    'LEASED',
    `redis: ${what} ${scope.prefix ? 'are' : 'is'} in use by ${owner ?? 'another process'}, connected from ${holder.address}.\n` +
      'Two worlds on the same keys would roll back each other; a process that is stuck keeps its lease until it ends.\n' +
      'Give each worker its own: redis(url, { perWorker: true }) or redis(url, { prefix: (worker) => `w${worker.id}:` }). ' +
      `To end a forgotten one: redis-cli client kill id ${holder.id}.`,
    { retryable: true },
  )
}
