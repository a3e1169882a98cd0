import Database from 'better-sqlite3'
import {
  type ConnectionConfig,
  type RawResult,
  SqlBackend,
  sqliteDialect,
  sqliteTypes,
} from '../../../../src/kit/index.ts'

/** A backend as a user of the kit would write it. */
export class BetterSqlite3Backend extends SqlBackend<Database.Database> {
  readonly name = 'better-sqlite3'
  readonly types = sqliteTypes()
  protected readonly dialectOf = sqliteDialect

  protected openConnection({ database }: ConnectionConfig): Database.Database {
    // While it waits for a lock nothing else runs in this process.
    const db = new Database(database, { timeout: 20 })
    db.defaultSafeIntegers(true)
    return db
  }

  protected closeConnection(db: Database.Database): void {
    db.close()
  }

  protected run(db: Database.Database, sql: string, params: readonly unknown[]): RawResult {
    const statement = db.prepare(sql)
    if (!statement.reader) {
      const { changes, lastInsertRowid } = statement.run(...params)
      return { rows: [], affectedRows: changes, lastInsertId: lastInsertRowid }
    }
    const types = statement.columns().flatMap(({ name, type }) => (type ? [[name, type] as const] : []))
    return { rows: statement.all(...params) as Record<string, unknown>[], types: Object.fromEntries(types) }
  }

  protected serverVersion(db: Database.Database): string {
    return String(db.prepare('select sqlite_version()').pluck().get())
  }
}
