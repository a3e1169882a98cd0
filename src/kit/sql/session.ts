import { isVenomError, VenomError } from '../../errors.ts'
import { inTime, LATE } from '../../in-time.ts'
import type { Awaitable, Row } from '../../rollbackable.ts'
import { shortened, statementsOf } from '../../systems/shared/statements.ts'
import { effectOf } from '../../systems/shared/transactions.ts'
import { BackendError, backendError, isBackendError, type Trouble } from '../../systems/shared/backend-error.ts'
import type { ConnectionConfig } from '../../systems/shared/connection-config.ts'
import type { Dialect } from './dialect.ts'
import type { Lease } from './pool.ts'
import type { TypeRegistry } from './registry.ts'
import type { ExecuteOptions, QueryResult, RawResult } from './result.ts'
import { type Speaker, TransactionManager } from './transaction.ts'

/** How a driver is used: what a backend is written as. */
export interface Driving<C> {
  run(connection: C, sql: string, params: readonly unknown[]): Awaitable<RawResult>
  transact(connection: C, what: 'begin' | 'commit' | 'rollback', statements: readonly string[]): Awaitable<void>
  classify(error: unknown): Trouble | undefined
}

/** What is known of a database once it was reached. */
export interface Reached<C> {
  /** How messages call the backend. */
  readonly backend: string
  readonly config: ConnectionConfig
  readonly dialect: Dialect
  readonly types: TypeRegistry
  readonly driving: Driving<C>
}

/** One connection at work: its statements timed, its errors classified, its transaction managed. */
export class Session<C> implements Speaker {
  readonly manager: TransactionManager
  readonly #lease: Lease<C>
  readonly #reached: Reached<C>

  constructor(lease: Lease<C>, reached: Reached<C>) {
    this.#lease = lease
    this.#reached = reached
    this.manager = new TransactionManager(reached.backend, this, reached.dialect)
  }

  /** Runs a statement with values as the driver has them. Throws `BackendError`. */
  run(sql: string, params: readonly unknown[] = []): Promise<RawResult> {
    return this.#told(sql, async () => this.#reached.driving.run(this.#lease.connection, sql, params))
  }

  transact(what: 'begin' | 'commit' | 'rollback', statements: readonly string[]): Promise<void> {
    return this.#told(what, async () => this.#reached.driving.transact(this.#lease.connection, what, statements))
  }

  /** Runs a statement with values as the types make them. Throws `BackendError`, `UNSUPPORTED` for one about transactions. */
  async execute<R>(
    sql: string,
    params: readonly unknown[] = [],
    { columnTypes = {} }: ExecuteOptions = {},
  ): Promise<QueryResult<R>> {
    const { backend, dialect, types } = this.#reached
    requireNoControl(backend, dialect, sql)
    const sent = params.map((value) => types.toDatabase(value))
    const started = performance.now()
    const { rows, affectedRows = 0, lastInsertId, types: told = {} } = await this.run(sql, sent)
    const durationMs = performance.now() - started
    const typeOf = (column: string): string | undefined =>
      columnTypes[column] ?? (told[column] === undefined ? undefined : types.nameOf(told[column]))
    return { rows: rows.map((row) => read(row, types, typeOf)) as R[], affectedRows, lastInsertId, durationMs }
  }

  /** Ends the connection: nobody must get it. */
  discard(): Promise<void> {
    return this.#lease.discard()
  }

  release(): Promise<void> {
    return this.#lease.release()
  }

  async #told<T>(sql: string, work: () => Promise<T>): Promise<T> {
    const { backend, config, driving } = this.#reached
    let isLost = false
    try {
      const answer = await inTime(work(), config.queryTimeoutMs)
      if (answer !== LATE) return answer
      isLost = true
      // It is still at work there, and what it writes would come later.
      await this.#lease.discard()
      throw tookTooLong(backend, sql, config.queryTimeoutMs)
    } catch (error) {
      const trouble = isVenomError(error) ? undefined : driving.classify(error)
      const told = trouble ? backendError(trouble, error, { backend, sql, where: config.redacted() }) : error
      this.manager.failed(told, isLost)
      if (isBackendError(told, 'connection')) await this.#lease.discard()
      throw told
    }
  }
}

function read(row: Row, types: TypeRegistry, typeOf: (column: string) => string | undefined): Row {
  const entries = Object.entries(row).map(([column, raw]) => {
    const type = typeOf(column)
    return [column, type === undefined ? raw : types.fromDatabase(raw, type)] as const
  })
  return Object.fromEntries(entries)
}

/** What begins or ends a transaction by hand would leave the next one who gets the connection inside of it. */
function requireNoControl(backend: string, { syntax }: Dialect, sql: string): void {
  const control = statementsOf(sql, syntax).find(
    (it) => !['other', 'set'].includes(effectOf(it).kind) || (it.words[0] === 'SET' && it.words.includes('AUTOCOMMIT')),
  )
  if (!control) return
  throw new VenomError(
    'UNSUPPORTED',
    `${backend}: "${shortened(control.text)}" begins or ends a transaction by hand, so it was not sent.\n` +
      'The connection belongs to a pool or to a world, which must know which transaction is open on it.\n' +
      'Use transaction(async (tx) => { … }), also inside of another one.',
  )
}

function tookTooLong(backend: string, sql: string, ms: number): BackendError {
  return new BackendError(
    { family: 'operational', code: 'TIMED_OUT', retryable: true },
    `${backend}: a statement was not answered in ${ms} ms, so its connection was ended.\n  in: ${shortened(sql, 200)}\n` +
      'It waits for a lock, or there is more data than it was written for.\n' +
      'End the transaction that it waits for, or raise queryTimeoutMs.',
    { backend },
  )
}
