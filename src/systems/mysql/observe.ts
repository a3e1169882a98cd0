import type { Row } from '../../rollbackable.ts'
import type { Table } from './catalog.ts'
import type { Counters } from './counters.ts'
import type { History } from './history.ts'
import type { Ground } from './install.ts'
import { isLockTimeout } from './refusal.ts'
import type { RawRow } from './session.ts'
import { list, name } from './sql.ts'
import { isInnodb, type Places, type Tracked } from './tracked.ts'
import { rowOf, selected } from './values.ts'

/** The rows of tables as they were read, by name. */
export type Sightings = Map<string, Sighting>

interface Sighting {
  readonly rows: readonly Row[]
  /** InnoDB's number of the table, and the highest entry of its log. */
  readonly id: string
  readonly highest: bigint
}

/**
 * The rows of every table, read at one moment. Tables that were not written to since they were `seen` are not read
 * again; `seen` is brought up to date.
 */
export async function observed(
  ground: Ground,
  history: History,
  seen: Sightings,
): Promise<Readonly<Record<string, readonly Row[]>>> {
  const { session, places } = ground
  // With the gate, nothing is in flight: what was read stays true until a log grows. Without it, nothing is kept.
  const isQuiet = await entered(ground)
  try {
    const counters = await history.counters()
    const { tables, tracking } = await history.present(counters)
    const isFresh = (table: Table): boolean => {
      const [tracked, sighting] = [tracking.get(table.name), seen.get(table.name)]
      return tracked !== undefined && sighting !== undefined && isSame(sighting, tracked, counters)
    }
    const stale = [...tables.values()].filter((table) => !isFresh(table))
    const snapshot = [
      'SET TRANSACTION ISOLATION LEVEL REPEATABLE READ',
      'START TRANSACTION WITH CONSISTENT SNAPSHOT, READ ONLY',
    ]
    const before = isQuiet ? [] : snapshot
    const results = await session.raw([...before, ...stale.map((table) => selectAll(places, table))])
    const read = new Map(stale.map((table, i) => [table.name, rowsIn(table, results[before.length + i]!)]))
    const rows = [...tables.keys()].map((table) => [table, read.get(table) ?? seen.get(table)!.rows] as const)
    for (const [table, rows] of read) {
      const [tracked, id] = [tracking.get(table), counters.tables.get(table)?.id]
      const highest = tracked && counters.logs.get(tracked.number)
      if (isQuiet && id !== undefined && highest !== undefined) seen.set(table, { rows, id, highest })
      else seen.delete(table)
    }
    return Object.fromEntries(rows)
  } finally {
    await session.run(['COMMIT'])
  }
}

/** Goes through the gate if nobody is in flight. */
async function entered({ session, places }: Ground): Promise<boolean> {
  try {
    await session.run(['START TRANSACTION', `SELECT id FROM ${places.own('gate')} WHERE id = 1 FOR UPDATE NOWAIT`])
    return true
  } catch (error) {
    await session.run(['ROLLBACK'])
    if (isLockTimeout(error)) return false
    throw error
  }
}

function isSame({ id, highest }: Sighting, { table, number }: Tracked, { tables, logs }: Counters): boolean {
  return isInnodb(table) && tables.get(table.name)?.id === id && logs.get(number) === highest
}

/** All rows, in an order that depends on nothing but the rows. */
export function selectAll({ table: at }: Places, { name: table, columns, key }: Table): string {
  const order = key ? ` ORDER BY ${list(key.map((column) => `t.${name(column)}`))}` : ''
  return `SELECT ${list(columns.map((column) => selected('t', column, column.name)))} FROM ${at(table)} AS t${order}`
}

/** The rows that were selected. Without a key they have no order of their own. */
export function rowsIn({ key, columns }: Table, raw: readonly RawRow[]): readonly Row[] {
  const rows = raw.map((row) => rowOf(columns, row))
  if (key) return rows
  return rows
    .map((row) => ({ row, as: JSON.stringify(row) }))
    .toSorted((a, b) => (a.as < b.as ? -1 : 1))
    .map(({ row }) => row)
}
