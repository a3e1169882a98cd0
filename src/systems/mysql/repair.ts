import { capturesOf, createCapture } from './capture.sql.ts'
import { Cascades } from './cascade.sql.ts'
import { VenomError } from '../../errors.ts'
import type { Counting } from './counters.ts'
import type { Trigger } from './catalog.ts'
import { type Drift, driftSince, isDrift, refuseLost } from './drift.ts'
import { dropTrigger, guarded, makeTrigger, replaceTriggers } from './guard.ts'
import { type Ground, install } from './install.ts'
import { list, name } from './sql.ts'
import { type Mark, seen } from './state.ts'
import { insertable, type Tracked } from './tracked.ts'

/**
 * Makes the schema what it was at `mark`: what was created goes, triggers come back, and tables that were altered are
 * made again with the rows they hold. Throws `SCHEMA_CHANGED` when rows or columns are gone that no copy holds.
 *
 * `marks` are all that hold; the numbers by which InnoDB knows the tables are brought up to date in them.
 */
export async function repair(ground: Ground, counting: Counting, mark: Mark, marks: readonly Mark[]): Promise<void> {
  const { session, places } = ground
  const { catalog, captures } = await seen(session, places.database)
  const before = await counting.read(session, await session.run(counting.statements()), mark.state.tracking)
  const drift = driftSince(mark, catalog, captures, before)
  refuseLost(drift, mark.name)
  const { created, createdViews, remade } = drift
  if (createdViews.length > 0) await session.run([`DROP VIEW ${list(createdViews.map(places.table))}`])
  if (created.length > 0) await session.run([`DROP TABLE ${list(created.map(places.table))}`])
  for (const table of remade) await remake(ground, mark, mark.state.tracking.get(table)!, catalog.tables.has(table))
  for (const table of drift.triggers.filter((changed) => !remade.includes(changed))) {
    const gone = catalog.triggers.filter((trigger) => trigger.table === table)
    await session.run(gone.map((trigger) => dropTrigger(places.database, trigger.name)))
    for (const trigger of triggersOf(mark, table)) await makeTrigger(session, trigger)
  }
  const made = await install(ground, mark.state.tracking)
  await counting.learn(session, made.tracking)
  const after = await counting.read(session, await session.run(counting.statements()), mark.state.tracking)
  const now = await seen(session, places.database)
  const left = driftSince({ ...mark, counters: after }, now.catalog, now.captures, after)
  if (isDrift(left)) throw notRepaired(mark, left)
  bringUpToDate(mark, marks, after)
}

/** The triggers of the user that a table had at `mark`, in the order in which they fire. */
function triggersOf({ state }: Mark, table: string): readonly Trigger[] {
  return state.catalog.triggers.filter((trigger) => trigger.table === table)
}

/** Makes a table again as it was defined, with the rows that it holds now; a copy fills it later. */
async function remake(
  { session, server, places }: Ground,
  mark: Mark,
  tracked: Tracked,
  isThere: boolean,
): Promise<void> {
  const table = places.table(tracked.table.name)
  const columns = list(insertable(tracked).map(({ column }) => name(column.name)))
  const keep = places.own('r')
  const cascades = new Cascades(server.flavour, places, mark.state.tracking, mark.state.catalog.foreignKeys)
  const captures = capturesOf(places, cascades, tracked)
  const triggers = captures.map((capture) => createCapture(places, tracked.table.name, capture))
  const isKept = isThere && tracked.way === 'log'
  if (isKept) {
    await session.run([
      `DROP TABLE IF EXISTS ${keep}`,
      `CREATE TABLE ${keep} LIKE ${table}`,
      `INSERT INTO ${keep} (${columns}) SELECT ${columns} FROM ${table}`,
    ])
  }
  await session.run([`DROP TABLE IF EXISTS ${table}`, tracked.table.definition])
  const users = triggersOf(mark, tracked.table.name).map(guarded)
  await replaceTriggers(session, places.database, table, [], users, triggers)
  if (isKept)
    await session.run([`INSERT INTO ${table} (${columns}) SELECT ${columns} FROM ${keep}`, `DROP TABLE ${keep}`])
}

/** Marks that knew a table by the number that it had at `mark` know it by its present one. */
export function bringUpToDate(mark: Mark, marks: readonly Mark[], now: Mark['counters']): void {
  const then = mark.counters
  for (const other of marks) {
    const tables = new Map(other.counters.tables)
    for (const [table, counter] of tables) {
      const present = now.tables.get(table)
      if (present && counter.id === then.tables.get(table)?.id) tables.set(table, { ...counter, id: present.id })
    }
    other.counters = { ...other.counters, tables, ...(other === mark && { ddl: now.ddl, truncates: now.truncates }) }
  }
}

function notRepaired(mark: Mark, { created, createdViews, triggers, remade, lost }: Drift): VenomError {
  const differing = [...new Set([...created, ...createdViews, ...triggers, ...remade, ...lost.keys()])]
  return new VenomError(
    'SCHEMA_CHANGED',
    `mysql: the schema could not be made what it was at the checkpoint "${mark.name}": ${differing.join(', ')} differs in its definition.\n` +
      'The server writes a definition down in another way than it was given, or somebody alters tables at this moment.\n' +
      'Change the schema before the world opens.',
  )
}
