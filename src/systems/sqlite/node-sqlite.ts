import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { VenomError } from '../../errors.ts'
import type { Connection, Driver, Query, SqliteDatabase, SqliteValue } from './connection.ts'

/** What is used of node:sqlite's `DatabaseSync` beside the least that a handle must have; older Nodes lack some. */
interface Database extends SqliteDatabase {
  readonly isTransaction?: boolean
  prepare(sql: string): Statement
  enableDefensive?(active: boolean): void
  serialize?(): Uint8Array
}

interface Statement {
  all(...parameters: SqliteValue[]): unknown[]
  get(...parameters: SqliteValue[]): unknown
  run(...parameters: SqliteValue[]): unknown
  setReadBigInts(on: boolean): void
}

type Constructor = new (path: string) => SqliteDatabase
type Backup = (from: SqliteDatabase, path: string, options: { readonly rate: number }) => Promise<number>

/** Loads node:sqlite. Throws what `import` throws where this Node has none. */
export async function loadNodeSqlite(): Promise<Driver> {
  const { DatabaseSync } = await import('node:sqlite')
  return nodeSqlite(DatabaseSync)
}

/** The driver of a handle's constructor. */
export function nodeSqlite(Database: unknown): Driver {
  return { name: 'node:sqlite', open: (path) => nodeConnection(new (Database as Constructor)(path)) }
}

/** Whether a handle is node:sqlite's. */
export function isNodeSqlite(handle: SqliteDatabase): boolean {
  return handle.constructor.name === 'DatabaseSync' && 'createSession' in handle
}

/** A handle as a connection. */
export function nodeConnection(handle: SqliteDatabase): Connection {
  const native = handle as Database
  const exact = (sql: string): Statement => {
    const statement = native.prepare(sql)
    statement.setReadBigInts(true)
    return statement
  }
  const query = (sql: string): Query => {
    const statement = exact(sql)
    return (...parameters) => statement.all(...parameters).map(valuesOf)
  }
  return {
    native,
    exec: (sql) => void native.exec(sql),
    rows: (sql, ...parameters) => query(sql)(...parameters),
    query,
    value: (sql, ...parameters) => {
      const row = exact(sql).get(...parameters)
      return row === undefined ? undefined : valuesOf(row)[0]
    },
    prepare: (sql) => native.prepare(sql),
    get inTransaction() {
      return native.isTransaction ?? beginFails(native)
    },
    undefended: (allowed) => native.enableDefensive?.(!allowed),
    image: () => image(native),
    copyTo: (path) => copy(native, path),
    close: () => void native.close(),
  }
}

/** In the order of the columns, which must have names that differ and do not look like numbers. */
function valuesOf(row: unknown): SqliteValue[] {
  const values = Object.values(row as Record<string, SqliteValue>)
  return values.map((value) =>
    value instanceof Uint8Array ? Buffer.from(value.buffer, value.byteOffset, value.byteLength) : value,
  )
}

function beginFails(native: Database): boolean {
  try {
    native.exec('begin')
  } catch {
    return true
  }
  native.exec('rollback')
  return false
}

async function image(native: Database): Promise<Buffer> {
  if (native.serialize) return Buffer.from(native.serialize())
  const folder = mkdtempSync(join(tmpdir(), 'venomqa-sqlite-'))
  try {
    await copy(native, join(folder, 'image'))
    return readFileSync(join(folder, 'image'))
  } finally {
    rmSync(folder, { recursive: true })
  }
}

async function copy(native: Database, path: string): Promise<void> {
  const { backup } = (await import('node:sqlite')) as unknown as { readonly backup?: Backup }
  if (!backup) {
    throw new VenomError(
      'UNSUPPORTED',
      `sqlite: Node ${process.version} has no backup() in node:sqlite.\n` +
        'A copy of the whole database needs it, or better-sqlite3.\n' +
        "npm install -D better-sqlite3, and sqlite(…, { driver: 'better-sqlite3' }); or use Node 24.",
    )
  }
  await backup(native, path, { rate: 0x7fff_ffff })
}
