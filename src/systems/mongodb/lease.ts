import { hostname } from 'node:os'
import type { Binary, Document, Timestamp } from 'mongodb'
import { VenomError } from '../../errors.ts'
import type { Worker } from '../../rollbackable.ts'
import { LEASE, LEASES } from './quiet.ts'
import type { Settings } from './settings.ts'
import { codeOf, type Store } from './store.ts'

// Taken at load, so that a runner's fake timers never stop us.
const { setTimeout } = globalThis
const clock = performance.now.bind(performance)
const DUPLICATE_KEY = 11000

/** Who looks after a database, as the server remembers it. */
export interface Lease {
  readonly database: string
  /** The name of our connections, by which others see that we live. */
  readonly token: string
  /** `vitest worker 2 (pid 4711 on laptop)`. */
  readonly owner: string
  readonly only: readonly string[] | null
  readonly except: readonly string[]
  /** What the server's settings were before the first world opened, once that is known. */
  readonly settings: Settings | null
  /** Whether the world is about to give the lease up, and has stopped counting. */
  readonly closing: boolean
  /** A time at which the state was that of the first mark, once there is one. */
  readonly at: Timestamp | null
  /** The first mark itself, where it is no time. */
  readonly still: Binary | null
}

/** The first mark, as a lease has it. */
export type FirstMark = Partial<Pick<Lease, 'at' | 'still'>>

/** What of a lease is known before it is taken. */
export type Claim = Pick<Lease, 'only' | 'except'> & { readonly databases: readonly string[]; readonly worker: Worker }

/** The leases of one world, one for each of its databases. */
export class Leases {
  readonly #store: Store
  readonly #allUsers: boolean
  #held: readonly string[] = []
  /** Databases that are still as a killed process left them: their leases stay, for whoever comes next. */
  readonly #owed = new Set<string>()

  constructor(store: Store, allUsers: boolean) {
    this.#store = store
    this.#allUsers = allUsers
  }

  /**
   * Takes the leases, and answers with those of killed processes that they replace. Waits up to `patience` ms: the
   * connection of one that was killed a moment ago may not have ended yet. Throws `LEASED`.
   */
  async take(claim: Claim, patience: number): Promise<readonly Lease[]> {
    const { only, except, worker } = claim
    const runner = worker.runner === 'none' ? 'a script' : `${worker.runner} worker ${worker.id}`
    const owner = `${runner} (pid ${process.pid} on ${hostname()})`
    const dead: Lease[] = []
    for (const database of claim.databases.toSorted()) {
      const lease: Lease = {
        database,
        token: this.#store.name,
        owner,
        only,
        except,
        settings: null,
        closing: false,
        at: null,
        still: null,
      }
      const replaced = await this.#takeOne(lease, clock() + patience)
      if (replaced) dead.push(replaced)
      if (replaced?.at || replaced?.still) this.#owed.add(database)
      this.#held = [...this.#held, database]
    }
    return dead
  }

  /** Notes that nothing is left to do of what a killed process did to a database: it is as we found it. */
  async mended(database: string, { only, except }: Claim): Promise<void> {
    await this.#update(database, { token: this.#store.name }, { only, except, closing: false, at: null, still: null })
    this.#owed.delete(database)
  }

  /** Notes the first mark, or a later time at which the state is the same: what crash recovery goes by. */
  async note(first: FirstMark): Promise<void> {
    for (const database of this.#held) await this.#update(database, { token: this.#store.name }, first)
  }

  /** Notes what the settings were, once it is known. */
  async noteSettings(settings: Settings): Promise<void> {
    for (const database of this.#held) await this.#update(database, { token: this.#store.name }, { settings })
  }

  /** The leases of others. With `living`, only those whose process has a connection. */
  async others({ living }: { readonly living: boolean }): Promise<readonly Lease[]> {
    const collections = await this.#names()
    const found = await Promise.all(collections.map((name) => this.#find(name)))
    const names = living ? await this.#living() : undefined
    return found.filter((lease): lease is Lease => {
      if (!lease || lease.token === this.#store.name) return false
      return names === undefined || names.has(lease.token)
    })
  }

  /** Says that the leases are about to be given up, so that of two worlds that close at once not each waits for the other. */
  async close(): Promise<void> {
    for (const database of this.#held) await this.#update(database, { token: this.#store.name }, { closing: true })
  }

  /** Gives the leases up. */
  async end(): Promise<void> {
    for (const database of this.#held.filter((held) => !this.#owed.has(held))) {
      const lease = await this.#find(`${LEASE}${database}`)
      if (lease?.token === this.#store.name) await this.#store.command(LEASES, { drop: `${LEASE}${database}` })
    }
    this.#held = []
  }

  async #takeOne(lease: Lease, deadline: number): Promise<Lease | undefined> {
    const { database, ...rest } = lease
    for (;;) {
      if (await this.#insert(database, rest)) return undefined
      const holder = await this.#find(`${LEASE}${database}`)
      if (!holder) continue
      if (!(await this.#living()).has(holder.token)) {
        // Until what it left is put back, our lease has its mark: we may be killed meanwhile.
        const { token, owner } = lease
        if (await this.#update(database, { token: holder.token }, { token, owner })) return holder
      } else if (clock() > deadline) {
        throw leased(holder)
      }
      await new Promise((resolve) => setTimeout(resolve, 50))
    }
  }

  async #insert(database: string, lease: Document): Promise<boolean> {
    const insert = { insert: `${LEASE}${database}`, documents: [{ _id: 'lease', ...lease }], writeConcern: SAFE }
    const reply = await this.#store.command(LEASES, insert).catch((error: unknown) => {
      if (codeOf(error) === DUPLICATE_KEY) return { writeErrors: [{}] }
      throw error
    })
    return reply['writeErrors'] === undefined
  }

  async #update(database: string, where: Document, change: Document): Promise<boolean> {
    const updates = [{ q: { _id: 'lease', ...where }, u: { $set: change } }]
    const reply = await this.#store.command(LEASES, { update: `${LEASE}${database}`, updates, writeConcern: SAFE })
    return reply['n'] === 1
  }

  async #find(collection: string): Promise<Lease | undefined> {
    const reply = await this.#store.ask(LEASES, { find: collection, limit: 1 })
    const [found] = (reply['cursor'] as { readonly firstBatch: readonly Omit<Lease, 'database'>[] }).firstBatch
    return found && { ...found, database: collection.slice(LEASE.length) }
  }

  async #names(): Promise<readonly string[]> {
    const reply = await this.#store.ask(LEASES, { listCollections: 1, nameOnly: true })
    const found = (reply['cursor'] as { readonly firstBatch: readonly { readonly name: string }[] }).firstBatch
    return found.map(({ name }) => name).filter((name) => name.startsWith(LEASE))
  }

  /** The names of all connections. */
  async #living(): Promise<ReadonlySet<string>> {
    const pipeline = [
      { $currentOp: { allUsers: this.#allUsers, idleConnections: true } },
      { $match: { appName: { $regex: '^venomqa:' } } },
      { $group: { _id: '$appName' } },
    ]
    const reply = await this.#store.ask('admin', { aggregate: 1, pipeline, cursor: { batchSize: 10_000 } })
    const found = (reply['cursor'] as { readonly firstBatch: readonly { readonly _id: string }[] }).firstBatch
    return new Set(found.map(({ _id }) => _id))
  }
}

const SAFE = { w: 1, j: true }

function leased({ database, owner }: Lease): VenomError {
  return new VenomError(
    'LEASED',
    `mongodb: the database "${database}" is in use by ${owner}.\n` +
      "Two worlds in one database would undo each other's changes: it is another worker, a watch mode, or a run that hangs.\n" +
      'Wait for it to end, or give each worker a database of its own: mongodb(url, { perWorker: true }).',
    { retryable: true },
  )
}
