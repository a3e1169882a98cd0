import { createHash } from 'node:crypto'
import type { Catalog, Column, ForeignKey, Table } from './catalog.ts'
import { name } from './sql.ts'

/** Where things are, as SQL. */
export interface Places {
  readonly database: string
  /** Our own schema: short, and the same for the same database, so that a later run finds it. */
  readonly schema: string
  /** A table of the user. */
  table(table: string): string
  /** A table of ours. */
  own(table: string): string
}

/** The places of a database. */
export function placesOf(database: string): Places {
  const schema = `vq_${createHash('sha256').update(database).digest('hex').slice(0, 8)}`
  return {
    database,
    schema,
    table: (table) => `${name(database)}.${name(table)}`,
    own: (table) => `${schema}.${table}`,
  }
}

/** A column and the column of the log that holds its image. */
export interface Image {
  readonly column: Column
  /** Ours, short, counted: a user's column may have any name. */
  readonly as: string
}

/**
 * A table and how its rows come back.
 *
 * `log`: a log of row images. `copy`: a copy of the whole table, taken again when it was written to.
 */
export interface Tracked {
  readonly table: Table
  readonly number: number
  readonly way: 'log' | 'copy'
  /** Why it is copied. */
  readonly because?: string
  readonly images: readonly Image[]
  /** The images of the key. */
  readonly key: readonly Image[]
  /** How the table came back while it had another definition. */
  readonly previous?: Tracked | undefined
}

/** How each table comes back, by name. */
export type Tracking = ReadonlyMap<string, Tracked>

/**
 * Chooses how each table comes back. A table that is as it was `before` keeps its log; another definition needs another.
 *
 * `copies` are those that the user asked to copy, `tooWide` those for which no log can be made, `used` the highest
 * number that any log has.
 */
export function trackingOf(
  { tables, foreignKeys }: Catalog,
  copies: true | readonly string[] = [],
  before: Tracking = new Map(),
  tooWide: readonly string[] = [],
  used = 0,
): Tracking {
  let last = used
  return new Map(
    [...tables.values()].map((table): [string, Tracked] => {
      const previous = before.get(table.name)
      const because = whyCopied(table, foreignKeys, copies, tooWide)
      const way = because ? 'copy' : 'log'
      if (previous?.table.shape === table.shape && previous.way === way) return [table.name, previous]
      const images = table.columns.map((column, i) => ({ column, as: `c${i + 1}` }))
      const key = (table.key ?? []).map((part) => images.find(({ column }) => column.name === part)!)
      const tracked = { table, number: ++last, way, images, key } as const
      return [table.name, { ...tracked, ...(because && { because }), ...(previous && { previous }) }]
    }),
  )
}

function whyCopied(
  table: Table,
  foreignKeys: readonly ForeignKey[],
  copies: true | readonly string[],
  tooWide: readonly string[],
): string | undefined {
  if (!isInnodb(table)) return `its engine is ${table.engine}`
  if (!table.key) return 'it has no primary key and no unique key without NULL'
  // Such a row has another key afterwards, and nothing in it tells any more that it referred to that parent.
  const isComputed = table.columns.some(({ name, generated }) => generated && table.key!.includes(name))
  if (isComputed && maySetNull(table.name, foreignKeys))
    return 'its key is computed, and a foreign key may set to null what it is computed from'
  if (tooWide.includes(table.name)) return 'its rows are too wide for a log'
  if (copies === true || copies.includes(table.name)) return 'copy says so'
  return undefined
}

/** Whether a foreign key may set columns of the table to null: its own, or by way of a parent whose columns it follows. */
function maySetNull(table: string, foreignKeys: readonly ForeignKey[]): boolean {
  const followed = new Set([table])
  for (const child of followed) {
    for (const key of foreignKeys.filter((other) => other.child === child)) {
      if (key.onDelete === 'SET NULL' || key.onUpdate === 'SET NULL') return true
      if (key.onUpdate === 'CASCADE') followed.add(key.parent)
    }
  }
  return false
}

/** Whether triggers on the table are in one transaction with it. */
export function isInnodb({ engine }: Table): boolean {
  return engine === 'InnoDB'
}

/** The columns that can be inserted: a generated one is computed again. */
export function insertable({ images }: Tracked): readonly Image[] {
  return images.filter(({ column }) => !column.generated)
}

/** The images that a log must hold: all but generated columns that are no part of the key. */
export function logged({ images, key }: Tracked): readonly Image[] {
  const keys = key.map(({ as }) => as)
  return images.filter(({ column, as }) => !column.generated || keys.includes(as))
}
