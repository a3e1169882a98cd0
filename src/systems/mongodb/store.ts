import type { Db, Document, MongoClient, Timestamp } from 'mongodb'
import type { Driver } from './driver.ts'
import { Codec } from './raw.ts'

/** How long a command of ours may take at most, in ms: a document that an open transaction holds would block it for ever. */
const PATIENCE = 60_000
/** How long a server may be away, in ms: a replica set of one that was restarted elects itself within a few seconds. */
const ABSENCE = 15_000
const BATCH = 100_000

/** Our own connection: commands as they are, and documents as bytes. */
export class Store {
  readonly driver: Driver
  readonly codec: Codec
  readonly client: MongoClient
  /** How the connection calls itself in `$currentOp`, unlike any other. */
  readonly name: string
  #serverId: string | undefined
  #restarts = 0
  #written: Timestamp | undefined

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
    const client = new driver.MongoClient(url, { ...options, serverSelectionTimeoutMS: ABSENCE })
    const store = new Store(driver, client, name)
    try {
      await client.connect()
    } catch (error) {
      await client.close()
      throw error
    }
    return store
  }

  /** How often the server was found to be another process than before. */
  get restarts(): number {
    return this.#restarts
  }

  /** A command and its reply. */
  command(database: string, command: Document): Promise<Document> {
    return this.#db(database).command(command)
  }

  /** A command that only reads, asked once more when the connection was lost. */
  async ask(database: string, command: Document): Promise<Document> {
    return this.#patiently(() => this.command(database, command))
  }

  /** A command that writes or locks: it gives up rather than block for ever. */
  async write(database: string, command: Document): Promise<Document> {
    const reply = await this.command(database, { ...command, maxTimeMS: PATIENCE, writeConcern: { w: 1 } })
    const time = reply['operationTime'] as Timestamp | undefined
    if (time && (!this.#written || time.greaterThan(this.#written))) this.#written = time
    return reply
  }

  /** The time of the newest write of ours. */
  get written(): Timestamp | undefined {
    return this.#written
  }

  /** The documents that a command gives, as bytes. */
  read(database: string, command: Document): Promise<Uint8Array[]> {
    return this.#patiently(async () => {
      // Not collection.find(): the driver drops `atClusterTime` and `afterClusterTime` from its read concern.
      const cursor = this.#db(database).runCursorCommand({ ...command, maxTimeMS: PATIENCE }, { raw: true })
      cursor.setBatchSize(BATCH)
      return (await cursor.toArray()) as unknown as Uint8Array[]
    })
  }

  /** The time of the newest entry in the server's history. */
  async now(): Promise<Timestamp> {
    return (await this.ask('admin', { ping: 1 }))['operationTime'] as Timestamp
  }

  close(): Promise<void> {
    return this.client.close()
  }

  #db(database: string): Db {
    return this.client.db(database)
  }

  async #patiently<T>(work: () => Promise<T>): Promise<T> {
    try {
      return await work()
    } catch (error) {
      if (!isLost(error)) throw error
      return work()
    }
  }
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
  const { name = '' } = Object(error) as { readonly name?: string }
  // InterruptedAtShutdown, ShutdownInProgress, NotWritablePrimary, PrimarySteppedDown, NotPrimaryOrSecondary
  return /Network|PoolCleared|PoolClosed/.test(name) || [11600, 91, 10107, 189, 13436].includes(codeOf(error))
}
