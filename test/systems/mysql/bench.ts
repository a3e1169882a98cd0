import assert from 'node:assert/strict'
import type { Connection, RowDataPacket } from 'mysql2/promise'
import { describeServer } from '../../servers/server.ts'
import { mysql, type Mysql, type MysqlOptions } from '../../../src/systems/mysql/index.ts'
import { type Database, makeDatabase, quoted } from './database.ts'
import { Application } from './process.ts'

export type Flavour = 'mariadb' | 'mysql'

/** A suite that runs on both servers. */
export function onBoth(body: (url: string, flavour: Flavour) => void): void {
  for (const flavour of ['mariadb', 'mysql'] as const) describeServer(flavour, (url) => body(url, flavour))
}

/** A database with a system on it that is open, and an application in its own process. */
export interface Bench extends AsyncDisposable {
  readonly database: Database
  readonly system: Opened
  readonly app: Application
  /** What the system told the user. */
  readonly notices: readonly string[]
}

/** The members that every test calls. */
export type Opened = Mysql & Required<Pick<Mysql, 'open' | 'release' | 'reset' | 'selfTest' | 'close' | 'ping'>>

/** Makes a database, opens a system on it and starts an application. */
export async function open(server: string, tables: string, options: MysqlOptions = {}): Promise<Bench> {
  const database = await makeDatabase(server, tables)
  const notices: string[] = []
  const system = systemOn(database.url, options)
  try {
    await system.open(worker(notices))
  } catch (error) {
    await database[Symbol.asyncDispose]()
    throw error
  }
  const app = Application.on(database.url)
  return {
    database,
    system,
    app,
    notices,
    [Symbol.asyncDispose]: async () => {
      await app[Symbol.asyncDispose]()
      await Promise.resolve(system.close()).catch(() => undefined)
      await database[Symbol.asyncDispose]()
    },
  }
}

/** A system with all its members. */
export function systemOn(url: string, options: MysqlOptions = {}): Opened {
  return mysql(url, options) as Opened
}

/** A worker that collects what it is told. */
export function worker(notices: string[] = [], id = '1') {
  return { id, runner: 'none', runId: 'test', notice: (message: string) => void notices.push(message) } as const
}

/** Everything that is in a database, byte for byte, by a way of its own: nothing here is the system's code. */
export async function contentsOf({ connection, name }: Database): Promise<Record<string, string[]>> {
  await connection.query("SET SESSION time_zone = '+00:00'")
  const tables = await select(connection, `SHOW FULL TABLES FROM ${quoted(name)} WHERE Table_type <> 'VIEW'`)
  const contents: Record<string, string[]> = {}
  for (const row of tables) {
    const table = String(Object.values(row)[0])
    contents[table] = await rowsOf(connection, name, table)
  }
  return contents
}

/** The next generated ids, by table. */
export async function nextIds({ connection, name }: Database): Promise<Record<string, string>> {
  const rows = await select(
    connection,
    `SELECT TABLE_NAME AS name, AUTO_INCREMENT AS next FROM information_schema.TABLES
      WHERE TABLE_SCHEMA = '${name.replaceAll("'", "''")}' AND AUTO_INCREMENT IS NOT NULL ORDER BY TABLE_NAME`,
  )
  return Object.fromEntries(rows.map((row) => [row['name'], String(row['next'])]))
}

/** Changes a database in some way, goes back, and asserts that all is as it was: twice, since a mark serves any number of times. */
export async function undoes({ system, database }: Bench, change: () => Promise<unknown>): Promise<void> {
  const before = await contentsOf(database)
  const ids = await nextIds(database)
  const mark = await system.checkpoint('before')
  for (const time of ['first', 'second']) {
    await change()
    assert.notDeepEqual(await contentsOf(database), before, 'the change changes nothing')
    await system.rollback(mark)
    assert.deepEqual(await contentsOf(database), before, `after the ${time} rollback`)
    assert.deepEqual(await nextIds(database), ids, `ids after the ${time} rollback`)
    assert.deepEqual(await system.changes(mark), [], `changes after the ${time} rollback`)
  }
  await system.release(mark)
}

async function rowsOf(connection: Connection, database: string, table: string): Promise<string[]> {
  const columns = await select(connection, `SHOW COLUMNS FROM ${quoted(table)} FROM ${quoted(database)}`)
  const exact = columns.map(({ Field, Type }) =>
    String(Type).startsWith('float') ? `CAST(${quoted(Field)} AS DOUBLE)` : quoted(Field),
  )
  const [rows] = await connection.query<RowDataPacket[][]>({
    sql: `SELECT ${exact.join()} FROM ${quoted(database)}.${quoted(table)}`,
    rowsAsArray: true,
    typeCast: (field) => field.buffer()?.toString('hex') ?? null,
  })
  return rows.map((row) => JSON.stringify(row)).toSorted()
}

async function select(connection: Connection, sql: string): Promise<RowDataPacket[]> {
  return (await connection.query<RowDataPacket[]>(sql))[0]
}
