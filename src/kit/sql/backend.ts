import { VenomError } from '../../errors.ts'
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
import type { Trouble } from '../../systems/shared/backend-error.ts'
import { classify } from '../../systems/shared/classify.ts'
import { ConnectionConfig, type ConnectionSettings } from '../../systems/shared/connection-config.ts'
import { CopiesWay } from './copies.ts'
import { Database } from './database.ts'
import type { Dialect, TransactionOptions } from './dialect.ts'
import { empty } from './emptied.ts'
import { type Access, handleOn } from './handle.ts'
import type { TypeRegistry } from './registry.ts'
import type { ExecuteOptions, QueryResult, RawResult, SqlHandle } from './result.ts'
import { SavepointWay } from './savepoints.ts'
import type { Mark, Way } from './way.ts'

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
  #database: Database<C> | undefined
  #connecting: Promise<Database<C>> | undefined
  #way: Way<Mark> | undefined
  /** The way of savepoints, while all runs on its connection. */
  #pinned: Access<C> | undefined

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
    return this.#reached.about.dialect
  }

  get isConnected(): boolean {
    return this.#database !== undefined
  }

  /** What comes back, as far as it is known before the database was reached. */
  get restores(): Restores {
    const supports = this.#database?.about.dialect.supports
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
    if (this.#database) return
    this.#connecting ??= this.#reach()
    try {
      this.#database = await this.#connecting
    } finally {
      this.#connecting = undefined
    }
  }

  /** Ends all connections. */
  async disconnect(): Promise<void> {
    const database = this.#database
    this.#database = undefined
    await database?.close()
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
      this.#way = await this.#openWay(this.#reached)
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
    return this.#access.alone('a reset', (session) => empty(session, this.#reached.about, options))
  }

  async ping(): Promise<Health> {
    const started = performance.now()
    await this.#access.alone('a ping', (session) => session.run('select 1'))
    const { name, version } = this.dialect
    return { ok: true, latencyMs: performance.now() - started, detail: `${name} ${version.text}` }
  }

  async close(): Promise<void> {
    const way = this.#way
    this.#way = undefined
    this.#pinned = undefined
    try {
      await way?.close()
    } finally {
      await this.disconnect()
    }
  }

  get #reached(): Database<C> {
    if (this.#database) return this.#database
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
    return this.#pinned ?? this.#reached
  }

  #reach(): Promise<Database<C>> {
    return Database.reach(this.name, this.config, this.types, {
      open: () => this.openConnection(this.config),
      close: (connection) => this.closeConnection(connection),
      version: (connection) => this.serverVersion(connection),
      dialectOf: (version) => this.dialectOf(version),
      run: (connection, sql, params) => this.run(connection, sql, params),
      transact: (connection, what, statements) => this.transact(connection, what, statements),
      classify: (error) => this.classify(error),
    })
  }

  async #openWay(database: Database<C>): Promise<Way<Mark>> {
    const { maxRows = 100_000, settle = 2000, way = 'copies' } = this.#options
    await database.claim(settle)
    if (way === 'copies') {
      const copies = new CopiesWay(database, database.about, { settle, maxRows })
      await copies.open()
      return copies
    }
    const session = await database.session()
    try {
      const savepoints = await SavepointWay.open(session, database.about, { settle, maxRows })
      this.#pinned = savepoints
      return savepoints
    } catch (error) {
      await session.discard()
      throw error
    }
  }
}
