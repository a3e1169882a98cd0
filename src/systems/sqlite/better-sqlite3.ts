import {
  busyError,
  type Connection,
  type Driver,
  type Query,
  type SqliteDatabase,
  type SqliteValue,
} from './connection.ts'

/** What is used of better-sqlite3's `Database` beside the least that a handle must have. */
interface Database extends SqliteDatabase {
  readonly inTransaction: boolean
  prepare(sql: string): Statement
  unsafeMode(on: boolean): unknown
  serialize(): Buffer
  backup(path: string, options: { progress: () => number }): Promise<{ readonly totalPages: number }>
}

interface Statement {
  all(...parameters: SqliteValue[]): unknown[]
  get(...parameters: SqliteValue[]): unknown
  run(...parameters: SqliteValue[]): unknown
  raw(on: boolean): Statement
  safeIntegers(on: boolean): Statement
}

type Constructor = new (path: string, options?: { readonly fileMustExist: boolean }) => SqliteDatabase

/** Loads better-sqlite3. Throws what `import` throws, and what its binary throws on a Node that it was not built for. */
export async function loadBetterSqlite3(): Promise<Driver> {
  const { default: Database } = (await import('better-sqlite3')) as unknown as { readonly default: Constructor }
  const driver = betterSqlite3(Database)
  driver.open(':memory:').close()
  return driver
}

/** The driver of a handle's constructor. */
export function betterSqlite3(Database: unknown): Driver {
  return {
    name: 'better-sqlite3',
    open: (path) => betterConnection(new (Database as Constructor)(path, { fileMustExist: path !== ':memory:' })),
  }
}

/** Whether a handle is better-sqlite3's. */
export function isBetterSqlite3(handle: SqliteDatabase): boolean {
  return 'unsafeMode' in handle && 'inTransaction' in handle
}

/** A handle as a connection. */
export function betterConnection(handle: SqliteDatabase): Connection {
  const native = handle as Database
  const exact = (sql: string): Statement => native.prepare(sql).raw(true).safeIntegers(true)
  const query = (sql: string): Query => {
    const statement = exact(sql)
    return (...parameters) => statement.all(...parameters) as SqliteValue[][]
  }
  return {
    native,
    exec: (sql) => void native.exec(sql),
    rows: (sql, ...parameters) => query(sql)(...parameters),
    query,
    value: (sql, ...parameters) => (exact(sql).get(...parameters) as SqliteValue[] | undefined)?.[0],
    prepare: (sql) => native.prepare(sql),
    get inTransaction() {
      return native.inTransaction
    },
    undefended: (allowed) => void native.unsafeMode(allowed),
    image: async () => native.serialize(),
    copyTo: (path) => copy(native, path),
    close: () => void native.close(),
  }
}

/** Its backup retries a lock for ever, and resolves with no pages at all when the very first step met one. */
async function copy(native: Database, path: string): Promise<void> {
  let calls = 0
  const progress = (): number => {
    if (calls++ > 1) throw busyError()
    return 0x7fff_ffff
  }
  const { totalPages } = await native.backup(path, { progress })
  if (totalPages === 0) throw busyError()
}
