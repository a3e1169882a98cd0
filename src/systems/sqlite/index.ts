import { resolve } from 'node:path'
import { VenomError } from '../../errors.ts'
import type { Worker } from '../../rollbackable.ts'
import type { SafetyOptions } from '../../safety.ts'
import type { ConnectionConfig } from '../shared/connection-config.ts'
import { openBackup } from './backup.ts'
import type { Driver, SqliteDatabase, SqliteHandle } from './connection.ts'
import { adopt, loadDriver } from './driver.ts'
import { databaseFile } from './place.ts'
import { openSavepoint } from './savepoint.ts'
import { openSerialize } from './serialize.ts'
import { type SqliteSystem, systemOf, type Telling } from './system.ts'
import { openWal } from './wal.ts'
import type { Way } from './way.ts'

export type { SqliteDatabase, SqliteHandle, SqliteParameters, SqliteStatement, SqliteValue } from './connection.ts'
export type { SqliteSystem, Telling } from './system.ts'
export type { SqliteMark } from './way.ts'

/** What `sqlite(path)` may be told. */
export interface SqliteFileOptions extends Pick<SafetyOptions, 'allowDatabase'> {
  /**
   * `'wal'` (default) winds back the write-ahead log: a mark or a rollback costs the same whatever the size of the file,
   * and other processes keep their connections. `'backup'` copies the whole file, in any journal mode, on any system.
   */
  readonly way?: 'wal' | 'backup'
  /** Which driver opens the file. By default better-sqlite3 if it is installed, else node:sqlite. */
  readonly driver?: Driver['name']
  /** How long a transaction of the application is waited for at a checkpoint or rollback, in ms. Default 2000. */
  readonly settle?: number
  /** What to do with a file that a killed run left changed: undo that (default), or begin with it as it is. */
  readonly recover?: 'rollback' | 'accept'
}

/** What `sqlite(db)` may be told. */
export interface SqliteHandleOptions extends Omit<SqliteFileOptions, 'way' | 'driver'> {
  /**
   * `'serialize'` (default in memory) copies the whole database; the application's transactions work as they always do.
   * `'savepoint'` costs nothing, and puts all into one transaction, in which the application's own BEGIN fails.
   * `'wal'` (default for a file) and `'backup'` are those of `sqlite(path)`.
   */
  readonly way?: 'wal' | 'backup' | 'serialize' | 'savepoint'
}

/**
 * A SQLite database as a system: the file that the application opens, in whatever process and language, as a path or a
 * `ConnectionConfig`; or the connection that it uses in this process, of better-sqlite3 or node:sqlite.
 *
 * Opening throws `NOT_FOUND`, `READ_ONLY`, `BAD_ARGUMENT`, `NOT_A_TEST_DATABASE`, `DRIVER_MISSING`, `UNSUPPORTED`,
 * `LOCKED`, `LEASED`, `CRASHED`; a checkpoint or rollback throws `LOCKED`, `NOT_QUIET`, `MARK_LOST`. Docs: docs/systems/sqlite.md
 */
export function sqlite(
  path: string | ConnectionConfig,
  options?: SqliteFileOptions,
): SqliteSystem<SqliteHandle> & Telling
export function sqlite<H extends SqliteDatabase>(
  db: H,
  options: SqliteHandleOptions & { readonly way: 'savepoint' },
): SqliteSystem<H>
export function sqlite<H extends SqliteDatabase>(db: H, options?: SqliteHandleOptions): SqliteSystem<H> & Telling
export function sqlite(
  target: string | ConnectionConfig | SqliteDatabase,
  options: SqliteFileOptions | SqliteHandleOptions = {},
): SqliteSystem<SqliteDatabase> {
  if (typeof target === 'string') return ofFile(target, options as SqliteFileOptions)
  // By its members: it may be of another copy of the package.
  if (typeof target === 'object' && target !== null && 'isFile' in target) {
    return ofFile(target.database, options as SqliteFileOptions)
  }
  if (typeof target === 'object' && target !== null) return ofHandle(target, options as SqliteHandleOptions)
  throw new VenomError(
    'BAD_ARGUMENT',
    `sqlite: the argument is ${target === undefined ? 'undefined' : typeof target}, not a path or a database.\n` +
      'Most often a variable of the environment is not set.\n' +
      "sqlite('/path/to/test.db'), or sqlite(new Database(':memory:')).",
  )
}

function ofFile(path: string, options: SqliteFileOptions): SqliteSystem<SqliteHandle> {
  const way = wayOf(options.way ?? 'wal', ['wal', 'backup'], 'a path')
  const open = async (worker: Worker): Promise<Way> => {
    const file = databaseFile(path, options)
    const driver = await loadDriver(options.driver)
    return openFile(way, { driver, path: file, given: undefined, worker, ...timing(options) })
  }
  return systemOf(open, way, true)
}

function ofHandle<H extends SqliteDatabase>(db: H, options: SqliteHandleOptions): SqliteSystem<H> {
  const { driver, connection } = adopt(db)
  const file = String(connection.value("select file from pragma_database_list where name = 'main'") ?? '')
  const ways = file === '' ? (['serialize', 'savepoint'] as const) : (['wal', 'backup', 'savepoint'] as const)
  const way = wayOf(options.way ?? ways[0], ways, file === '' ? 'a database in memory' : `a connection to "${file}"`)
  const open = async (worker: Worker): Promise<Way> => {
    if (way === 'serialize') return openSerialize(connection, driver)
    if (way === 'savepoint') return openSavepoint(connection)
    const path = databaseFile(resolve(file), options)
    return openFile(way, { driver, path, given: connection, worker, ...timing(options) })
  }
  return systemOf(open, way, way !== 'savepoint', db)
}

function openFile(way: 'wal' | 'backup', opening: Parameters<typeof openWal>[0]): Promise<Way> {
  return (way === 'wal' ? openWal(opening) : openBackup(opening)) as Promise<Way>
}

function timing({ settle = 2000, recover = 'rollback' }: Pick<SqliteFileOptions, 'settle' | 'recover'>): {
  readonly settle: number
  readonly recover: 'rollback' | 'accept'
} {
  return { settle, recover }
}

function wayOf<W extends string>(way: string, ways: readonly W[], what: string): W {
  const found = ways.find((one) => one === way)
  if (found !== undefined) return found
  throw new VenomError(
    'BAD_ARGUMENT',
    `sqlite: the way '${way}' is not one for ${what}.\n` +
      'Each kind of database has its own ways back.\n' +
      `These are the ways: ${ways.map((one) => `'${one}'`).join(', ')}.`,
  )
}
