import { isDeepStrictEqual } from 'node:util'
import { VenomError } from '../../errors.ts'
import { HARMLESS } from './cascade.sql.ts'
import type { Catalog, Column, ForeignKey, Table, Trigger } from './catalog.ts'
import type { Counters } from './counters.ts'
import { isWritten, type Mark } from './state.ts'
import { isInnodb, type Tracked } from './tracked.ts'

/** How the schema differs from what it was at a mark. */
export interface Drift {
  /** Made since: they go. */
  readonly created: readonly string[]
  readonly createdViews: readonly string[]
  /** Tables whose triggers are made again. */
  readonly triggers: readonly string[]
  /** Tables that are made again, and filled from what they hold now or from their copy. */
  readonly remade: readonly string[]
  /** What cannot be undone, a line each, by table. */
  readonly lost: ReadonlyMap<string, readonly string[]>
}

/** What a schema is compared with. */
type Then = Pick<Mark, 'state' | 'counters' | 'since'>

/** Whether anything must be done. */
export function isDrift({ created, createdViews, triggers, remade, lost }: Drift): boolean {
  return created.length + createdViews.length + triggers.length + remade.length + lost.size > 0
}

/** Compares what there is with what there was at `mark`. `captures` are our triggers that are still there. */
export function driftSince(mark: Then, now: Catalog, captures: readonly Trigger[], counters: Counters): Drift {
  const { catalog, tracking } = mark.state
  const remade: string[] = []
  const lost = new Map<string, readonly string[]>()
  const triggers: string[] = []
  for (const [table, then] of catalog.tables) {
    const present = now.tables.get(table)
    const isCopied = tracking.get(table)?.way === 'copy'
    const isSameTable = mark.counters.tables.get(table)?.id === counters.tables.get(table)?.id
    const isWhole = isSameTable || isSurelyWhole(table, then, mark, captures, counters)
    if (present && !sameTriggers(table, catalog, now)) triggers.push(table)
    if (!present) {
      if (isCopied) remade.push(table)
      else lost.set(table, [`  ${table}: it was dropped`])
    } else if (present.shape !== then.shape) {
      if (isCopied || (isWhole && keepsColumns(then, present))) remade.push(table)
      else lost.set(table, linesOf(then, present))
    } else if (!isWhole && !isCopied) {
      lost.set(table, [`  ${table}: it was emptied by TRUNCATE, or made anew`])
    } else if (!hasCaptures(tracking.get(table)!, captures)) {
      // Dropped and made again just as it was, for instance.
      if (isCopied) remade.push(table)
      else lost.set(table, [`  ${table}: the triggers that remember its changes (vq_…) were dropped`])
    }
  }
  for (const { child, parent } of unlogged(mark, now, counters)) {
    if (remade.includes(child)) remade.splice(remade.indexOf(child), 1)
    lost.set(child, [`  ${child}: a foreign key to ${parent} was added, and may have changed rows that no log has`])
  }
  for (const [view, definition] of catalog.views) {
    if (now.views.get(view) !== definition) lost.set(view, [`  ${view}: the view was changed or dropped`])
  }
  return {
    created: [...now.tables.keys()].filter((table) => !catalog.tables.has(table)),
    createdViews: [...now.views.keys()].filter((view) => !catalog.views.has(view)),
    triggers,
    remade,
    lost,
  }
}

/** Throws `SCHEMA_CHANGED` when something cannot be undone. */
export function refuseLost({ lost }: Drift, mark: string): void {
  if (lost.size === 0) return
  const tables = [...lost.keys()].map((table) => `'${table}'`).join(', ')
  throw new VenomError(
    'SCHEMA_CHANGED',
    `mysql: the schema is not what it was at the checkpoint "${mark}", and this cannot be undone:\n${[...lost.values()].flat().join('\n')}\n` +
      'TRUNCATE, DROP and ALTER fire no triggers, so the rows and columns that they take away are in no log.\n' +
      `Keep copies of these tables: mysql(url, { copy: [${tables}] }). Or change the schema before the world opens.`,
  )
}

/** Another number, the same triggers, and nobody ran TRUNCATE: the server built the table anew with its rows, as OPTIMIZE does. */
function isSurelyWhole(
  table: string,
  then: Table,
  mark: Then,
  captures: readonly Trigger[],
  counters: Counters,
): boolean {
  const isCaptured = hasCaptures(mark.state.tracking.get(table)!, captures)
  return !then.partitioned && counters.truncates === mark.counters.truncates && isCaptured
}

function hasCaptures({ table, number }: Tracked, captures: readonly Trigger[]): boolean {
  if (!isInnodb(table)) return true
  const there = new Set(captures.map(({ name }) => name))
  return ['i', 'u', 'd'].every((letter) => there.has(`vq_${number}${letter}`))
}

/** Foreign keys since `mark` that may have changed rows which no trigger of the parent knew to remember. */
function unlogged({ state, since }: Then, now: Catalog, counters: Counters): readonly ForeignKey[] {
  const { catalog, tracking } = state
  return now.foreignKeys.filter((key) => {
    const [child, parent] = [tracking.get(key.child), tracking.get(key.parent)]
    if (child?.way !== 'log' || !parent || !isWritten(parent, counters, since)) return false
    const isHarmless = HARMLESS.includes(key.onDelete) && HARMLESS.includes(key.onUpdate)
    return !isHarmless && !catalog.foreignKeys.some((then) => isDeepStrictEqual(then, key))
  })
}

/** Whether every column is still there as it was, so that what the table holds is enough. */
function keepsColumns(then: Table, now: Table): boolean {
  return !then.partitioned && then.columns.every((column) => now.columns.some((other) => isSame(column, other)))
}

function isSame(one: Column, other: Column): boolean {
  return (
    one.name === other.name &&
    one.type === other.type &&
    one.generated === other.generated &&
    one.collation?.name === other.collation?.name
  )
}

function sameTriggers(table: string, then: Catalog, now: Catalog): boolean {
  const texts = ({ triggers }: Catalog): string =>
    JSON.stringify(
      triggers
        .filter((trigger) => trigger.table === table)
        .map(({ name, event, timing, body, definer, sqlMode }) => [name, event, timing, body, definer, sqlMode]),
    )
  return texts(then) === texts(now)
}

/** The lines of the definition that went (-) and came (+). */
function linesOf(then: Table, now: Table): readonly string[] {
  const lines = ({ shape }: Table): string[] => shape.split('\n').map((line) => line.trim().replace(/,$/, ''))
  const [was, is] = [lines(then), lines(now)]
  return [
    ...was.filter((line) => !is.includes(line)).map((line) => `  ${then.name}: - ${line}`),
    ...is.filter((line) => !was.includes(line)).map((line) => `  ${then.name}: + ${line}`),
  ]
}
