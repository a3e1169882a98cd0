import type { Change, Row } from '../../rollbackable.ts'
import type { Cell } from './btree.ts'
import { Catalogue, type Entry, isInternal } from './catalogue.ts'
import type { Connection, Driver } from './connection.ts'
import { fullTextTables } from './full-text.ts'
import type { Moments } from './pages.ts'
import type { Encoding, Stored } from './record.ts'
import { isSame, type Shape, Shapes, shown } from './shape.ts'
import { Touched } from './touched.ts'

type Values = ReadonlyMap<string, Stored>
type Id = number | bigint | string

/** The rows of a table that may differ, at one moment. */
interface Side {
  readonly shape: Shape | undefined
  readonly cells: readonly Cell[]
  readonly encoding: Encoding
}

/**
 * What differs between two moments of a database, table by table; a change of the schema as rows of `sqlite_schema`.
 *
 * It is decoded from the pages that differ. That costs reading the inner pages of all tables (about one page in three
 * hundred) and the rows of the pages that differ; all rows once, when a row longer than a page was overwritten in place.
 * Columns that are computed when they are read (VIRTUAL) are left out. Of a full-text table there is its text.
 */
export function changesBetween(moments: Moments, present: Connection, driver: Driver): Change[] {
  const [past, now] = [new Catalogue(moments.past), new Catalogue(moments.now)]
  const shapes = new Shapes(present, driver)
  const touched = new Touched(past, now, moments.between)
  const text = fullTextTables([past, now], present)
  const changes = [schemaChange(past, now)]
  for (const name of new Set([...past.tables, ...now.tables].map((table) => table.name).toSorted())) {
    const [before, after] = touched.cells(name)
    if (text.isHidden(name) || (before.length === 0 && after.length === 0)) continue
    const [was, is] = [past.entries.get(`table ${name}`), now.entries.get(`table ${name}`)]
    const isPresent = (entry: Entry): boolean => entry.sql === is?.sql
    const shapeOf = (entry: Entry | undefined): Shape | undefined =>
      entry && shapes.of(name, entry.sql ?? '', isPresent(entry))
    const change = difference(
      name,
      { shape: shapeOf(was), cells: before, encoding: past.encoding },
      { shape: shapeOf(is), cells: after, encoding: now.encoding },
      shapes,
    )
    changes.push(text.shown(change))
  }
  return changes.filter(({ inserted, updated, deleted }) => inserted.length + updated.length + deleted.length > 0)
}

function difference(table: string, past: Side, now: Side, shapes: Shapes): Change {
  const values = ({ shape, encoding }: Side, cell: Cell): Values => shapes.row(shape!, cell, encoding)
  const [gone, fresh] = withoutSame(past, now)
  const deleted = new Map(gone.map((cell) => [idOf(past, cell, values(past, cell)), values(past, cell)]))
  const inserted: Values[] = []
  const updated: Change['updated'][number][] = []
  for (const cell of fresh) {
    const after = values(now, cell)
    const id = idOf(now, cell, after)
    const before = deleted.get(id)
    if (before) updated.push(...update(now.shape!, shapes, before, after, cell.rowid))
    else inserted.push(after)
    deleted.delete(id)
  }
  return { table, inserted: inserted.map(shown), updated, deleted: [...deleted.values()].map(shown) }
}

/** The rows of both moments without those that are stored at both in the same way: most, in a page that differs. */
function withoutSame(past: Side, now: Side): [gone: readonly Cell[], fresh: readonly Cell[]] {
  if (past.shape !== now.shape) return [past.cells, now.cells]
  const idAsStored = ({ rowid, payload }: Cell): Id => (now.shape!.hasRowid ? rowid : payload.toString('latin1'))
  const gone = new Map(past.cells.map((cell) => [idAsStored(cell), cell]))
  const fresh = now.cells.filter((cell) => {
    const id = idAsStored(cell)
    const isSame = gone.get(id)?.payload.equals(cell.payload) ?? false
    if (isSame) gone.delete(id)
    return !isSame
  })
  return [[...gone.values()], fresh]
}

/** A row is the same to its readers when its primary key is: its rowid may be another row's the next moment. */
function idOf(side: Side, { rowid }: Cell, row: Values): Id {
  return keyOf(side, row) ?? rowid
}

/** The values of the primary key as text; undefined when there is none, or one is NULL, which SQLite lets two rows have. */
function keyOf({ shape }: Side, row: Values): string | undefined {
  const key = shape!.key.map(({ name }) => row.get(name) ?? null)
  if (key.length === 0 || key.includes(null)) return undefined
  return JSON.stringify(
    key.map((value) => [typeof value, Buffer.isBuffer(value) ? value.toString('hex') : String(value)]),
  )
}

/**
 * A row that is there at both moments; nothing when it is stored differently and reads the same. A column that was added
 * meanwhile changes no row, unless the row has another value in it than all rows got; nor does one that was dropped, for
 * its values are not in every row's page.
 */
function update(shape: Shape, shapes: Shapes, before: Values, after: Values, rowid: Cell['rowid']): Change['updated'] {
  const names = [...new Set([...before.keys(), ...after.keys()])]
  const was = (name: string): Stored | undefined => (before.has(name) ? before.get(name) : shapes.added(shape, name))
  const differing = names.filter((name) => !isSame(was(name), after.get(name)))
  if (!differing.some((name) => after.has(name))) return []
  const only = (row: Values, columns: readonly string[]): Row =>
    shown(new Map(columns.flatMap((name) => (row.has(name) ? [[name, row.get(name)!]] : []))))
  const key = shape.key.map(({ name }) => name)
  return [
    {
      key: key.length > 0 ? only(before, key) : { rowid },
      before: only(before, differing),
      after: only(after, differing),
    },
  ]
}

function schemaChange(past: Catalogue, now: Catalogue): Change {
  const row = ({ type, name, table, sql }: Entry): Row => ({ type, name, tbl_name: table, sql })
  const ofUser = ({ entries }: Catalogue): [string, Entry][] => [...entries].filter(([, { name }]) => !isInternal(name))
  const updated = ofUser(now).flatMap(([id, after]) => {
    const before = past.entries.get(id)
    if (!before || (before.sql === after.sql && before.table === after.table)) return []
    return [{ key: { type: after.type, name: after.name }, before: row(before), after: row(after) }]
  })
  const only = (one: Catalogue, other: Catalogue): Row[] =>
    ofUser(one)
      .filter(([id]) => !other.entries.has(id))
      .map(([, entry]) => row(entry))
  return { table: 'sqlite_schema', inserted: only(now, past), updated, deleted: only(past, now) }
}
