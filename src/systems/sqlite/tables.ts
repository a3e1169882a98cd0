import { type Connection, quoted } from './connection.ts'

/** A table as SQL sees it. */
export interface Table {
  readonly name: string
  readonly isVirtual: boolean
}

/** The tables of a database in the order of their names, without SQLite's own and those behind virtual tables. */
export function tablesOf(connection: Connection): Table[] {
  const listed = connection.rows(
    "select name, type from pragma_table_list where schema = 'main' and type in ('table', 'virtual') " +
      "and name not like 'sqlite\\_%' escape '\\' order by name",
  )
  return listed.map(([name, type]) => ({ name: String(name), isVirtual: type === 'virtual' }))
}

/** Runs `work` as one: all of it or nothing, in a transaction that is open or in one of its own. */
export function asOne<T>(connection: Connection, work: () => T): T {
  const [begin, end, undo] = connection.inTransaction
    ? ['savepoint venomqa', 'release venomqa', 'rollback to venomqa; release venomqa']
    : ['begin immediate', 'commit', 'rollback']
  connection.exec(begin)
  try {
    const result = work()
    connection.exec(end)
    return result
  } catch (error) {
    if (connection.inTransaction) connection.exec(undo)
    throw error
  }
}

/** A table's name for SQL, which another attached database may have too. */
export function inMain(name: string): string {
  return `main.${quoted(name)}`
}
