import { messageOf, VenomError } from '../../errors.ts'
import type { ResetOptions } from '../../rollbackable.ts'
import { isMigrations } from '../shared/migrations.ts'
import { causeOf } from '../shared/cause.ts'
import { classify } from '../shared/classify.ts'
import { type Connection, quoted } from './connection.ts'
import { asOne, inMain, type Table, tablesOf } from './tables.ts'

/** Triggers may write into a table that was emptied before, and a foreign key may forbid an order. */
const PASSES = 5

/**
 * Deletes all rows of the tables named in `only`, or of all but `except` and the migration tables, and starts their
 * AUTOINCREMENT anew. Foreign keys between them are no matter; a row that is kept must not refer to one that goes.
 *
 * Throws `BAD_ARGUMENT` for a table that is not there, and when a row that is kept refers to one that would go.
 */
export function reset(connection: Connection, { only, except = [] }: ResetOptions): void {
  const tables = tablesOf(connection)
  for (const name of [...(only ?? []), ...except]) {
    if (!tables.some((table) => table.name === name)) throw unknownTable(name, tables)
  }
  const emptied = tables.filter(
    ({ name }) => (only ? only.includes(name) : !isMigrations(name)) && !except.includes(name),
  )
  const names = new Set(emptied.map(({ name }) => name))
  const keys = connection.value('pragma foreign_keys')
  connection.exec('pragma foreign_keys = off')
  try {
    asOne(connection, () => {
      // Where a transaction is open the pragma above does nothing.
      connection.exec('pragma defer_foreign_keys = on')
      for (const { name, isVirtual } of tables)
        if (!isVirtual && !names.has(name)) requireNoReference(connection, name, names)
      for (let pass = 1; pass <= PASSES; pass++) {
        const full = emptied.filter(({ name }) => hasRows(connection, name))
        for (const table of full) empty(connection, table, pass === PASSES)
        if (full.length === 0) break
      }
      restartCounters(connection, emptied)
    })
  } finally {
    connection.exec(`pragma foreign_keys = ${keys === 0n ? 'off' : 'on'}`)
  }
}

function hasRows(connection: Connection, table: string): boolean {
  return connection.value(`select 1 from ${inMain(table)} limit 1`) !== undefined
}

function empty(connection: Connection, { name, isVirtual }: Table, isLast: boolean): void {
  try {
    connection.exec(`delete from ${inMain(name)}`)
  } catch (cause) {
    // A full-text table without a content of its own knows only this: https://sqlite.org/fts5.html#the_delete_all_command
    if (isVirtual && /contentless|content/i.test(messageOf(cause))) {
      connection.exec(`insert into ${inMain(name)}(${quoted(name)}) values ('delete-all')`)
      return
    }
    // A key that may not wait is met once the table that has it is empty.
    if (!isLast && classify(cause)?.constraint === 'foreign key') return
    throw new VenomError(
      'BAD_ARGUMENT',
      `sqlite: "${name}" cannot be emptied: ${messageOf(cause)}.\n` +
        'A trigger forbids it, or only the application can write this table.\n' +
        `Leave it out: reset({ except: ['${name}'] }); a rollback brings such a table back too.`,
      { cause: causeOf(cause, { backend: 'sqlite' }) },
    )
  }
}

function restartCounters(connection: Connection, emptied: readonly Table[]): void {
  if (connection.value("select 1 from main.sqlite_schema where name = 'sqlite_sequence'") === undefined) return
  const statement = connection.prepare('delete from main.sqlite_sequence where name = ?')
  for (const { name } of emptied) statement.run(name)
}

function requireNoReference(connection: Connection, table: string, emptied: ReadonlySet<string>): void {
  const keys = new Map<string, { readonly parent: string; readonly columns: string[] }>()
  for (const [id, parent, column] of connection.rows(
    'select id, "table", "from" from pragma_foreign_key_list(?)',
    table,
  )) {
    const key = keys.get(String(id)) ?? { parent: String(parent), columns: [] }
    key.columns.push(`${quoted(String(column))} is not null`)
    keys.set(String(id), key)
  }
  for (const { parent, columns } of keys.values()) {
    const name = [...emptied].find((one) => one.toLowerCase() === parent.toLowerCase())
    if (name === undefined) continue
    if (connection.value(`select 1 from ${inMain(table)} where ${columns.join(' and ')} limit 1`) === undefined)
      continue
    throw new VenomError(
      'BAD_ARGUMENT',
      `sqlite: "${name}" cannot be emptied, since rows of "${table}" refer to it.\n` +
        `"${table}" is kept, and its foreign keys would point at nothing.\n` +
        `Empty both, or keep both: reset({ except: ['${table}', '${name}'] }).`,
    )
  }
}

function unknownTable(name: string, tables: readonly Table[]): VenomError {
  return new VenomError(
    'BAD_ARGUMENT',
    `sqlite: there is no table "${name}" to reset or to leave out.\n` +
      'It was renamed, or its migration has not run.\n' +
      `These are the tables: ${tables.map((table) => table.name).join(', ') || '(none)'}.`,
  )
}
