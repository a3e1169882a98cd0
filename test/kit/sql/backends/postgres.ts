import pg from 'pg'
import { type ConnectionConfig, postgresDialect, postgresTypes, SqlBackend } from '../../../../src/kit/index.ts'

/** A backend as a user of the kit would write it. */
export class PostgresBackend extends SqlBackend<pg.Client> {
  readonly name = 'pg'
  readonly types = postgresTypes()
  protected readonly dialectOf = postgresDialect

  protected async openConnection(config: ConnectionConfig): Promise<pg.Client> {
    const asText = { getTypeParser: () => (text: unknown) => text }
    const client = new pg.Client({ ...config.driverOptions(), types: asText } as pg.ClientConfig)
    client.on('error', () => {})
    await client.connect()
    return client
  }

  protected closeConnection(client: pg.Client): Promise<void> {
    return client.end()
  }

  protected async run(client: pg.Client, sql: string, params: readonly unknown[]) {
    const { rows, rowCount, fields } = await client.query<Record<string, unknown>>(sql, [...params])
    const types = Object.fromEntries(fields.map(({ name, dataTypeID }) => [name, String(dataTypeID)]))
    return { rows, affectedRows: rowCount ?? 0, types }
  }

  protected async serverVersion(client: pg.Client): Promise<string> {
    const { rows } = await client.query<{ server_version: string }>('show server_version')
    return rows[0]!.server_version
  }
}
