import type { Document, Timestamp } from 'mongodb'
import { VenomError } from '../../errors.ts'
import type { Scope } from './scope.ts'
import type { Store } from './store.ts'

// Taken at load, so that a runner's fake timers never stop us.
const { setTimeout } = globalThis
const clock = performance.now.bind(performance)

/** Commands that write. While one runs, a mark could cut it in two: not even updateMany is atomic. */
const WRITING = [
  'insert',
  'update',
  'delete',
  'findAndModify',
  'findandmodify',
  'bulkWrite',
  'applyOps',
  'commitTransaction',
  'mapReduce',
  'convertToCapped',
  'cloneCollectionAsCapped',
  'pipeline.$out',
  'pipeline.$merge',
  'create',
  'drop',
  'dropDatabase',
  'renameCollection',
  'collMod',
  'createIndexes',
  'dropIndexes',
]

/** How often operations are listed anew when something was written meanwhile. */
const TRIES = 10

/** One operation as `$currentOp` lists it. */
interface Operation {
  /** The server's time before the list was made. */
  readonly began?: Timestamp
  readonly appName?: string
  readonly client?: string
  readonly opid?: number | string
  readonly ns?: string
  readonly lsid?: { readonly id: unknown }
  readonly transaction?: { readonly timeOpenMicros: number }
  readonly microsecs_running?: number
}

/** Waits for moments in which nobody writes. */
export class Quiet {
  readonly #store: Store
  readonly #scope: Scope
  readonly #settle: number
  readonly #others: readonly Document[]
  readonly #timed: readonly Document[]

  constructor(store: Store, { scope, settle, allUsers }: { scope: Scope; settle: number; allUsers: boolean }) {
    this.#store = store
    this.#scope = scope
    this.#settle = settle
    const inScope = { $or: [{ ns: { $regex: scope.pattern } }, { ns: { $regex: String.raw`^admin\.` } }] }
    const writes = [
      { op: { $in: ['insert', 'update', 'remove'] } },
      ...WRITING.map((name) => ({ [`command.${name}`]: { $exists: true } })),
    ]
    const active = { active: true, isFromUserConnection: true, $and: [inScope, { $or: writes }] }
    const others = { appName: { $ne: store.name }, $or: [{ transaction: { $exists: true } }, active] }
    const list = { $currentOp: { allUsers, idleSessions: true } }
    this.#others = [list, { $match: others }]
    // The list itself is an operation of ours, so that there is always one to have the time.
    const timed = { $set: { began: '$$CLUSTER_TIME', command: '$$REMOVE' } }
    this.#timed = [list, { $match: { $or: [{ appName: store.name }, others] } }, timed]
  }

  /** Waits until no transaction is open and no write is running, and answers whether it had to. Throws `NOT_QUIET`. */
  async wait(what: string): Promise<boolean> {
    return (await this.#until(what, this.#others)).waited
  }

  /** A time at which no transaction was open and no write was running. Throws `NOT_QUIET`. */
  async moment(what: string): Promise<Timestamp> {
    for (let tries = 1; ; tries += 1) {
      const { began, time } = await this.#until(what, this.#timed)
      // A write that began after the list was made may have got half of its documents written by now.
      if (began?.greaterThanOrEqual(time) || tries === TRIES) return time
    }
  }

  async #until(
    what: string,
    pipeline: readonly Document[],
  ): Promise<{ readonly began: Timestamp | undefined; readonly time: Timestamp; readonly waited: boolean }> {
    const deadline = clock() + this.#settle
    for (let waited = false; ; waited = true) {
      const reply = await this.#store.ask('admin', { aggregate: 1, pipeline, cursor: { batchSize: 1000 } })
      const found = (reply['cursor'] as { readonly firstBatch: readonly Operation[] }).firstBatch
      const busy = found.filter(({ appName }) => appName !== this.#store.name)
      const [first] = busy.length === 0 ? [] : await this.#withoutOthers(busy)
      if (!first) return { began: found[0]?.began, time: reply['operationTime'] as Timestamp, waited }
      if (clock() >= deadline) throw notQuiet(what, first, this.#settle)
      await new Promise((resolve) => setTimeout(resolve, 10))
    }
  }

  /**
   * The server does not say to which database an idle transaction belongs. An application that calls itself by the name
   * of a database which another world has leased belongs there.
   */
  async #withoutOthers(busy: readonly Operation[]): Promise<readonly Operation[]> {
    const leased = await this.#store.read(LEASES, { listCollections: 1, nameOnly: true })
    const names = new Set(leased.map((document) => String(this.#store.codec.plain(document)['name'])))
    return busy.filter(
      ({ appName = '' }) => !names.has(`${LEASE}${appName}`) || this.#scope.databases.includes(appName),
    )
  }
}

/** The database in which worlds note what they hold, and how the collection of a database begins. */
export const LEASES = 'venomqa'
export const LEASE = 'lease.'

function notQuiet(what: string, operation: Operation, settle: number): VenomError {
  const { appName, client, opid, ns, lsid, transaction, microsecs_running } = operation
  const micros = transaction?.timeOpenMicros ?? microsecs_running ?? 0
  const parts = [
    appName ? `application "${appName}"` : 'an application without appName',
    `at ${client ?? 'an unknown address'}`,
    ...(lsid ? [`session ${String(lsid.id)}`] : []),
    ...(opid === undefined ? [] : [`opid ${opid}`]),
    ...(ns ? [`on ${ns}`] : []),
    `for ${Math.round(micros / 1000)} ms`,
  ]
  return new VenomError(
    'NOT_QUIET',
    `mongodb: ${what}: a ${transaction ? 'transaction is open' : 'write is running'}, and was after ${settle} ms too: ${parts.join(', ')}.\n` +
      'A transaction that began before would commit into the next branch. A client that was killed leaves its own open for 60 s (transactionLifetimeLimitSeconds).\n' +
      'End it in the step that began it, or wait longer: mongodb(url, { settle: 10_000 }). ' +
      "Another worker's application is told apart by its name: ?appName=DATABASE in its URL.",
    { retryable: true },
  )
}
