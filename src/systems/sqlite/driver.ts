import { VenomError } from '../../errors.ts'
import { betterConnection, betterSqlite3, isBetterSqlite3, loadBetterSqlite3 } from './better-sqlite3.ts'
import type { Connection, Driver, SqliteDatabase } from './connection.ts'
import { isNodeSqlite, loadNodeSqlite, nodeConnection, nodeSqlite } from './node-sqlite.ts'

const DRIVERS: readonly Driver['name'][] = ['better-sqlite3', 'node:sqlite']

/** Loads the driver `wanted`, or better-sqlite3 if it is installed, else node:sqlite. Throws `DRIVER_MISSING`, `BAD_ARGUMENT`. */
export async function loadDriver(wanted?: Driver['name']): Promise<Driver> {
  if (wanted !== undefined && !DRIVERS.includes(wanted)) {
    throw new VenomError(
      'BAD_ARGUMENT',
      `sqlite: "${String(wanted)}" is no driver.\nA file is opened by one of two.\nThese are the drivers: ${DRIVERS.join(', ')}.`,
    )
  }
  const causes: unknown[] = []
  for (const name of wanted ? [wanted] : DRIVERS) {
    try {
      return await (name === 'better-sqlite3' ? loadBetterSqlite3() : loadNodeSqlite())
    } catch (cause) {
      causes.push(cause)
    }
  }
  throw new VenomError(
    'DRIVER_MISSING',
    `sqlite: ${wanted ?? 'a driver for SQLite'} could not be loaded.\n` +
      'It is better-sqlite3 (11 or newer), or node:sqlite of Node 22.13 or newer.\n' +
      'npm install -D better-sqlite3',
    { cause: causes.length === 1 ? causes[0] : new AggregateError(causes) },
  )
}

/** A handle as a connection, and the driver it belongs to. Throws `BAD_ARGUMENT` for anything else. */
export function adopt(handle: SqliteDatabase): { readonly driver: Driver; readonly connection: Connection } {
  if (isBetterSqlite3(handle)) {
    return { driver: betterSqlite3(handle.constructor), connection: betterConnection(handle) }
  }
  if (isNodeSqlite(handle)) return { driver: nodeSqlite(handle.constructor), connection: nodeConnection(handle) }
  throw new VenomError(
    'BAD_ARGUMENT',
    'sqlite: the argument is neither a path nor a database of better-sqlite3 or node:sqlite.\n' +
      'An ORM or a query builder is a layer above the database: pass what it was made from.\n' +
      "sqlite('/path/to/test.db'), or sqlite(new Database(':memory:')).",
  )
}
