import { createHash } from 'node:crypto'
import { isDeepStrictEqual } from 'node:util'
import { VenomError } from '../../errors.ts'
import type { Change, Row } from '../../rollbackable.ts'
import { bytes, isBytes } from './codecs.ts'
import { notConverted } from './registry.ts'
import type { Dialect } from './dialect.ts'
import type { RawResult } from './result.ts'

/** A table as it is copied and shown. */
export interface Table {
  /** As people call it. */
  readonly name: string
  /** As SQL. */
  readonly sql: string
  readonly columns: readonly Column[]
  /** Whether people need not see it. */
  readonly isInternal: boolean
}

/** A column of a table. */
export interface Column {
  readonly name: string
  readonly isKey: boolean
  readonly isComputed: boolean
  readonly read: string
}

/** The rows of a table at one moment, each under a text that is the same only for the same row. */
export interface TableImage {
  readonly table: Table
  readonly rows: ReadonlyMap<string, Row>
  /** The same only for the same rows. */
  readonly digest: string
}

/** All tables at one moment, by name. */
export type Image = ReadonlyMap<string, TableImage>

/** Runs a statement with values as the driver has them. */
export type RunRaw = (sql: string, params?: readonly unknown[]) => Promise<RawResult>

/** The tables of a database, as its dialect lists them. */
export async function tablesOf(run: RunRaw, { catalog, quote }: Dialect): Promise<readonly Table[]> {
  const { rows } = await run(catalog)
  const tables = new Map<string, Table & { readonly columns: Column[] }>()
  for (const row of rows) {
    const [schema, own] = [String(row['schema']), String(row['table'])]
    const name = schema === '' ? own : `${schema}.${own}`
    const table = tables.get(name) ?? {
      name,
      sql: schema === '' ? quote(own) : quote(schema, own),
      columns: [],
      isInternal: Number(row['internal']) === 1,
    }
    table.columns.push({
      name: String(row['column']),
      isKey: Number(row['key']) > 0,
      isComputed: Number(row['computed']) === 1,
      read: String(row['read']),
    })
    tables.set(name, table)
  }
  return [...tables.values()]
}

/** How an image is read. */
export interface Reading {
  /** How many rows there may be. */
  readonly maxRows: number
  /** Whether rows are written back from it, so that no value may be less exact than what the server has. */
  readonly isExact: boolean
  /** An earlier image: tables that are as they were in it are kept from it, so that marks share what is the same. */
  readonly known: Image | undefined
}

/** Reads all rows. Throws `TOO_LARGE`, and `CONVERSION` for values that the driver parsed. */
export async function imageOf(run: RunRaw, dialect: Dialect, reading: Reading): Promise<Image> {
  const image = new Map<string, TableImage>()
  let count = 0
  for (const table of await tablesOf(run, dialect)) {
    const rows = await rowsOf(run, dialect, table)
    count += rows.length
    if (count > reading.maxRows) throw tooLarge(reading.maxRows)
    if (reading.isExact) for (const row of rows) requireExact(table, row)
    const read = tableImage(table, rows)
    const before = reading.known?.get(table.name)
    const isSame = before?.digest === read.digest && isDeepStrictEqual(before.table, table)
    image.set(table.name, isSame ? before : read)
  }
  return image
}

async function rowsOf(run: RunRaw, { quote, only = '' }: Dialect, { sql, columns }: Table): Promise<readonly Row[]> {
  const list = columns.map(({ name, read }) =>
    read === '' ? quote(name) : `cast(${quote(name)} as ${read}) as ${quote(name)}`,
  )
  return (await run(`select ${list.join(', ')} from ${only} ${sql}`)).rows
}

function tableImage(table: Table, rows: readonly Row[]): TableImage {
  const byText: [text: string, row: Row][] = []
  // Without a key the same row may be there many times.
  const copies = new Map<string, number>()
  for (const row of rows) {
    const text = textOf(row, table.columns)
    const copy = copies.get(text) ?? 0
    copies.set(text, copy + 1)
    byText.push([`${text}${copy}`, row])
  }
  const sorted = new Map(byText.toSorted(([a], [b]) => (a < b ? -1 : 1)))
  const hash = createHash('sha256')
  for (const text of sorted.keys()) hash.update(text).update('\n')
  return { table, rows: sorted, digest: hash.digest('hex') }
}

function textOf(row: Row, columns: readonly Column[]): string {
  return JSON.stringify(columns.map(({ name }) => cellText(row[name])))
}

/** A value as text that no other value has, of another type neither. */
function cellText(value: unknown): string | null {
  if (value === null || value === undefined) return null
  if (typeof value === 'string') return `s${value}`
  if (typeof value === 'number') return `f${Object.is(value, -0) ? '-0' : value}`
  if (typeof value === 'bigint' || typeof value === 'boolean') return `${typeof value} ${value}`
  return isBytes(value) ? `b${bytes(value).toString('base64')}` : `j${JSON.stringify(value)}`
}

/** What a driver parsed may have lost digits, and is written by it in another way than it was read. */
function requireExact({ name, columns }: Table, row: Row): void {
  for (const column of columns) {
    const value = row[column.name]
    if (typeof value !== 'object' || value === null || isBytes(value)) continue
    throw notConverted(
      value,
      `a value of ${name}.${column.name} that can be written back exactly`,
      'Have the driver hand out text, numbers, bigints or bytes, and nothing that it parsed.',
    )
  }
}

/** What differs between two images of one table. */
export interface Difference {
  readonly table: Table
  /** All rows of the earlier one. */
  readonly was: readonly Row[]
  /** The rows that only the earlier one has. */
  readonly gone: readonly Row[]
  /** The rows that only the later one has. */
  readonly come: readonly Row[]
}

/** What differs in each table; of one that came or went, all rows. */
export function differences(then: Image, now: Image): Difference[] {
  const names = [...new Set([...then.keys(), ...now.keys()])]
  return names.flatMap((name) => {
    const [before, after] = [then.get(name), now.get(name)]
    const table = after?.table ?? before?.table
    if (!table || after?.digest === before?.digest) return []
    const rowsOnlyIn = (one: TableImage | undefined, other: TableImage | undefined): Row[] =>
      [...(one?.rows ?? [])].filter(([text]) => !other?.rows.has(text)).map(([, row]) => row)
    return [
      {
        table,
        was: [...(before?.rows.values() ?? [])],
        gone: rowsOnlyIn(before, after),
        come: rowsOnlyIn(after, before),
      },
    ]
  })
}

/** Throws `SCHEMA_CHANGED` when the tables or their columns are not the same. */
export function requireSameSchema(backend: string, then: Image, now: Image): void {
  const names = [...new Set([...then.keys(), ...now.keys()])]
  const changed = names.filter((name) => !isDeepStrictEqual(then.get(name)?.table, now.get(name)?.table))
  if (changed.length > 0) throw schemaChanged(backend, changed)
}

/** Differences as people read them: a row that went and came under one key was updated. */
export function changesOf(differing: readonly Difference[]): Change[] {
  return differing.filter(({ table }) => !table.isInternal).map(changeOf)
}

function changeOf({ table, gone, come }: Difference): Change {
  const keys = table.columns.filter(({ isKey }) => isKey)
  const keyOf = (row: Row): string => textOf(row, keys)
  const arrived = new Map(come.map((row) => [keys.length === 0 ? row : keyOf(row), row] as const))
  const updated: { key: Row; before: Row; after: Row }[] = []
  const deleted: Row[] = []
  for (const row of gone) {
    const after = keys.length === 0 ? undefined : arrived.get(keyOf(row))
    if (!after) {
      deleted.push(row)
      continue
    }
    arrived.delete(keyOf(row))
    const differing = table.columns.filter(({ name }) => cellText(row[name]) !== cellText(after[name]))
    updated.push({ key: picked(row, keys), before: picked(row, differing), after: picked(after, differing) })
  }
  return { table: table.name, inserted: [...arrived.values()].map(plain), updated, deleted: deleted.map(plain) }
}

function picked(row: Row, columns: readonly Column[]): Row {
  return plain(Object.fromEntries(columns.map(({ name }) => [name, row[name]])))
}

/** An image as plain data: the rows of each table, in an order that only their content decides. */
export function dataOf(image: Image): Record<string, readonly Row[]> {
  const shown = [...image.values()].filter(({ table }) => !table.isInternal)
  return Object.fromEntries(shown.map(({ table, rows }) => [table.name, [...rows.values()].map(plain)]))
}

/** A row with its bytes as Buffers, however the driver holds them. */
function plain(row: Row): Row {
  return Object.fromEntries(Object.entries(row).map(([name, value]) => [name, isBytes(value) ? bytes(value) : value]))
}

function tooLarge(maxRows: number): VenomError {
  return new VenomError(
    'TOO_LARGE',
    `The tables hold more than ${maxRows} rows, all of which would be read at each checkpoint.\n` +
      'A backend made with the kit knows no log of its database, so it compares rows.\n' +
      'Test with less data, or raise maxRows if the time and memory are there.',
  )
}

function schemaChanged(backend: string, tables: readonly string[]): VenomError {
  return new VenomError(
    'SCHEMA_CHANGED',
    `${backend}: the schema is not what it was at the checkpoint: ${tables.join(', ')}.\n` +
      'A table came, went or has other columns, which rows cannot undo.\n' +
      "Run migrations before the world opens; or use way 'savepoints' where the database undoes a change of schema.",
  )
}
