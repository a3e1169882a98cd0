import { randomBytes } from 'node:crypto'
import { type Db, MongoClient } from 'mongodb'
import type { Worker } from '../../../src/rollbackable.ts'
import { mongodb, type MongodbOptions, type MongodbSystem } from '../../../src/systems/mongodb/index.ts'

/** A database that a test has to itself, the application's connection to it, and what is dropped in the end. */
export class Place implements AsyncDisposable {
  readonly url: string
  readonly db: Db
  readonly client: MongoClient
  /** What the system told its user. */
  readonly notices: string[] = []
  readonly #open: MongodbSystem[] = []

  private constructor(url: string, client: MongoClient) {
    this.url = url
    this.client = client
    this.db = client.db()
  }

  static async make(server: string): Promise<Place> {
    const name = `vq_${randomBytes(5).toString('hex')}_test`
    const url = databaseUrl(server, name)
    // So that tests beside this one on the same server do not wait for its transactions.
    return new Place(url, await MongoClient.connect(url, { appName: name, retryWrites: false }))
  }

  /** Opens a system, as a world would. */
  async open(options: MongodbOptions = {}, id = '1', url = this.url): Promise<MongodbSystem> {
    // Other tests on this server leave transactions open for their time.
    const system = mongodb(url, { settle: 20_000, ...options })
    await system.open?.(this.worker(id))
    this.#open.push(system)
    return system
  }

  worker(id = '1'): Worker {
    return { id, runner: 'none', runId: 'run', notice: (message) => void this.notices.push(message) }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const system of this.#open) await system.close?.()
    await this.db.dropDatabase()
    await this.client.close()
  }
}

/** The URL of a server with a database in it. */
export function databaseUrl(server: string, database: string): string {
  const url = new URL(server)
  url.pathname = `/${database}`
  return url.href
}
