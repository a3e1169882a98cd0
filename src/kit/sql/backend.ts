import { isVenomError, VenomError } from '../../errors.ts'
import type {
  Awaitable,
  Change,
  Health,
  Observation,
  ResetOptions,
  Restores,
  Rollbackable,
  Row,
} from '../../rollbackable.ts'
import { isTestPath, requireTestDatabase, type SafetyOptions } from '../../safety.ts'
import { backendError, type Trouble } from './backend-error.ts'
import { classify } from './classify.ts'
import { ConnectionConfig, type ConnectionSettings } from './config.ts'
import { CopiesWay } from './copies.ts'
import type { Dialect, TransactionOptions } from './dialect.ts'
import { empty } from './emptied.ts'
import { type Access, handleOn } from './handle.ts'
import { Pool } from './pool.ts'
import type { TypeRegistry } from './registry.ts'
import type { ExecuteOptions, QueryResult, RawResult, SqlHandle } from './result.ts'
import { SavepointWay } from './savepoints.ts'
import { type Reached, Session } from './session.ts'
import type { Mark, Way } from './way.ts'

// Taken at load, so that a runner's fake timers never stop us.
const { setTimeout } = globalThis

/** How long to wait before a database that is taken is asked for again, in ms. */
const PAUSE = 20

/** How a database made with the kit is put back. */
export interface SqlBackendOptions extends SafetyOptions {
  /**
   * `copies` (default): the application uses connections of its own and commits; all rows are read at each mark.
   * `savepoints`: the application is in this process and uses the handle; nothing is committed.
   */
  readonly way?: 'copies' | 'savepoints'
  /** How long a checkpoint or rollback waits for what is in its way, in ms. Default 2000. */
  readonly settle?: number
  /** How many rows may be read at a mark, which copies all. Default 100000. */
  readonly maxRows?: number
}

/** A moment of a database. */
export interface SqlMark {
  readonly name: string
}

/**
 * A SQL database as a system: a subclass says how its driver is used, and everything else follows.
 *
 * It is `Rollbackable`, so it goes into a world as it is. It is also of use by itself: `connect()`, `execute()`,
 * `transaction()`, `disconnect()`. `docs/sql-kit.md` has a whole one.
 */
export abstract class SqlBackend<C> implements Rollbackable<SqlMark, SqlHandle> {
  readonly config: ConnectionConfig
  readonly handle: SqlHandle = handleOn(() => this.#access)
  readonly #options: SqlBackendOptions
  #reached: { readonly pool: Pool<C>; readonly about: Reached<C> } | undefined
  #way: Way<Mark> | undefined
  /** The way of savepoints, while it has the only connection. */
  #pinned: Access<C> | undefined
  /** A connection that only says that the database is taken. */
  #claim: C | undefined

  constructor(config: string | ConnectionSettings, options: SqlBackendOptions = {}) {
    this.config = ConnectionConfig.of(config)
    this.#options = options
  }

  /** How messages and reports call it. */
  abstract readonly name: string
  /** How values go to the database and come back. */
  abstract readonly types: TypeRegistry
  /** Makes one connection. Every value must come out of it exactly: as text, number, bigint or bytes, never parsed. */
  protected abstract openConnection(config: ConnectionConfig): Awaitable<C>
  /** Ends one connection. */
  protected abstract closeConnection(connection: C): Awaitable<void>
  /** Runs one statement on one connection. What it gives it must also take as a parameter. */
  protected abstract run(connection: C, sql: string, params: readonly unknown[]): Awaitable<RawResult>
  /** What the server calls its version. */
  protected abstract serverVersion(connection: C): Awaitable<string>
  /** How that version writes SQL. */
  protected abstract dialectOf(version: string): Dialect

  /** Begins or ends a transaction. To be overridden for drivers in which a transaction is an object. */
  protected async transact(
    connection: C,
    _what: 'begin' | 'commit' | 'rollback',
    statements: readonly string[],
  ): Promise<void> {
    for (const sql of statements) await this.run(connection, sql, [])
  }

  /** What an error of the driver is; undefined for what is none. To be overridden for codes of its own. */
  protected classify(error: unknown): Trouble | undefined {
    return classify(error)
  }

  /** Whether it is a test database by what only this backend knows. By default a file in a place for tests, or one in memory. */
  protected isTestDatabase({ isFile, isMemory, database }: ConnectionConfig): boolean {
    return isMemory || (isFile && isTestPath(database))
  }

  /** How the server writes SQL, once it was reached. Throws `NOT_OPEN`. */
  get dialect(): Dialect {
    return this.#about.dialect
  }

  get isConnected(): boolean {
    return this.#reached !== undefined
  }

  /** What comes back, as far as it is known before the database was reached. */
  get restores(): Restores {
    const supports = this.#reached?.about.dialect.supports
    const schema = this.#options.way === 'savepoints' && supports?.transactionalDdl === true
    return { data: true, generatedIds: supports?.generatedIdsRollBack === true, schema, createdObjects: schema }
  }

  get way(): string {
    return this.#options.way === 'savepoints'
      ? 'savepoints: all runs in one transaction of this process, which is never committed'
      : 'copies: all rows are read at a mark, and those that differ are written back'
  }

  /** Opens the pool and asks the server for its version. Does nothing when it is open. Throws `BackendError`, `UNSUPPORTED`. */
  async connect(): Promise<void> {
    if (this.#reached) return
    const pool = new Pool<C>(
      this.name,
      { open: () => this.#opened(), close: (connection) => this.closeConnection(connection) },
      this.config,
    )
    try {
      const version = await pool.use((connection) => this.#told(() => this.serverVersion(connection)))
      this.#reached = { pool, about: this.#aboutOf(this.dialectOf(version)) }
    } catch (error) {
      await pool.close()
      throw error
    }
  }

  /** Ends all connections. */
  async disconnect(): Promise<void> {
    const reached = this.#reached
    this.#reached = undefined
    await reached?.pool.close()
  }

  /** Runs one statement: see `SqlHandle`. */
  execute<R = Row>(sql: string, params?: readonly unknown[], options?: ExecuteOptions): Promise<QueryResult<R>> {
    return this.handle.execute<R>(sql, params, options)
  }

  /** The rows of one statement: see `SqlHandle`. */
  query<R = Row>(sql: string, params?: readonly unknown[], options?: ExecuteOptions): Promise<R[]> {
    return this.handle.query<R>(sql, params, options)
  }

  /** Runs `work` in a transaction: see `SqlHandle`. */
  transaction<T>(work: (tx: SqlHandle) => Awaitable<T>, options?: TransactionOptions): Promise<T> {
    return this.handle.transaction(work, options)
  }

  /** Throws `NOT_A_TEST_DATABASE`, `LEASED`, `BackendError`, `UNSUPPORTED`. */
  async open(): Promise<void> {
    const { host, database } = this.config
    const place = database || (host ?? '')
    const target = { system: this.name, database: place, proved: this.isTestDatabase(this.config) }
    requireTestDatabase(host === undefined ? target : { ...target, host }, this.#options)
    await this.connect()
    try {
      await this.#take()
      this.#way = await this.#openWay()
    } catch (error) {
      await this.close()
      throw error
    }
  }

  checkpoint(name: string): Promise<SqlMark> {
    return this.#opening.checkpoint(name)
  }

  rollback(mark: SqlMark): Promise<void> {
    return this.#opening.rollback(mark as Mark)
  }

  release(mark: SqlMark): Promise<void> {
    return this.#opening.release(mark as Mark)
  }

  changes(since: SqlMark): Promise<readonly Change[]> {
    return this.#opening.changes(since as Mark)
  }

  observe(): Promise<Observation> {
    return this.#opening.observe()
  }

  /** Empties tables, all or none. Throws `BAD_ARGUMENT`, `INTEGRITY`. */
  reset(options: ResetOptions = {}): Promise<void> {
    return this.#access.alone('a reset', (session) => empty(session, this.#about, options))
  }

  async ping(): Promise<Health> {
    const started = performance.now()
    await this.#access.alone('a ping', (session) => session.run('select 1'))
    return { ok: true, latencyMs: performance.now() - started }
  }

  async close(): Promise<void> {
    const way = this.#way
    this.#way = undefined
    this.#pinned = undefined
    try {
      await way?.close()
    } finally {
      const claim = this.#claim
      this.#claim = undefined
      if (claim !== undefined) await this.closeConnection(claim)
      await this.disconnect()
    }
  }

  get #settle(): number {
    return this.#options.settle ?? 2000
  }

  get #about(): Reached<C> {
    return this.#needed.about
  }

  get #needed(): { readonly pool: Pool<C>; readonly about: Reached<C> } {
    if (this.#reached) return this.#reached
    throw new VenomError(
      'NOT_OPEN',
      `${this.name}: the backend is not connected.\n` +
        'It is used before the world was opened or connect() was called, or after the end.\n' +
        'Use it inside a step, or await connect() first.',
    )
  }

  get #opening(): Way<Mark> {
    if (this.#way) return this.#way
    throw new VenomError(
      'NOT_OPEN',
      `${this.name}: the backend is not open.\n` +
        'connect() is enough for statements; marks need open(), which makes sure that it is a test database.\n' +
        'Give the backend to a world: World.open({ systems: { db: backend } }).',
    )
  }

  get #access(): Access<C> {
    if (this.#pinned) return this.#pinned
    const { pool, about } = this.#needed
    return {
      isGuarded: false,
      alone: async (_, work) => {
        const session = new Session(await pool.lease(), about)
        try {
          return await work(session)
        } finally {
          // Nobody must inherit a transaction.
          await (session.manager.depth === 0 ? session.release() : session.discard())
        }
      },
    }
  }

  /** Two worlds on one database would undo what the other one does. */
  async #take(): Promise<void> {
    const { claim } = this.#about.dialect
    if (claim === undefined) return
    this.#claim = await this.#opened()
    // The connection of a world that was closed just now may not have ended there yet.
    for (const end = performance.now() + this.#settle; ;) {
      const { rows } = await this.#told(() => this.run(this.#claim!, claim, []))
      if (['true', 't', '1'].includes(String(Object.values(rows[0] ?? {})[0]))) return
      if (performance.now() > end) throw leased(this.name, this.config)
      await new Promise((resolve) => setTimeout(resolve, PAUSE))
    }
  }

  async #openWay(): Promise<Way<Mark>> {
    const { maxRows = 100_000, way = 'copies' } = this.#options
    const settle = this.#settle
    const { pool, about } = this.#needed
    if (way === 'copies') {
      const copies = new CopiesWay(this.#access, about, { settle, maxRows })
      await copies.open()
      return copies
    }
    const session = new Session(await pool.lease(), about)
    try {
      const savepoints = await SavepointWay.open(session, about, { settle, maxRows })
      this.#pinned = savepoints
      return savepoints as unknown as Way<Mark>
    } catch (error) {
      await session.discard()
      throw error
    }
  }

  #aboutOf(dialect: Dialect): Reached<C> {
    return {
      backend: this.name,
      config: this.config,
      dialect,
      types: this.types,
      driving: {
        run: (connection, sql, params) => this.run(connection, sql, params),
        transact: (connection, what, statements) => this.transact(connection, what, statements),
        classify: (error) => this.classify(error),
      },
    }
  }

  #opened(): Promise<C> {
    return this.#told(() => this.openConnection(this.config))
  }

  async #told<T>(work: () => Awaitable<T>): Promise<T> {
    try {
      return await work()
    } catch (error) {
      const trouble = isVenomError(error) ? undefined : this.classify(error)
      throw trouble ? backendError(trouble, error, { backend: this.name, where: this.config.redacted() }) : error
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
