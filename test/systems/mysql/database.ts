import { createHash } from 'node:crypto'
import { type Connection, createConnection, type RowDataPacket } from 'mysql2/promise'

/** A database of its own on a test server, and a connection of the tests to it. */
export interface Database extends AsyncDisposable {
  readonly name: string
  readonly url: string
  readonly connection: Connection
  /** The schema that the system makes beside it. */
  readonly schema: string
  sql(sql: string): Promise<RowDataPacket[]>
  /** The names of what is ours and still there. */
  leftovers(): Promise<string[]>
}

/** Makes a database with `tables` in it. */
export async function makeDatabase(server: string, tables: string, name = newName()): Promise<Database> {
  const connection = await connect(server)
  await connection.query(`CREATE DATABASE ${quoted(name)} CHARACTER SET utf8mb4; USE ${quoted(name)}; ${tables}`)
  const schema = `vq_${createHash('sha256').update(name).digest('hex').slice(0, 8)}`
  await connection.query('SET SESSION information_schema_stats_expiry = 0').catch(() => undefined)
  const sql = async (text: string): Promise<RowDataPacket[]> => (await connection.query<RowDataPacket[]>(text))[0]
  return {
    name,
    connection,
    url: urlOf(server, name),
    schema,
    sql,
    leftovers: async () => {
      const databases = await sql(`SHOW DATABASES LIKE '${schema}'`)
      const triggers = await sql(`SHOW TRIGGERS FROM ${quoted(name)}`)
      const ours = triggers.filter(({ Trigger, Statement }) => /^vq_|@vq/.test(`${Trigger} ${Statement}`))
      return [...databases.flatMap((row) => Object.values(row)), ...ours.map(({ Trigger }) => Trigger)] as string[]
    },
    [Symbol.asyncDispose]: async () => {
      await connection.query(`DROP DATABASE IF EXISTS ${quoted(name)}; DROP DATABASE IF EXISTS ${schema}`)
      await connection.end()
    },
  }
}

/** A connection without a database, for what an administrator does. */
export async function connect(server: string): Promise<Connection> {
  return createConnection({
    uri: server,
    multipleStatements: true,
    supportBigNumbers: true,
    bigNumberStrings: true,
    dateStrings: true,
  })
}

/** The URL of a database on a server. */
export function urlOf(server: string, database: string): string {
  return Object.assign(new URL(server), { pathname: `/${encodeURIComponent(database)}` }).href
}

export function quoted(identifier: string): string {
  return `\`${identifier.replaceAll('`', '``')}\``
}

function newName(): string {
  return `vqtest_${process.pid}_${Math.random().toString(36).slice(2, 8)}_test`
}
