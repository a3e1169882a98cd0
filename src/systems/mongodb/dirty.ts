import type { Timestamp } from 'mongodb'
import type { Stretch } from './history.ts'
import type { Id } from './raw.ts'

/** One thing that happened, as far as we need to know it. */
export type Entry =
  | { readonly kind: 'row'; readonly op: 'i' | 'u' | 'd'; readonly ns: string; readonly uuid: string; readonly id: Id }
  /** A collection of that name was made, dropped, renamed or altered. */
  | { readonly kind: 'shape'; readonly ns: string }
  | { readonly kind: 'views'; readonly database: string }

/** What happened after one time up to another one. */
export interface Told {
  readonly entries: readonly Entry[]
  readonly upTo: Timestamp
}

/** Tells what happened after one time up to another one, or up to the present: all that was acknowledged by then. */
export interface Log {
  /** `without`: uuids of collections that need not be told of. */
  read(after: Timestamp, upTo?: Timestamp, without?: readonly string[]): Promise<Told>
}

/** A document that may differ between the present and a moment. */
export interface Row {
  readonly id: Id
  /** Whether it was there at the moment. */
  existed: boolean
  /** Whether it is there now. */
  exists: boolean
}

/** The documents of one collection that may differ, or all of them. */
export interface Touched {
  ns: string
  rows: Map<string, Row> | 'all'
  /** How often each row is written at most when it is put back. */
  writes: number
}

/** What may differ between the present and a moment: read from logs, so no document was looked at. */
export class Dirty {
  /** By the uuid of the collection, which outlives its name. */
  readonly collections = new Map<string, Touched>()
  readonly shapes = new Set<string>()
  readonly viewsOf = new Set<string>()

  /** What the stretches between the present and a moment hold, and up to which time the present was told. */
  static async along(path: readonly Stretch[], log: Log): Promise<{ readonly dirty: Dirty; readonly now: Timestamp }> {
    const dirty = new Dirty()
    const told = await Promise.all(path.map(({ after, upTo }) => log.read(after, upTo)))
    let now: Timestamp | undefined
    for (const [index, { upTo, way }] of path.entries()) {
      for (const entry of told[index]?.entries ?? []) dirty.add(entry, way)
      if (!upTo) now = told[index]?.upTo
    }
    if (!now) throw new Error('a path without the present')
    return { dirty, now }
  }

  get isClean(): boolean {
    return this.collections.size === 0 && !this.isReshaped
  }

  get isReshaped(): boolean {
    return this.shapes.size > 0 || this.viewsOf.size > 0
  }

  add(entry: Entry, way: 'up' | 'down' = 'up'): void {
    if (entry.kind === 'shape') this.shapes.add(entry.ns)
    else if (entry.kind === 'views') this.viewsOf.add(entry.database)
    else this.#addRow(entry, way)
  }

  /** Takes over what is known of a row. */
  take(uuid: string, ns: string, row: Row): void {
    const touched = this.collections.get(uuid) ?? { ns, rows: new Map<string, Row>(), writes: 1 }
    this.collections.set(uuid, touched)
    if (touched.rows !== 'all') touched.rows.set(row.id.key, row)
  }

  /** On the way up the first entry says what was before and the last what is now; on the way down the last says what will be. */
  #addRow({ op, ns, uuid, id }: Extract<Entry, { kind: 'row' }>, way: 'up' | 'down'): void {
    const touched = this.collections.get(uuid) ?? { ns, rows: new Map<string, Row>(), writes: 1 }
    this.collections.set(uuid, touched)
    touched.ns = ns
    if (touched.rows === 'all') return
    const row = touched.rows.get(id.key)
    if (!row) touched.rows.set(id.key, firstSeen(id, op, way))
    else if (way === 'down') row.existed = op !== 'd'
    else row.exists = op !== 'd'
  }
}

/**
 * What others wrote while we put `dirty` back, told from the entries of that time; undefined when nobody did. A
 * collection that was put back whole is not looked at.
 */
export function foreign(entries: readonly Entry[], dirty: Dirty): Dirty | undefined {
  const counts = new Map<string, number>()
  const others = new Dirty()
  for (const entry of entries) {
    if (entry.kind !== 'row') {
      if (!dirty.isReshaped) others.add(entry)
      continue
    }
    const touched = dirty.collections.get(entry.uuid)
    if (touched?.rows === 'all') continue
    const row = touched?.rows.get(entry.id.key)
    const counted = `${entry.uuid}${entry.id.key}`
    const writes = touched?.writes ?? 0
    // What was not there and is not has no write of ours.
    const count = (counts.get(counted) ?? (row && !row.existed && !row.exists ? writes : 0)) + 1
    counts.set(counted, count)
    if (row) row.exists = entry.op !== 'd'
    if (row && count <= writes) continue
    if (row) others.take(entry.uuid, entry.ns, row)
    else others.add(entry)
  }
  return others.isClean ? undefined : others
}

function firstSeen(id: Id, op: 'i' | 'u' | 'd', way: 'up' | 'down'): Row {
  return way === 'up'
    ? { id, existed: op !== 'i', exists: op !== 'd' }
    : { id, existed: op !== 'd', exists: op !== 'i' }
}
