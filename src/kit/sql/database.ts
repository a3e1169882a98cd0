import { isVenomError, VenomError } from '../../errors.ts'
import type { Awaitable } from '../../rollbackable.ts'
import { backendError, isBackendError } from '../../systems/shared/backend-error.ts'
import type { ConnectionConfig } from '../../systems/shared/connection-config.ts'
import type { Dialect } from './dialect.ts'
import type { Access } from './handle.ts'
import { Pool } from './pool.ts'
import type { TypeRegistry } from './registry.ts'
import { type Driving, type Reached, Session } from './session.ts'

// Taken at load, so that a runner's fake timers never stop us.
const { setTimeout } = globalThis

/** How long to wait before a database that is taken is asked for again, in ms. */
const PAUSE = 20

/** How a driver is used from the first connection on. */
export interface Connecting<C> extends Driving<C> {
  open(): Awaitable<C>
  close(connection: C): Awaitable<void>
  version(connection: C): Awaitable<string>
  dialectOf(version: string): Dialect
}

/** A database that was reached: its pool, which lends a session for each piece of work, and the claim on it. */
export class Database<C> implements Access<C> {
  readonly isGuarded = false
  readonly about: Reached<C>
  readonly #driver: Driver<C>
  readonly #pool: Pool<C>
  /** A connection that does nothing but keep others out. */
  #claim: C | undefined

  private constructor(about: Reached<C>, driver: Driver<C>, pool: Pool<C>) {
    this.about = about
    this.#driver = driver
    this.#pool = pool
  }

  /** Opens a connection and asks for the version. Throws `BackendError`, `UNSUPPORTED`. */
  static async reach<C>(
    backend: string,
    config: ConnectionConfig,
    types: TypeRegistry,
    connecting: Connecting<C>,
  ): Promise<Database<C>> {
    const driver = new Driver(backend, config, connecting)
    const pool = new Pool<C>(backend, driver, config)
    try {
      const version = await pool.use((connection) => driver.told(() => connecting.version(connection)))
      const about = { backend, config, types, dialect: connecting.dialectOf(version), driving: connecting }
      return new Database(about, driver, pool)
    } catch (error) {
      await pool.close()
      throw error
    }
  }

  /** A session that is the caller's until it releases it. */
  async session(): Promise<Session<C>> {
    return new Session(await this.#pool.lease(), this.about)
  }

  async alone<T>(_: string, work: (session: Session<C>) => Promise<T>): Promise<T> {
    const session = await this.session()
    try {
      return await work(session)
    } catch (error) {
      // Some drivers leave the statement that met a lock unfinished, and the connection then commits nothing more.
      if (isBackendError(error, 'lock') && !this.about.config.isMemory) await session.discard()
      throw error
    } finally {
      // Nobody must inherit a transaction.
      await (session.manager.isBroken ? session.discard() : session.release())
    }
  }

  /** Keeps other worlds out until the end, where the database can. Throws `LEASED` when one is in for `settle` ms. */
  async claim(settle: number): Promise<void> {
    const { backend, config, dialect, driving } = this.about
    const { claim } = dialect
    if (claim === undefined) return
    const connection = await this.#driver.open()
    this.#claim = connection
    // The connection of a world that was closed just now may not have ended there yet.
    for (const end = performance.now() + settle; ;) {
      const { rows } = await this.#driver.told(() => driving.run(connection, claim, []))
      if (['true', 't', '1'].includes(String(Object.values(rows[0] ?? {})[0]))) return
      if (performance.now() > end) throw leased(backend, config)
      await new Promise((resolve) => setTimeout(resolve, PAUSE))
    }
  }

  async close(): Promise<void> {
    const claim = this.#claim
    this.#claim = undefined
    await Promise.all([claim !== undefined && this.#driver.close(claim), this.#pool.close()])
  }
}

/** The driver with its errors told in our words. */
class Driver<C> {
  readonly #backend: string
  readonly #config: ConnectionConfig
  readonly #connecting: Connecting<C>

  constructor(backend: string, config: ConnectionConfig, connecting: Connecting<C>) {
    this.#backend = backend
    this.#config = config
    this.#connecting = connecting
  }

  open(): Promise<C> {
    return this.told(() => this.#connecting.open())
  }

  close(connection: C): Awaitable<void> {
    return this.#connecting.close(connection)
  }

  async told<T>(work: () => Awaitable<T>): Promise<T> {
    try {
      return await work()
    } catch (error) {
      const trouble = isVenomError(error) ? undefined : this.#connecting.classify(error)
      throw trouble ? backendError(trouble, error, { backend: this.#backend, where: this.#config.redacted() }) : error
    }
  }
}

function leased(backend: string, config: ConnectionConfig): VenomError {
  return new VenomError(
    'LEASED',
    `${backend}: another world uses ${config.redacted()}.\n` +
      'Two worlds on one database would undo what the other one does.\n' +
      'Give each worker a database of its own: config.clone({ database: `shop_test_${process.env.VITEST_POOL_ID ?? process.env.JEST_WORKER_ID}` }); ' +
      'or run the files one after the other (fileParallelism: false, --runInBand).',
    { retryable: true },
  )
}
