import { sqliteCode } from '../shared/classify.ts'
import { quoter } from '../shared/names.ts'

/** What SQLite stores. */
export type SqliteValue = null | number | bigint | string | Uint8Array

/** The least that a statement must have. */
export interface SqliteStatement {
  all(...parameters: SqliteValue[]): unknown[]
  get(...parameters: SqliteValue[]): unknown
  run(...parameters: SqliteValue[]): unknown
}

/** The least that a handle must have: better-sqlite3's `Database` and node:sqlite's `DatabaseSync` both do. */
export interface SqliteDatabase {
  exec(sql: string): unknown
  prepare(sql: string): SqliteStatement
  close(): unknown
}

/** Values of a statement's parameters, in order or by name. */
export type SqliteParameters = (SqliteValue | Readonly<Record<string, SqliteValue>>)[]

/** What a step sees of a database file: a connection of its own. It is the driver's own `Database`, with all that has. */
export interface SqliteHandle extends SqliteDatabase {
  prepare(sql: string): {
    all(...parameters: SqliteParameters): Readonly<Record<string, SqliteValue>>[]
    get(...parameters: SqliteParameters): Readonly<Record<string, SqliteValue>> | undefined
    run(...parameters: SqliteParameters): {
      readonly changes: number | bigint
      readonly lastInsertRowid: number | bigint
    }
  }
}

/** A statement that was prepared once: every row as its values in order. */
export type Query = (...parameters: SqliteValue[]) => SqliteValue[][]

/** One connection of either driver, as this system uses it. */
export interface Connection {
  readonly native: SqliteDatabase
  exec(sql: string): void
  /** Every row as its values in order: an INTEGER is a bigint, a REAL a number, a BLOB a Buffer, so that nothing is lost. */
  rows(sql: string, ...parameters: SqliteValue[]): SqliteValue[][]
  /** The same for a statement that is run often. */
  query(sql: string): Query
  /** The first value of the first row. */
  value(sql: string, ...parameters: SqliteValue[]): SqliteValue | undefined
  /** A statement that is run often. */
  prepare(sql: string): SqliteStatement
  readonly inTransaction: boolean
  /** Lets through what both drivers forbid by default (SQLITE_DBCONFIG_DEFENSIVE): `pragma schema_version = …`, writes to shadow tables. */
  undefended(allowed: boolean): void
  /** The whole database as the bytes of its file. */
  image(): Promise<Buffer>
  /** Copies the whole database into the file `path` by SQLite's backup API. Throws at once when somebody else holds a lock. */
  copyTo(path: string): Promise<void>
  close(): void
}

/** A driver, and how it opens a file that is there, or `':memory:'`. */
export interface Driver {
  readonly name: 'better-sqlite3' | 'node:sqlite'
  open(path: string): Connection
}

/** Whether SQLite answered that somebody else holds a lock. */
export function isBusy(error: unknown): boolean {
  return ['BUSY', 'LOCKED', 'PROTOCOL'].includes(refusal(error))
}

/** SQLite's primary result code without its prefix, `'NOTADB'`; empty for anything that SQLite did not say. */
export function refusal(error: unknown): string {
  return /^SQLITE_([A-Z]+)/.exec(sqliteCode(error) ?? '')?.[1] ?? ''
}

/** An error as SQLite's own for a lock that somebody else holds. */
export function busyError(): Error {
  return Object.assign(new Error('database is locked'), { code: 'SQLITE_BUSY' })
}

const quote = quoter('"')

/** A name as SQL writes it. */
export function quoted(name: string): string {
  return quote(name)
}
