import type { Pool as CallbackPool } from 'mysql2'
import type { Pool } from 'mysql2/promise'
import { isVenomError, messageOf, VenomError } from '../../../errors.ts'
import {
  type Health,
  type Observation,
  observation,
  type ResetOptions,
  type Restores,
  type Rollbackable,
  type Row,
  type Worker,
} from '../../../rollbackable.ts'
import type { SafetyOptions } from '../../../safety.ts'
import { alreadyLent, notOpen, stillUnderWay } from '../../shared/refusals.ts'
import type { Holder } from '../../shared/turns.ts'
import type { Table } from '../catalog.ts'
import { rowsIn, selectAll } from '../observe.ts'
import { causeOf, errno } from '../refusal.ts'
import { chosen, deletions, requireNoOrphans } from '../reset.ts'
import { type RawRow, type TextRow } from '../session.ts'
import { isInnodb, placesOf } from '../tracked.ts'
import { type Answer, SharedConnection } from './connection.ts'
import { type Core, type CorePool, sharePool } from './pool.ts'
import { proveShared } from './self-test.ts'
import { addressOfPool, Sentinel } from './sentinel.ts'

/** How a pool that the application handed over is rolled back. */
export interface SharedOptions extends SafetyOptions {
  /** How long a checkpoint or a rollback waits for an open transaction of the application, in ms. Default 2000. */
  readonly settle?: number
  /** How long a query waits for a transaction on another connection to end, in ms. Default 5000. */
  readonly patience?: number
}

/** A mark: a savepoint, by its number. */
export interface SharedMark {
  readonly id: number
  readonly name: string
}

interface Opened {
  readonly shared: SharedConnection
  readonly sentinel: Sentinel
  /** Asks on the shared connection. */
  readonly ask: (sql: string, raw?: boolean) => Promise<Answer>
  /** Makes the pool as it was. */
  readonly undo: () => Promise<void>
}

const DISTORTS =
  'mysql.shared: the whole application runs in one transaction that is never committed. So AUTO_INCREMENT goes on after a ' +
  'rollback, isolation levels and READ ONLY do nothing, what would commit (DDL) is refused, and settings, variables, GET_LOCK and temporary tables ' +
  'are shared by all its connections.'

/** The way `shared`: a pool in this process, whose connections all become one, and whose transactions become savepoints. */
export class Shared implements Rollbackable<SharedMark, Pool> {
  readonly kind = 'stack'
  readonly restores: Restores = { data: true }
  readonly way = 'shared: the pool that was handed over runs in one transaction, and marks are savepoints in it'
  readonly handle: Pool
  readonly #pool: CorePool
  readonly #options: SharedOptions
  #opened: Opened | undefined
  #last = 0

  constructor(pool: Pool | CallbackPool, options: SharedOptions) {
    const core = requirePool(pool)
    this.#pool = core
    this.handle = 'pool' in pool ? (pool as Pool) : (pool as CallbackPool).promise()
    this.#options = options
  }

  async open(worker: Worker): Promise<void> {
    requireIdle(this.#pool)
    const sentinel = await Sentinel.open(addressOfPool(this.#pool), this.#options, this.#settle)
    let client: Core | undefined
    try {
      client = await connected(this.#pool)
      const ask = asking(client)
      const { rows } = await ask('SELECT @@innodb_rollback_on_timeout AS timeouts')
      await ask('SET SESSION wait_timeout = 2147483')
      await ask('START TRANSACTION')
      const isFatal = String((rows as { timeouts: unknown }[])[0]?.timeouts) === '1'
      const shared = new SharedConnection((text) => ask(text), {
        patience: this.#options.patience ?? 5000,
        refusal: (errno, code, sqlState, message) =>
          Object.assign(new Error(message), { errno, code, sqlState, sqlMessage: message }),
        fatal: isFatal ? [1213, 1205] : [1213],
        together: this.#pool.config.connectionConfig['multipleStatements'] === true,
      })
      this.#opened = { shared, sentinel, ask, undo: sharePool(this.#pool, client, shared, worker.notice) }
      worker.notice(DISTORTS)
      const outside = [...sentinel.catalog.tables.values()].filter((table) => !isInnodb(table))
      if (outside.length > 0) worker.notice(staysIn(outside))
    } catch (error) {
      client?.destroy()
      await sentinel.close()
      throw error
    }
  }

  async checkpoint(name: string): Promise<SharedMark> {
    const id = (this.#last += 1)
    await this.#mark(name, 'cannot be taken', `SAVEPOINT venomqa_${id}`)
    return { id, name }
  }

  rollback({ id, name }: SharedMark): Promise<void> {
    return this.#mark(name, 'cannot be gone back to', `ROLLBACK TO SAVEPOINT venomqa_${id}`)
  }

  release({ id, name }: SharedMark): Promise<void> {
    return this.#mark(name, 'cannot be released', `RELEASE SAVEPOINT venomqa_${id}`)
  }

  async observe(): Promise<Observation> {
    const { sentinel, ask } = this.#open
    const { catalog, database } = sentinel
    return this.#quiet('the state cannot be read', async () => {
      const data: Record<string, readonly Row[]> = {}
      for (const table of catalog.tables.values()) {
        const { rows } = await ask(selectAll(placesOf(database), table), true)
        data[table.name] = rowsIn(table, rows as RawRow[])
      }
      return observation('mysql', data, { server: sentinel.version })
    })
  }

  /** Empties tables twice, for what triggers write meanwhile. Throws `BAD_ARGUMENT` when rows that stay refer to rows that go. */
  async reset(options: ResetOptions = {}): Promise<void> {
    const { sentinel, ask } = this.#open
    const { catalog, database } = sentinel
    const places = placesOf(database)
    await this.#quiet('the tables cannot be emptied', async () => {
      const tables = chosen(catalog, options)
      await requireNoOrphans(async (sql) => (await ask(sql)).rows as TextRow[], places, catalog.foreignKeys, tables)
      const { rows } = await ask('SELECT @@foreign_key_checks AS checks')
      await ask('SAVEPOINT venomqa_reset')
      try {
        await ask('SET SESSION foreign_key_checks = 0')
        const all = deletions(places, tables, catalog.foreignKeys)
        for (const sql of [...all, ...all]) await ask(sql)
        await ask('RELEASE SAVEPOINT venomqa_reset')
      } catch (error) {
        await ask('ROLLBACK TO SAVEPOINT venomqa_reset')
        throw error
      } finally {
        await ask(`SET SESSION foreign_key_checks = ${String((rows as { checks: unknown }[])[0]?.checks)}`)
      }
    })
  }

  async ping(): Promise<Health> {
    const started = performance.now()
    await this.handle.query('SELECT 1')
    return { ok: true, latencyMs: performance.now() - started }
  }

  selfTest(): Promise<void> {
    return proveShared(this.handle, this)
  }

  async close(): Promise<void> {
    const opened = this.#opened
    if (!opened) return
    this.#opened = undefined
    try {
      await opened.ask('COMMIT')
    } finally {
      await opened.undo()
      await opened.sentinel.close()
    }
  }

  /** Works on the mark `name` while the application does nothing, once nobody wrote past us. */
  async #mark(name: string, not: string, sql: string): Promise<void> {
    const { ask, sentinel } = this.#open
    await this.#quiet(`"${name}" ${not}`, async () => {
      await sentinel.look()
      try {
        await ask(sql)
      } catch (error) {
        throw isVenomError(error) ? error : lost(name, error)
      }
    })
  }

  async #quiet<T>(not: string, work: () => Promise<T>): Promise<T> {
    const ours: Holder = { doing: 'venomqa' }
    const done = await this.#open.shared.alone(ours, this.#settle, async () => ({ value: await work() }))
    if ('value' in done) return done.value
    throw stillUnderWay('mysql.shared', 'connection', done.doing, this.#settle, not)
  }

  get #settle(): number {
    return this.#options.settle ?? 2000
  }

  get #open(): Opened {
    if (this.#opened) return this.#opened
    throw notOpen('mysql.shared')
  }
}

function staysIn(tables: readonly Table[]): string {
  const named = tables.map(({ name, engine }) => `${name} (its engine is ${engine})`).join(', ')
  return `mysql.shared: what is written to these tables stays, since they take part in no transaction: ${named}. mysql(url) rolls them back.`
}

function connected(pool: CorePool): Promise<Core> {
  return new Promise((resolve, reject) => {
    pool.getConnection((error, client) => (client ? resolve(client) : reject(error as Error)))
  })
}

function asking(client: Core): (sql: string, raw?: boolean) => Promise<Answer> {
  return (sql, raw = false) =>
    new Promise((resolve, reject) => {
      const typeCast = (field: { buffer(): unknown; string(): unknown }): unknown =>
        raw ? field.buffer() : field.string()
      client.query({ sql, rowsAsArray: raw, typeCast }, (error: unknown, rows: unknown, fields: unknown) =>
        error ? reject(error as Error) : resolve({ rows, fields }),
      )
    })
}

/** The pool with callbacks that is in the one with promises. Throws `BAD_ARGUMENT`. */
function requirePool(pool: Pool | CallbackPool): CorePool {
  const core = (((pool ?? {}) as { pool?: unknown }).pool ?? pool ?? {}) as Partial<CorePool>
  if (typeof core.getConnection === 'function' && core.config?.connectionConfig) return core as CorePool
  throw new VenomError(
    'BAD_ARGUMENT',
    'mysql.shared: the argument is not a pool of the driver "mysql2".\n' +
      "It is the application's own pool that is handed over, the object that `createPool(…)` of 'mysql2' or 'mysql2/promise' gave.\n" +
      'mysql.shared(pool); for a URL, mysql(url).',
  )
}

/** What is lent out already would be committed past us. Throws `NOT_QUIET`. */
function requireIdle(pool: CorePool): void {
  const { _allConnections: all, _freeConnections: free } = pool as CorePool &
    Partial<Record<string, { length: number }>>
  const lent = (all?.length ?? 0) - (free?.length ?? 0)
  if (lent > 0) throw alreadyLent('mysql.shared', 'connection', lent)
}

function lost(name: string, cause: unknown): VenomError {
  return new VenomError(
    'MARK_LOST',
    `mysql.shared: the mark "${name}" is gone${errno(cause) === 1305 ? ', since the transaction that it was in has ended' : ''}: ${messageOf(cause)}.\n` +
      'The connection was ended, by the server or by somebody, or something committed on it.\n' +
      'Find out what it was; if something committed, make the database anew before the next run.',
    { cause: causeOf(cause, 'the database') },
  )
}
