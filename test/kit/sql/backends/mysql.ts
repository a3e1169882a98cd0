import mysql, { type Connection, type FieldPacket, type ResultSetHeader } from 'mysql2/promise'
import { type ConnectionConfig, mysqlDialect, mysqlTypes, SqlBackend } from '../../../../src/kit/index.ts'

/** A backend as a user of the kit would write it. */
export class MysqlBackend extends SqlBackend<Connection> {
  readonly name = 'mysql2'
  readonly types = mysqlTypes()
  protected readonly dialectOf = mysqlDialect

  protected openConnection(config: ConnectionConfig): Promise<Connection> {
    const exact = { supportBigNumbers: true, bigNumberStrings: false, dateStrings: true, jsonStrings: true }
    return mysql.createConnection({ ...config.driverOptions(), ...exact, connectTimeout: config.connectTimeoutMs })
  }

  protected closeConnection(connection: Connection): void {
    connection.destroy()
  }

  protected async run(connection: Connection, sql: string, params: readonly unknown[]) {
    const [result, fields] = (await connection.query(sql, [...params])) as [unknown, FieldPacket[] | undefined]
    if (!Array.isArray(result)) {
      const { affectedRows, insertId } = result as ResultSetHeader
      return { rows: [], affectedRows, lastInsertId: insertId }
    }
    const types = (fields ?? []).map(({ name, columnType }) => [name, String(columnType)] as const)
    return { rows: result as Record<string, unknown>[], types: Object.fromEntries(types) }
  }

  protected async serverVersion(connection: Connection): Promise<string> {
    const [rows] = await connection.query('select version() as version')
    return (rows as { version: string }[])[0]!.version
  }
}
