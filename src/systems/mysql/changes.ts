import type { Change, Row } from '../../rollbackable.ts'
import { firesForNothing } from './capture.sql.ts'
import type { Catalog, Column } from './catalog.ts'
import type { Copies } from './copies.ts'
import type { RawRow, Session } from './session.ts'
import { list, name } from './sql.ts'
import type { Mark } from './state.ts'
import { type Image, insertable, logged, type Places, type Tracked } from './tracked.ts'
import { rowOf, selected } from './values.ts'

/** What differs between the present and `since`, for tables with a log that were written to. Reads all of them at one moment. */
export async function loggedChanges(
  session: Session,
  places: Places,
  tables: readonly { readonly tracked: Tracked; readonly since: bigint }[],
): Promise<readonly Change[]> {
  if (tables.length === 0) return []
  const selects = tables.map(({ tracked, since }) => compared(places, tracked, since))
  const results = await session.raw([
    'SET TRANSACTION ISOLATION LEVEL REPEATABLE READ',
    'START TRANSACTION WITH CONSISTENT SNAPSHOT, READ ONLY',
    ...selects,
    'COMMIT',
    ...tables.map(({ tracked }) => firesForNothing(places, tracked)),
  ])
  return tables.map(({ tracked }, i) => changeOf(tracked, results[i + 2]!)).filter(isSomething)
}

/** The oldest entry of each row since then, beside the row as it is now. */
function compared({ own, table }: Places, tracked: Tracked, since: bigint): string {
  const log = own(`u${tracked.number}`)
  const key = list(tracked.key.map(({ as }) => as))
  const known = tracked.key.map(({ column, as }) => `t.${name(column.name)} = l.${as}`).join(' AND ')
  const then = logged(tracked).map(({ column, as }) => selected('l', column, as))
  const now = logged(tracked).map(({ column }) => selected('t', column, column.name))
  const isThere = `t.${name(tracked.key[0]!.column.name)} IS NOT NULL`
  return (
    `SELECT ${list(['l.was', isThere, ...then, ...now])} FROM ${log} AS l ` +
    `JOIN (SELECT MIN(seq) AS seq FROM ${log} WHERE seq > ${since} GROUP BY ${key}) AS f ON f.seq = l.seq ` +
    `LEFT JOIN ${table(tracked.table.name)} AS t ON ${known} ORDER BY l.seq`
  )
}

function changeOf(tracked: Tracked, rows: readonly RawRow[]): Change {
  const columns = logged(tracked).map(({ column }) => column)
  const change = { table: tracked.table.name, inserted: [] as Row[], updated: [] as Updated[], deleted: [] as Row[] }
  for (const row of rows) {
    const [was, is] = [row[0]?.toString() === '1', row[1]?.toString() === '1']
    const [before, after] = [row.slice(2, 2 + columns.length), row.slice(2 + columns.length)]
    if (!was && is) change.inserted.push(rowOf(columns, after))
    if (was && !is) change.deleted.push(rowOf(columns, before))
    if (was && is && before.some((cell, i) => !equal(cell, after[i]))) {
      change.updated.push(updateOf(columns, tracked.key, before, after))
    }
  }
  return change
}

type Updated = Change['updated'][number]

function equal(one: Buffer | null | undefined, other: Buffer | null | undefined): boolean {
  return one && other ? one.equals(other) : one === other
}

/**
 * What differs between tables that come back from copies and their copies at `mark`. `present` are the tables as they are
 * now: a column that is gone is as if it were NULL, a table that is gone as if it were empty.
 */
export async function copiedChanges(
  session: Session,
  places: Places,
  copies: Copies,
  mark: Mark,
  tables: readonly Tracked[],
  present: Catalog['tables'],
): Promise<readonly Change[]> {
  const selects = tables.flatMap((tracked) => {
    const copy = copies.of(tracked, mark.copies)
    const columns = insertable(tracked).map(({ column }) => column)
    const select = (from: string, there: (column: Column) => boolean): string => {
      const values = columns.map((column) => (there(column) ? selected('t', column, column.name) : 'NULL'))
      return `SELECT ${list(values)} FROM ${from} AS t`
    }
    const now = present.get(tracked.table.name)
    const isThere = ({ name }: Column): boolean => now!.columns.some((other) => other.name === name)
    return [
      select(copy, () => true),
      now ? select(places.table(tracked.table.name), isThere) : `SELECT 1 FROM ${copy} WHERE FALSE`,
    ]
  })
  const results = await session.raw(selects)
  return tables.map((tracked, i) => copiedChange(tracked, results[2 * i]!, results[2 * i + 1]!)).filter(isSomething)
}

/** Rows with the same key are the same row; without a key, rows only go and come. */
function copiedChange({ table, images, key }: Tracked, then: readonly RawRow[], now: readonly RawRow[]): Change {
  const columns = images.map(({ column }) => column).filter(({ generated }) => !generated)
  const [gone, come] = difference(then, now)
  const at = key.map(({ column }) => columns.indexOf(column))
  const keyOf = (row: RawRow): string => digest(at.map((i) => row[i] ?? null))
  const pairs = new Map(at.length > 0 && !at.includes(-1) ? gone.map((row) => [keyOf(row), row]) : [])
  const change = { table: table.name, inserted: [] as Row[], updated: [] as Updated[], deleted: [] as Row[] }
  const kept = new Set<RawRow>()
  for (const row of come) {
    const before = pairs.get(keyOf(row))
    if (before) {
      kept.add(before)
      change.updated.push(updateOf(columns, key, before, row))
    } else change.inserted.push(rowOf(columns, row))
  }
  change.deleted.push(...gone.filter((row) => !kept.has(row)).map((row) => rowOf(columns, row)))
  return change
}

/** The key, and before and after only what differs. */
function updateOf(columns: readonly Column[], keys: readonly Image[], before: RawRow, after: RawRow): Updated {
  const differing = columns.filter((_, i) => !equal(before[i], after[i])).map(({ name }) => name)
  const [then, now] = [rowOf(columns, before), rowOf(columns, after)]
  const only = (row: Row, names: readonly string[]): Row => Object.fromEntries(names.map((name) => [name, row[name]]))
  const key = keys.map(({ column }) => column.name)
  return { key: only(now, key), before: only(then, differing), after: only(now, differing) }
}

/** What one has more often than the other, both ways. */
function difference(one: readonly RawRow[], other: readonly RawRow[]): [RawRow[], RawRow[]] {
  const counts = new Map<string, number>()
  for (const row of one) counts.set(digest(row), (counts.get(digest(row)) ?? 0) + 1)
  const come = other.filter((row) => {
    const left = counts.get(digest(row)) ?? 0
    if (left > 0) counts.set(digest(row), left - 1)
    return left === 0
  })
  const gone = one.filter((row) => {
    const left = counts.get(digest(row)) ?? 0
    if (left > 0) counts.set(digest(row), left - 1)
    return left > 0
  })
  return [gone, come]
}

function digest(row: RawRow): string {
  return row.map((cell) => (cell === null ? '-' : `${cell.length}:${cell.toString('latin1')}`)).join()
}

function isSomething({ inserted, updated, deleted }: Change): boolean {
  return inserted.length + updated.length + deleted.length > 0
}
