import type { Db, Document, MongoClient, Timestamp } from 'mongodb'
import type { Driver } from './driver.ts'
import { batchOf, Codec } from './raw.ts'

// Taken at load, so that a runner's fake timers never stop us.
const { setTimeout } = globalThis
const clock = performance.now.bind(performance)

/** How long a command of ours may take at most, in ms: a document that an open transaction holds would block it for ever. */
const PATIENCE = 60_000
/** How long a server is waited for when it is first called, in ms. */
const FIRST = 5000
/** How long a server may be away later, in ms: a replica set of one that was restarted elects itself within a few seconds. */
const ABSENCE = 15_000
const BATCH = 100_000
const UNAUTHORIZED = 13

/** Our own connection: commands as they are, and documents as bytes. */
export class Store {
  readonly driver: Driver
  readonly codec: Codec
  readonly client: MongoClient
  /** How the connection calls itself in `$currentOp`, unlike any other. */
  readonly name: string
  #replicaSet = true
  #serverId: string | undefined
  #restarts = 0
  #written: Timestamp | undefined
  #seen: Timestamp | undefined
  readonly #databases = new Map<string, Db>()

  private constructor(driver: Driver, client: MongoClient, name: string) {
    this.driver = driver
    this.codec = new Codec(driver.BSON)
    this.client = client
    this.name = name
    client.on('serverDescriptionChanged', ({ newDescription: { topologyVersion } }) => {
      const id = topologyVersion?.processId.toHexString()
      if (id === undefined || id === this.#serverId) return
      if (this.#serverId !== undefined) this.#restarts += 1
      this.#serverId = id
    })
  }

  /** Connects. Throws what the driver throws. */
  static async open(driver: Driver, url: string, name: string): Promise<Store> {
    const options = { appName: name, retryWrites: false, readPreference: 'primary', maxPoolSize: 8 } as const
    const client = new driver.MongoClient(url, { ...options, serverSelectionTimeoutMS: FIRST })
    const store = new Store(driver, client, name)
    try {
      await client.connect()
      store.#replicaSet = (await store.command('admin', { hello: 1 }))['setName'] !== undefined
    } catch (error) {
      await client.close()
      throw error
    }
    return store
  }

  /** Whether the server has an oplog. */
  get isReplicaSet(): boolean {
    return this.#replicaSet
  }

  /** How often the server was found to be another process than before. */
  get restarts(): number {
    return this.#restarts
  }

  /** A command and its reply. */
  async command(database: string, command: Document): Promise<Document> {
    const reply = await this.#db(database).command(command)
    this.#seen = latest(this.#seen, reply)
    return reply
  }

  /** A command that may be given twice: it is given again while the server is away. */
  async ask(database: string, command: Document): Promise<Document> {
    return this.#patiently(() => this.command(database, command))
  }

  /** A command that writes or locks: it gives up rather than block for ever. */
  async write(database: string, command: Document): Promise<Document> {
    const reply = await this.command(database, { ...command, maxTimeMS: PATIENCE, writeConcern: { w: 1 } })
    this.#written = latest(this.#written, reply)
    return reply
  }

  /** A time that the server had reached by now. */
  get seen(): Timestamp | undefined {
    return this.#seen
  }

  /** The time of the newest write of ours. */
  get written(): Timestamp | undefined {
    return this.#written
  }

  /** The documents that a command gives, as bytes. */
  read(database: string, command: Document): Promise<Uint8Array[]> {
    const size = { batchSize: BATCH }
    return this.#patiently(() =>
      this.#all(this.#db(database), {
        ...command,
        ...('find' in command ? size : { cursor: size }),
        maxTimeMS: PATIENCE,
      }),
    )
  }

  /**
   * Pushes all that was written to disk, which a read in the past waits for, and answers with the time. Without the right
   * to it that read waits by itself, up to a tenth of a second.
   */
  async flush(): Promise<Timestamp> {
    const note = { appendOplogNote: 1, data: { venomqa: 1 }, writeConcern: { w: 'majority' } }
    const reply = await this.ask('admin', note).catch((error: unknown) => {
      if (codeOf(error) === UNAUTHORIZED) return this.ask('admin', { ping: 1 })
      throw error
    })
    return reply['operationTime'] as Timestamp
  }

  close(): Promise<void> {
    return this.client.close()
  }

  /** Not by the driver's cursors: they take as long as the server, and drop `atClusterTime` from a read concern. */
  async #all(db: Db, command: Document): Promise<Uint8Array[]> {
    const session = this.client.startSession({ causalConsistency: false })
    try {
      const documents: Uint8Array[] = []
      for (let next: Document | undefined = command; next;) {
        const reply: Document = await db.command(next, { raw: true, session })
        this.#seen = latest(this.#seen, reply)
        const { id, collection } = batchOf(reply['cursor'] as Uint8Array, documents)
        next = id === 0n ? undefined : { getMore: id, collection, batchSize: BATCH }
      }
      return documents
    } finally {
      await session.endSession()
    }
  }

  #db(database: string): Db {
    const known = this.#databases.get(database) ?? this.client.db(database)
    this.#databases.set(database, known)
    return known
  }

  async #patiently<T>(work: () => Promise<T>): Promise<T> {
    const deadline = clock() + ABSENCE
    for (;;) {
      try {
        return await work()
      } catch (error) {
        if (!isLost(error) || clock() > deadline) throw error
        await new Promise((resolve) => setTimeout(resolve, 100))
      }
    }
  }
}

function latest(known: Timestamp | undefined, reply: Document): Timestamp | undefined {
  const time = reply['operationTime'] as Timestamp | undefined
  return time && (!known || time.greaterThan(known)) ? time : known
}

/** The read concern of a read in the past; nothing for the present. */
export function past(at: Timestamp | undefined): Document {
  return at === undefined ? {} : { readConcern: { level: 'snapshot', atClusterTime: at } }
}

/** Lists in parts that fit into one command. */
export function parts<T>(list: readonly T[], size = 20_000): readonly (readonly T[])[] {
  return Array.from({ length: Math.ceil(list.length / size) }, (_, part) => list.slice(part * size, (part + 1) * size))
}

/** The server's number of an error, 0 where there is none. https://www.mongodb.com/docs/manual/reference/error-codes/ */
export function codeOf(error: unknown): number {
  const { code } = Object(error) as { readonly code?: unknown }
  return typeof code === 'number' ? code : 0
}

/** The connection ended, or the server is about to. */
function isLost(error: unknown): boolean {
  const { name = '', code } = Object(error) as { readonly name?: string; readonly code?: unknown }
  if (code === 'EPIPE' || code === 'ECONNRESET') return true
  // InterruptedAtShutdown, ShutdownInProgress, NotWritablePrimary, PrimarySteppedDown, NotPrimaryOrSecondary
  return (
    /Network|PoolCleared|PoolClosed|ServerSelection/.test(name) ||
    [11600, 91, 10107, 189, 13436].includes(codeOf(error))
  )
}
