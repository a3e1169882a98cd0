import { DatabaseSync, type SQLInputValue } from 'node:sqlite'
import {
  type ConnectionConfig,
  type Dialect,
  type RawResult,
  SqlBackend,
  sqliteDialect,
  sqliteTypes,
} from '../../../../src/kit/index.ts'

/** A backend as a user of the kit would write it; its errors have numbers only. */
export class NodeSqliteBackend extends SqlBackend<DatabaseSync> {
  readonly name = 'node:sqlite'
  readonly types = sqliteTypes()

  protected openConnection({ database }: ConnectionConfig): DatabaseSync {
    return new DatabaseSync(database, { timeout: 20 })
  }

  protected closeConnection(db: DatabaseSync): void {
    db.close()
  }

  protected run(db: DatabaseSync, sql: string, params: readonly unknown[]): RawResult {
    const statement = db.prepare(sql)
    statement.setReadBigInts(true)
    const columns = statement.columns()
    if (columns.length === 0) {
      const { changes, lastInsertRowid } = statement.run(...(params as SQLInputValue[]))
      return { rows: [], affectedRows: Number(changes), lastInsertId: lastInsertRowid }
    }
    const types = columns.flatMap(({ name, type }) => (type ? [[name, type] as const] : []))
    return { rows: statement.all(...(params as SQLInputValue[])), types: Object.fromEntries(types) }
  }

  protected serverVersion(db: DatabaseSync): string {
    return String(db.prepare('select sqlite_version() as version').get()!['version'])
  }

  protected dialectOf(version: string): Dialect {
    return sqliteDialect(version)
  }
}

/** The same where there are no savepoints, as in DuckDB, and after an error nothing but a rollback. */
export class PlainBackend extends NodeSqliteBackend {
  protected override run(db: DatabaseSync, sql: string, params: readonly unknown[]): RawResult {
    if (/savepoint|^(release|rollback to) /i.test(sql))
      throw new Error('Parser Error: syntax error at or near "savepoint"')
    return super.run(db, sql, params)
  }

  protected override dialectOf(version: string): Dialect {
    const sqlite = super.dialectOf(version)
    return { ...sqlite, supports: { ...sqlite.supports, savepoints: false }, aftermath: () => 'aborted' }
  }
}
