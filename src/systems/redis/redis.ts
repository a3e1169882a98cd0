import { randomBytes } from 'node:crypto'
import type { ConnectionOptions } from 'node:tls'
import type { Redis } from 'ioredis'
import { VenomError } from '../../errors.ts'
import {
  type Change,
  type Health,
  type Observation,
  observation,
  type ResetOptions,
  type Restores,
  type Rollbackable,
  type Worker,
} from '../../rollbackable.ts'
import type { SafetyOptions } from '../../safety.ts'
import { mastersOf } from './cluster.ts'
import { Connection } from './connection.ts'
import { connectClient } from './driver.ts'
import { checkGrants, type Way } from './grants.ts'
import type { Moment } from './history.ts'
import { Holding, type HoldingOptions } from './holding.ts'
import { Identity } from './identity.ts'
import { type Place, placeName, placeOf, urlOfDatabase } from './place.ts'
import { requireTestKeys } from './safe.ts'
import { Scope } from './scope.ts'
import { type Server, serverOf } from './server.ts'
import { explained } from './troubles.ts'
import { nameOf } from './view.ts'
import { fillFrom, requireFree } from './worker-database.ts'
import { notConnected } from '../shared/refusals.ts'

/** What `redis` may be told. */
export interface RedisOptions extends SafetyOptions {
  /** Only keys that begin with this are looked after; the rest of the database is left alone. A function gives each worker its own. */
  readonly prefix?: string | ((worker: Worker) => string)
  /**
   * How changed keys are found. `tracked` (default): the server tells, by CLIENT TRACKING. `exact`: we are a replica and
   * read every write. `full`: all keys are read each time, which needs the fewest rights and is for little data.
   */
  readonly way?: Way
  /**
   * What becomes of expiry. `frozen` (default): a key has the time left that it had at the mark. `wallclock`: it expires
   * when it would have, and a key whose time is over stays gone.
   */
  readonly ttl?: 'frozen' | 'wallclock'
  /** Gives each worker a database of its own: the one in the URL, copied, is the template. The application connects to `url`. */
  readonly perWorker?: boolean
  /** What to do with keys that a killed process left changed. `restore` (default): put its first mark back. `keep`: take them as they are. */
  readonly recover?: 'restore' | 'keep'
  /** How many keys may be copied into this process. Default 200,000. */
  readonly maxKeys?: number
  /** How many bytes of serialised values may be copied into this process. Default 256 MB. */
  readonly maxBytes?: number
  /** For `rediss://`: a certificate authority, a client certificate. */
  readonly tls?: ConnectionOptions
}

/** A mark: one moment for each master, one in all where there is no Cluster. */
export type RedisMark = readonly Moment[]

/** A Redis or Valkey server as a system. */
export interface RedisSystem extends Rollbackable<RedisMark, Redis> {
  readonly kind: 'tree'
  readonly handle: Redis
  readonly way: string
  changes(since: RedisMark): Promise<readonly Change[]>
  observe(): Promise<Observation>
  reset(options?: ResetOptions): Promise<void>
}

/**
 * Rolls back the keys of a Redis (6 or newer) or Valkey server, of any type, that any process writes.
 *
 * A rollback writes only the keys that changed, all at once, whatever the size of the data. Every key is copied into
 * this process at the first checkpoint, then only what changed.
 *
 * @param url `redis://user:password@host:port/database`, `rediss://` for TLS, `unix:///path?db=1`
 */
export function redis(url: string, options: RedisOptions = {}): RedisSystem {
  return new System(url, options)
}

class System implements RedisSystem {
  readonly kind = 'tree'
  readonly restores: Restores
  readonly #url: string
  readonly #options: RedisOptions
  readonly #identity = new Identity()
  #place: Place
  #scope = Scope.named('')
  #server: Server | undefined
  #holdings: Holding[] = []
  #client: Redis | undefined

  constructor(url: string, options: RedisOptions) {
    this.#url = url
    this.#options = options
    this.#place = placeOf(url, options.tls)
    this.restores = { data: true, generatedIds: true, expiry: options.ttl !== 'wallclock' }
  }

  get handle(): Redis {
    if (!this.#client) throw notConnected('redis', 'cache: redis(url)')
    return this.#client
  }

  get url(): string {
    return this.#options.perWorker ? urlOfDatabase(this.#url, this.#place.database) : this.#url
  }

  get way(): string {
    const { way = 'tracked', ttl = 'frozen' } = this.#options
    const keys = this.#scope.prefix ? `, keys "${nameOf(this.#scope.prefix)}*"` : ''
    const server = this.#server ? `${this.#server.name} at ` : ''
    return `${way}: ${WAYS[way]}; ${server}${placeName(this.#place)}${keys}; expiry ${ttl}`
  }

  async open(worker: Worker): Promise<void> {
    const { prefix = '' } = this.#options
    this.#scope = Scope.named(typeof prefix === 'function' ? prefix(worker) : prefix)
    this.#place = this.#placeFor(worker)
    const connections: Connection[] = []
    try {
      await this.#explaining(() => this.#connect(worker, connections))
    } catch (error) {
      this.#client?.disconnect()
      this.#client = undefined
      await Promise.allSettled(this.#holdings.splice(0).map((holding) => holding.close()))
      for (const connection of connections) connection.close()
      throw error
    }
  }

  checkpoint(): Promise<RedisMark> {
    return this.#each((holding) => holding.checkpoint())
  }

  async rollback(mark: RedisMark): Promise<void> {
    await this.#each((holding, index) => holding.keyspace.rollback(momentAt(mark, index)))
  }

  async changes(since: RedisMark): Promise<readonly Change[]> {
    return (await this.#each((holding, index) => holding.keyspace.changes(momentAt(since, index)))).flat()
  }

  async observe(): Promise<Observation> {
    await this.#each((holding) => holding.keyspace.observe(this.#identity))
    return observation('redis', this.#identity.data)
  }

  release(mark: RedisMark): void {
    for (const [index, holding] of this.#holdings.entries()) holding.keyspace.release(momentAt(mark, index))
  }

  async reset(options: ResetOptions = {}): Promise<void> {
    await this.#each((holding) => holding.keyspace.reset(options))
  }

  async ping(): Promise<Health> {
    const started = performance.now()
    await this.handle.ping()
    return { ok: true, latencyMs: performance.now() - started, detail: this.#server!.name }
  }

  async selfTest(): Promise<void> {
    const key = Buffer.from(`${this.#scope.prefix}venomqa:self-test:${randomBytes(6).toString('hex')}`, 'latin1')
    const mark = await this.checkpoint()
    await this.handle.set(key, 'to be undone')
    await this.rollback(mark)
    const left = await this.handle.exists(key)
    this.release(mark)
    if (left !== 0) throw selfTestFailed(this.way)
  }

  async close(): Promise<void> {
    this.#client?.disconnect()
    this.#client = undefined
    const results = await Promise.allSettled(this.#holdings.splice(0).map((holding) => holding.close()))
    for (const result of results) if (result.status === 'rejected') throw explained(result.reason, this.#user)
  }

  /** Every connection is put into `connections` as soon as it is there, so that the caller can close it. */
  async #connect(worker: Worker, connections: Connection[]): Promise<void> {
    const first = await Connection.open(this.#place)
    connections.push(first)
    await this.#checkGrants(first)
    const server = await serverOf(first)
    this.#server = server
    if (!server.cluster) {
      await this.#hold(first, { place: this.#place, server, scope: this.#scope, worker })
    } else {
      this.#refuseInCluster()
      for (const { place, tag } of await mastersOf(first, this.#place)) {
        const connection = await Connection.open(place)
        connections.push(connection)
        await this.#checkGrants(connection)
        const scope = this.#scope.tagged(tag)
        await this.#hold(connection, { place, server: await serverOf(connection), scope, worker })
      }
      first.close()
    }
    this.#client = await connectClient(this.#place, server.cluster)
  }

  async #hold(
    connection: Connection,
    at: Pick<HoldingOptions, 'place' | 'server' | 'scope' | 'worker'>,
  ): Promise<void> {
    const { place, server, scope, worker } = at
    const { way = 'tracked', ttl = 'frozen', recover = 'restore', perWorker = false } = this.#options
    const { maxKeys = MAX_KEYS, maxBytes = MAX_BYTES } = this.#options
    await requireTestKeys(connection, { place, server, scope, options: this.#options })
    if (server.maxmemory > 0 && server.eviction !== 'noeviction') worker.notice(evicts(server))
    if (perWorker) await requireFree(connection, place, scope, worker.id)
    const frozen = ttl === 'frozen'
    const options = { ...at, way, frozen, recover, disposable: perWorker, maxKeys, maxBytes }
    this.#holdings.push(await Holding.open(connection, options))
    if (perWorker) await fillFrom(placeOf(this.#url, this.#options.tls), connection, scope)
  }

  #checkGrants(connection: Connection): Promise<void> {
    return checkGrants(connection, { scope: this.#scope, way: this.#options.way ?? 'tracked', user: this.#user })
  }

  #placeFor(worker: Worker): Place {
    const place = placeOf(this.#url, this.#options.tls)
    if (!this.#options.perWorker) return place
    const number = Number(worker.id)
    if (!Number.isInteger(number) || number < 1) throw noNumber(worker)
    return { ...place, database: place.database + number }
  }

  #refuseInCluster(): void {
    if (this.#options.way === 'exact') throw notInCluster("way: 'exact'", 'a stream of each master would be read apart')
    if (this.#options.perWorker) throw notInCluster('perWorker: true', 'it has database 0 only')
  }

  get #user(): string {
    return this.#place.username ?? 'default'
  }

  async #each<T>(work: (holding: Holding, index: number) => Promise<T>): Promise<readonly T[]> {
    if (this.#holdings.length === 0) throw notConnected('redis', 'cache: redis(url)')
    return this.#explaining(() => Promise.all(this.#holdings.map(work)))
  }

  async #explaining<T>(work: () => Promise<T>): Promise<T> {
    try {
      return await work()
    } catch (error) {
      throw explained(error, this.#user)
    }
  }
}

const MAX_KEYS = 200_000
const MAX_BYTES = 256 * 1_048_576

const WAYS: Readonly<Record<Way, string>> = {
  tracked: 'the server reports changed keys (CLIENT TRACKING)',
  exact: 'reads every write as a replica does',
  full: 'reads and compares all keys each time',
}

function momentAt(mark: RedisMark, index: number): Moment {
  const moment = mark[index]
  if (!moment) throw new Error('a mark of another system')
  return moment
}

function selfTestFailed(way: string): VenomError {
  return new VenomError(
    'SELF_TEST_FAILED',
    `redis: a key written as a step would was still there after a rollback (${way}).\n` +
      'Something between us and the server changes keys, databases or the order of commands: a proxy, a module.\n' +
      "Connect to the server directly, or try redis(url, { way: 'exact' }).",
  )
}

function noNumber(worker: Worker): VenomError {
  return new VenomError(
    'BAD_ARGUMENT',
    `redis: the worker "${worker.id}" has no number, so perWorker cannot choose a database for it.\n` +
      'A worker gets the database in the URL plus its number.\n' +
      'Use a prefix instead: redis(url, { prefix: (worker) => `w${worker.id}:` }).',
  )
}

function notInCluster(option: string, why: string): VenomError {
  return new VenomError(
    'UNSUPPORTED',
    `redis: ${option} does not work in a Cluster: ${why}.\n` +
      'The URL leads to a server with cluster_enabled:1.\n' +
      'Leave it out; workers are kept apart by redis(url, { prefix: (worker) => `w${worker.id}:` }).',
  )
}

function evicts({ eviction }: Server): string {
  return (
    `redis: the server has a maxmemory and the policy ${eviction}, so it may remove keys by itself in the middle of a path. ` +
    'For tests: redis-cli config set maxmemory-policy noeviction.'
  )
}
