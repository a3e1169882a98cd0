import { Trees } from './btree.ts'
import type { Pages } from './pages.ts'
import { type Encoding, type Stored, valuesOf } from './record.ts'

/** One object of a schema: a row of sqlite_schema. */
export interface Entry {
  readonly type: string
  readonly name: string
  readonly table: string
  /** The root of its tree, 0 when it has none. */
  readonly root: number
  readonly sql: string | null
}

/** The objects of a database at one moment, and its trees. */
export class Catalogue {
  readonly trees: Trees
  readonly encoding: Encoding
  readonly entries: ReadonlyMap<string, Entry>

  constructor(pages: Pages) {
    this.trees = new Trees(pages)
    // At 56 in the header, https://sqlite.org/fileformat2.html#enc; 0 in a database that was never written.
    this.encoding = pages.count > 0 ? ((pages.page(1).readUInt32BE(56) || 1) as Encoding) : 1
    const entries = pages.count > 0 ? [...this.#entries(1)] : []
    this.entries = new Map(entries.map((entry) => [`${entry.type} ${entry.name}`, entry]))
  }

  /** The tables of the user that have a tree of their own. */
  get tables(): Entry[] {
    return [...this.entries.values()].filter(
      ({ type, name, root }) => type === 'table' && root > 0 && !isInternal(name),
    )
  }

  *#entries(page: number): Iterable<Entry> {
    for (const child of this.trees.children(page)) yield* this.#entries(child)
    for (const { payload } of this.trees.cells(page)) {
      const [type, name, table, root, sql] = valuesOf(payload, this.encoding) as Stored[]
      yield {
        type: String(type),
        name: String(name),
        table: String(table),
        root: Number(root ?? 0),
        sql: sql as string | null,
      }
    }
  }
}

/** Whether a table or index is SQLite's own: `sqlite_sequence`, `sqlite_stat1`, the index of a constraint. */
export function isInternal(name: string): boolean {
  return /^sqlite_/i.test(name)
}
