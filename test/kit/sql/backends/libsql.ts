import { type Client, createClient, type InArgs, type Transaction } from '@libsql/client'
import { type ConnectionConfig, SqlBackend, sqliteDialect, sqliteTypes } from '../../../../src/kit/index.ts'

interface Libsql {
  readonly client: Client
  tx?: Transaction | undefined
}

/** A backend as a user of the kit would write it, for a driver in which a transaction is an object. */
export class LibsqlBackend extends SqlBackend<Libsql> {
  readonly name = 'libsql'
  readonly types = sqliteTypes()
  protected readonly dialectOf = sqliteDialect

  protected openConnection(config: ConnectionConfig): Libsql {
    return { client: createClient({ url: config.url(), intMode: 'bigint', concurrency: 1, timeout: 20 }) }
  }

  protected closeConnection({ client }: Libsql): void {
    client.close()
  }

  protected async run({ client, tx }: Libsql, sql: string, params: readonly unknown[]) {
    const result = await (tx ?? client).execute({ sql, args: params as InArgs })
    const types = result.columns.map((column, i) => [column, result.columnTypes[i] ?? ''] as const)
    return {
      rows: result.rows.map((row) => ({ ...row })),
      affectedRows: result.rowsAffected,
      lastInsertId: result.lastInsertRowid,
      types: Object.fromEntries(types),
    }
  }

  protected override async transact(at: Libsql, what: 'begin' | 'commit' | 'rollback', [sql]: readonly string[]) {
    if (what === 'begin') {
      at.tx = await at.client.transaction(sql === 'begin immediate' ? 'write' : 'deferred')
      return
    }
    const { tx } = at
    at.tx = undefined
    await tx?.[what]()
  }

  protected async serverVersion({ client }: Libsql): Promise<string> {
    return String((await client.execute('select sqlite_version()')).rows[0]![0])
  }
}
