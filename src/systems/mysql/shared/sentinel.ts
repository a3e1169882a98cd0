import type { ConnectionOptions } from 'mysql2/promise'
import { VenomError } from '../../../errors.ts'
import { isTestName, requireTestDatabase, type SafetyOptions } from '../../../safety.ts'
import type { Address } from '../address.ts'
import { type Catalog, catalogOf } from '../catalog.ts'
import { takeLease } from '../lease.ts'
import { isMarked, targetOf } from '../open.ts'
import { refused } from '../refusal.ts'
import { serverOf } from '../server.ts'
import { Session } from '../session.ts'
import { text } from '../sql.ts'
import { placesOf } from '../tracked.ts'
import { wroteElsewhere } from '../../shared/refusals.ts'
import type { CorePool } from './pool.ts'

/** Where a pool connects to. Throws `BAD_ARGUMENT`. */
export function addressOfPool({ config }: CorePool): Address {
  const { host, port, socketPath, user, password, database, ssl } = config.connectionConfig as ConnectionOptions
  if (!database) {
    throw new VenomError(
      'BAD_ARGUMENT',
      'mysql.shared: the pool names no database.\n' +
        'It is asked before anything is written whether that database is one for tests.\n' +
        "Give it to the pool: createPool({ database: 'shop_test', … }).",
    )
  }
  const at =
    socketPath === undefined
      ? { ...(host !== undefined && { host }), ...(port !== undefined && { port }) }
      : { socketPath }
  return {
    options: {
      ...at,
      ...(user !== undefined && { user }),
      ...(password !== undefined && { password }),
      ...(ssl !== undefined && { ssl }),
      database,
    },
    database,
    ...(socketPath === undefined && host !== undefined && { host }),
    shown: `mysql://${socketPath ?? `${host}:${port}`}/${database}`,
  }
}

/** How long nobody looks again, in ms: the server tells the time of a commit in seconds. */
const PAUSE = 1000

// Taken at load, so that a runner's fake timers never stop it.
const now = performance.now.bind(performance)

/**
 * A second connection, which sees what really is committed: it proves that the database may be used, holds the lease,
 * knows the schema, and finds out what was written past the shared connection and so cannot be undone.
 */
export class Sentinel {
  readonly database: string
  /** What there is; nobody can change it in the transaction. */
  readonly catalog: Catalog
  /** Of the server, for people. */
  readonly version: string
  readonly #session: Session
  #looked = 0
  #commits: Commits = new Map()

  private constructor(session: Session, database: string, version: string, catalog: Catalog) {
    this.#session = session
    this.database = database
    this.version = version
    this.catalog = catalog
  }

  /** Throws `CONNECTION_REFUSED`, `NOT_FOUND`, `NOT_A_TEST_DATABASE`, `READ_ONLY`, `UNSUPPORTED`, `LEASED`. */
  static async open(address: Address, options: SafetyOptions, settle: number): Promise<Sentinel> {
    const { database } = address
    const target = targetOf(address, database)
    requireTestDatabase({ ...target, proved: true }, options)
    const session = await Session.open(address, settle)
    try {
      const { version } = await serverOf(session)
      const places = placesOf(database)
      requireTestDatabase({ ...target, proved: !isTestName(database) && (await isMarked(session, database)) }, options)
      await takeLease(session, places, settle)
      const sentinel = new Sentinel(session, database, version, await catalogOf(session, database))
      // MySQL keeps for a day what it once told; MariaDB does not, and knows no such setting.
      await session.allowed('SET SESSION information_schema_stats_expiry = 0')
      sentinel.#commits = await sentinel.#read()
      return sentinel
    } catch (error) {
      await session.close()
      throw refused(error, address.shown, 'opening the database')
    }
  }

  /** Throws `NOT_VERIFIED` when another connection committed since the last look, at most once a second. */
  async look(): Promise<void> {
    if (now() - this.#looked < PAUSE) return
    this.#looked = now()
    const [before, after] = [this.#commits, await this.#read()]
    this.#commits = after
    const written = [...after].filter(([table, at]) => at !== null && at !== before.get(table)).map(([table]) => table)
    if (written.length > 0) throw wroteElsewhere('mysql', written.join(', '), `"${this.database}"`)
  }

  async close(): Promise<void> {
    await this.#session.close()
  }

  /**
   * When somebody last committed to each table: UPDATE_TIME of InnoDB knows nothing of open transactions, such as ours.
   * https://dev.mysql.com/doc/refman/9.0/en/information-schema-tables-table.html
   */
  async #read(): Promise<Commits> {
    const rows = await this.#session.query(
      `SELECT TABLE_NAME AS name, UPDATE_TIME AS at FROM information_schema.TABLES
        WHERE TABLE_SCHEMA = ${text(this.database)} AND TABLE_TYPE = 'BASE TABLE' AND ENGINE = 'InnoDB'`,
    )
    return new Map(rows.map(({ name, at }) => [name!, at ?? null]))
  }
}

/** The last commit to each table, as the server writes times. */
type Commits = ReadonlyMap<string, string | null>
