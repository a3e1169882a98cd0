import type { Change, Row } from '../../rollbackable.ts'
import type { Control } from './control.ts'
import { quoted } from './place.ts'

/** A table that may differ from what it was at a mark. */
interface ChangedTable {
  readonly rel: string
  readonly shown: string
  readonly name: string
  readonly columns: readonly string[]
  /** The columns that tell its rows apart, if it has such. */
  readonly key: readonly string[]
  readonly isNew: boolean
}

/**
 * What was inserted, updated and deleted since `mark`, per table. Every value is a text as PostgreSQL prints it, or null.
 *
 * A row of a table with a key is updated when the key is there before and after; where there is none, it is deleted
 * and inserted.
 */
export async function changesSince(control: Control, mark: number): Promise<Change[]> {
  const [answer] = await control.query('select venomqa.moved($1) as changed', [mark], 'venomqa_moved')
  if (answer?.['changed'] !== 't') return []
  const tables = (await control.query('select * from venomqa.changed_tables($1)', [mark])).map(
    ({ rel, shown, name, columns, key, is_new }): ChangedTable => ({
      rel: rel!,
      shown: shown!,
      name: name!,
      columns: JSON.parse(columns ?? '[]'),
      key: JSON.parse(key ?? '[]'),
      isNew: is_new === 't',
    }),
  )
  if (tables.length === 0) return []
  const answers = await control.transaction(
    tables.map((table) => `${before(table, mark)};${after(table, mark)}`).join(';'),
  )
  const byName = new Map<string, Rows[]>()
  for (const [i, table] of tables.entries()) {
    const rows = (at: number): Row[] => answers[at]!.rows.map((row) => named(answers[at]!.fields, row))
    byName.set(table.shown, [
      ...(byName.get(table.shown) ?? []),
      { key: table.key, before: rows(2 * i), after: rows(2 * i + 1) },
    ])
  }
  return [...byName].map(([table, parts]) => ({ table, ...compared(parts) })).filter(isChange)
}

/** The table under a name that none of its columns has. */
const ROW = '"venomqa$row"'

/** Rows that are not there before and after, of one table or of one leaf of a partitioned one. */
interface Rows {
  readonly key: readonly string[]
  readonly before: readonly Row[]
  readonly after: readonly Row[]
}

function before({ rel, name, columns, key, isNew }: ChangedTable, mark: number): string {
  if (isNew) return 'select where false'
  return (
    `select ${list(columns, '(given.version)')} from (` +
    `select old_row::${name} as version from venomqa.net(${mark}, ${rel}) where n < 0 offset 0) as given${order(key, '(given.version)')}`
  )
}

function after({ rel, name, columns, key, isNew }: ChangedTable, mark: number): string {
  const rows = `select ${list(columns, ROW)} from only ${name} as ${ROW}`
  if (isNew) return rows + order(key, ROW)
  return `${rows} where ctid = any (array(select at from venomqa.net(${mark}, ${rel}) where n > 0))${order(key, ROW)}`
}

function list(columns: readonly string[], row: string): string {
  return columns.map((column) => `${row}.${quoted(column)}`).join(', ')
}

function order(key: readonly string[], row: string): string {
  return key.length > 0 ? ` order by ${list(key, row)}` : ''
}

/** A row as an object. */
export function named(fields: readonly string[], values: readonly (string | null)[]): Row {
  return Object.fromEntries(fields.map((field, i) => [field, values[i] ?? null]))
}

function compared(parts: readonly Rows[]): Pick<Change, 'inserted' | 'updated' | 'deleted'> {
  const left = new Map<string, Row[]>()
  for (const { key, before } of parts) {
    for (const row of before) left.set(idOf(row, key), [...(left.get(idOf(row, key)) ?? []), row])
  }
  const inserted: Row[] = []
  const updated: { key: Row; before: Row; after: Row }[] = []
  for (const { key, after } of parts) {
    for (const row of after) {
      const was = left.get(idOf(row, key))?.shift()
      if (!was) inserted.push(row)
      else if (idOf(row, []) !== idOf(was, [])) updated.push({ key: only(row, key), ...difference(was, row) })
    }
  }
  return { inserted, updated, deleted: [...left.values()].flat() }
}

/** What tells a row apart: its key, or all of it. */
function idOf(row: Row, key: readonly string[]): string {
  return JSON.stringify(key.length > 0 ? key.map((column) => row[column]) : Object.values(row))
}

function difference(before: Row, after: Row): { before: Row; after: Row } {
  const columns = Object.keys(after).filter((column) => before[column] !== after[column])
  return { before: only(before, columns), after: only(after, columns) }
}

function only(row: Row, columns: readonly string[]): Row {
  return Object.fromEntries(columns.map((column) => [column, row[column]]))
}

function isChange({ inserted, updated, deleted }: Change): boolean {
  return inserted.length + updated.length + deleted.length > 0
}
