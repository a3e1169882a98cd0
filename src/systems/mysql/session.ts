import type { Connection, ConnectionOptions, Pool } from 'mysql2/promise'
import { VenomError } from '../../errors.ts'
import type { Address } from './address.ts'
import { refused } from './refusal.ts'

/** A row of text, as the server writes it: no value is changed on the way. */
export type TextRow = Readonly<Record<string, string | null>>

/** A row as bytes, in the order of the select list. */
export type RawRow = readonly (Buffer | null)[]

/**
 * How our SQL is written. Our triggers keep this mode, so that a zero date or a zero id is remembered as it is.
 *
 * It has no NO_BACKSLASH_ESCAPES: the server writes definitions down with backslashes, and reads those of a table in the
 * mode of the session that opens it first.
 */
export const DIALECT: readonly string[] = [
  'SET NAMES utf8mb4',
  "SET SESSION sql_mode = 'NO_AUTO_VALUE_ON_ZERO,ALLOW_INVALID_DATES'",
]

/** What every session of ours is set to, whatever the server's defaults are. */
const SETTINGS = [
  ...DIALECT,
  "SET SESSION foreign_key_checks = 0, time_zone = '+00:00', autocommit = 1, wait_timeout = 2147483",
  'SET SESSION sql_safe_updates = 0, sql_big_selects = 1, sql_quote_show_create = 1, net_read_timeout = 3600',
  'SET SESSION TRANSACTION ISOLATION LEVEL READ COMMITTED',
  // Our own triggers, and those of the user that we guard, leave out what this session does.
  'SET @vq = 1',
]

const DDL = /^(CREATE|DROP|ALTER|RENAME) /

/** One connection of ours. Every statement runs with `foreign_key_checks = 0` and fires no trigger's body. */
export class Session {
  readonly #connection: Connection
  /** For messages. */
  readonly shown: string
  /** How many statements of ours the server counts as a change of a schema. */
  ddl = 0

  private constructor(connection: Connection, shown: string) {
    this.#connection = connection
    this.shown = shown
    // A connection that breaks while idle is told by the next statement, not by an event that ends the process.
    connection.on('error', () => undefined)
  }

  /** Connects. `wait` is how long a lock is waited for, in ms. Throws `CONNECTION_REFUSED`, `NOT_FOUND`, `MISSING_GRANT`, `DRIVER_MISSING`. */
  static async open({ options, shown }: Address, wait: number): Promise<Session> {
    const { createConnection } = await driver()
    let connection: Connection | undefined
    try {
      connection = await createConnection({
        connectTimeout: 10_000,
        ...options,
        multipleStatements: true,
        charset: 'utf8mb4',
      })
      const session = new Session(connection, shown)
      const seconds = Math.max(1, Math.ceil(wait / 1000))
      const waits = `SET SESSION lock_wait_timeout = ${seconds}, innodb_lock_wait_timeout = ${seconds}`
      await session.run([...SETTINGS, waits])
      return session
    } catch (error) {
      connection?.destroy()
      throw refused(error, shown)
    }
  }

  /** Runs one statement. */
  async query(sql: string): Promise<readonly TextRow[]> {
    return (await this.run([sql]))[0]!
  }

  /** Runs statements in one round trip, up to the first that fails. Answers with the rows of each. */
  async run(statements: readonly string[]): Promise<readonly (readonly TextRow[])[]> {
    if (statements.length === 0) return []
    this.ddl += statements.filter((sql) => DDL.test(sql)).length
    const sql = statements.join(';\n')
    const [result] = await this.#connection.query({ sql, rowsAsArray: false, typeCast: (field) => field.string() })
    const each = statements.length === 1 ? [result] : result
    return (each as unknown[]).map((rows) => (Array.isArray(rows) ? (rows as TextRow[]) : []))
  }

  /** Runs statements in one round trip; the rows are bytes. */
  async raw(statements: readonly string[]): Promise<readonly (readonly RawRow[])[]> {
    if (statements.length === 0) return []
    const sql = statements.join(';\n')
    const [result] = await this.#connection.query({ sql, rowsAsArray: true, typeCast: (field) => field.buffer() })
    const each = statements.length === 1 ? [result] : result
    return (each as unknown[]).map((rows) => (Array.isArray(rows) ? (rows as RawRow[]) : []))
  }

  /** Runs statements as far as the server allows them to us. Answers whether it did. */
  async allowed(...statements: readonly string[]): Promise<boolean> {
    return this.run(statements).then(
      () => true,
      () => false,
    )
  }

  async close(): Promise<void> {
    await this.#connection.end().catch(() => this.#connection.destroy())
  }
}

/** A pool for steps. It connects when it is first used. */
export async function poolOf(options: ConnectionOptions): Promise<Pool> {
  return (await driver()).createPool({ connectionLimit: 4, ...options })
}

async function driver(): Promise<typeof import('mysql2/promise')> {
  try {
    return await import('mysql2/promise')
  } catch (cause) {
    throw new VenomError(
      'DRIVER_MISSING',
      'mysql: the driver mysql2 is not installed.\nThe system opens connections of its own with it, whatever the application uses.\nnpm install -D mysql2',
      { cause },
    )
  }
}
