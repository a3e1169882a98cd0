import type { Document, Timestamp } from 'mongodb'
import type { Catalog } from './catalog.ts'
import type { Row, Touched } from './dirty.ts'
import type { Id } from './raw.ts'
import { isBuckets, split } from './scope.ts'
import { codeOf, parts, past, type Store } from './store.ts'

/** Keeps the stored form where `whenMatched: 'replace'` refuses names such as `$a`, and where an insert would date a zero timestamp. */
const REPLACE = [{ $replaceWith: '$$new' }]
const DUPLICATE_KEY = 11000

/** From which past, and how exactly, documents come back. */
export interface RestorePlace {
  readonly store: Store
  readonly catalog: Catalog
  readonly at: Timestamp
  /** Whether documents also come back in the order in which they were stored. */
  readonly exactOrder: boolean
}

/** Puts the documents of one collection back, inside the server: no value but `_id`s crosses this process. */
export class Restore {
  readonly #store: Store
  readonly #catalog: Catalog
  readonly #at: Timestamp
  readonly #uuid: string
  readonly #touched: Touched
  readonly #exactOrder: boolean
  readonly #database: string
  readonly #collection: string

  constructor(place: RestorePlace, uuid: string, touched: Touched) {
    this.#store = place.store
    this.#catalog = place.catalog
    this.#at = place.at
    this.#exactOrder = place.exactOrder
    this.#uuid = uuid
    this.#touched = touched
    ;[this.#database, this.#collection] = split(touched.ns)
  }

  /** Afterwards `touched` says what was written: which rows and how often at most, or all. */
  async run(): Promise<void> {
    const touched = this.#touched
    const { rows } = touched
    if (isBuckets(touched.ns)) {
      touched.writes = 2
      await this.#buckets(rows === 'all' ? undefined : [...rows.values()].map(({ id }) => id.value))
    } else if (rows === 'all') {
      await this.#insert()
    } else if (await this.#mustBeWhole([...rows.values()])) {
      touched.rows = 'all'
      await this.#write({ delete: this.#collection, deletes: [{ q: {}, limit: 0 }] })
      await this.#insert()
    } else {
      await this.#rows([...rows.values()])
    }
  }

  async #mustBeWhole(rows: readonly Row[]): Promise<boolean> {
    if (rows.some(({ id }) => id.lossy)) return true
    // A document that comes back goes to the end; in a capped collection its place is its state.
    const displaced = rows.some(({ existed, exists }) => existed && !exists)
    return displaced && (this.#exactOrder || (await this.#isCapped()))
  }

  async #rows(rows: readonly Row[]): Promise<void> {
    const ids = (wanted: (row: Row) => boolean): Id['value'][] => rows.filter(wanted).map(({ id }) => id.value)
    const gone = ids(({ existed, exists }) => existed && !exists)
    const changed = ids(({ existed, exists }) => existed && exists)
    const work = await Promise.allSettled([
      ...parts(changed).map((part) => this.#merge([matching(part)], REPLACE)),
      // What is there no more comes after what was not there: it may have the same unique value.
      this.#remove(ids(({ existed }) => !existed)).then(() => this.#insertParts(gone)),
    ])
    const failures = work.flatMap((it) => (it.status === 'rejected' ? [it.reason as unknown] : []))
    if (failures.length === 0) return
    for (const failure of failures) if (codeOf(failure) !== DUPLICATE_KEY) throw failure
    // Documents swapped a unique value: room must be made first.
    this.#touched.writes = 3
    await this.#remove([...changed, ...gone])
    await this.#insertParts([...changed, ...gone])
  }

  async #insertParts(ids: readonly unknown[]): Promise<void> {
    for (const part of parts(ids)) await this.#insert(part)
  }

  /** Inserts documents that are not there, by default all. */
  async #insert(ids?: readonly unknown[]): Promise<void> {
    const chosen = ids ? [matching(ids)] : []
    // An insert puts the present time into a zero timestamp at the top level; a replacement leaves it.
    const zero = [...chosen, this.#hasZeroTimestamp]
    const asking = this.#store.read(this.#database, {
      aggregate: this.#collection,
      pipeline: [...zero, { $limit: 1 }, { $project: { _id: 1 } }],
      cursor: {},
      ...past(this.#at),
    })
    const [dated] = await Promise.all([asking, this.#merge(chosen, 'fail')])
    if (dated.length === 0) return
    this.#touched.writes += 1
    await this.#merge(zero, REPLACE)
  }

  get #hasZeroTimestamp(): Document {
    const values = { $map: { input: { $objectToArray: '$$ROOT' }, in: '$$this.v' } }
    return { $match: { $expr: { $in: [new this.#store.driver.Timestamp({ t: 0, i: 0 }), values] } } }
  }

  #merge(pipeline: readonly Document[], whenMatched: 'fail' | readonly Document[]): Promise<unknown> {
    // Without `on`, which a clustered collection refuses.
    const merge = { $merge: { into: this.#collection, whenMatched } }
    return this.#write({
      aggregate: this.#collection,
      pipeline: [...pipeline, merge],
      cursor: {},
      bypassDocumentValidation: true,
      ...past(this.#at),
    })
  }

  async #remove(ids: readonly unknown[]): Promise<void> {
    for (const part of parts(ids)) {
      await this.#write({ delete: this.#collection, deletes: [{ q: { _id: { $in: part } }, limit: 0 }] })
    }
  }

  /** `$merge` refuses the buckets of a time series; a plain write does not. */
  async #buckets(ids: readonly unknown[] | undefined): Promise<void> {
    const filter = ids ? { _id: { $in: ids } } : {}
    const old = await this.#store.read(this.#database, { find: this.#collection, filter, ...past(this.#at) })
    await this.#write({ delete: this.#collection, deletes: [{ q: filter, limit: 0 }] })
    for (const part of parts(old, 500)) {
      const documents = part.map((document) => this.#store.codec.doc(document))
      await this.#write({ insert: this.#collection, documents, bypassDocumentValidation: true })
    }
  }

  #isCapped(): Promise<boolean> {
    return this.#catalog.isCapped(this.#uuid, this.#touched.ns)
  }

  async #write(command: Document): Promise<void> {
    const reply = await this.#store.write(this.#database, command)
    const [failed] = (reply['writeErrors'] ?? []) as readonly { readonly code: number; readonly errmsg: string }[]
    if (failed) throw Object.assign(new Error(failed.errmsg), { code: failed.code })
  }
}

function matching(ids: readonly unknown[]): Document {
  return { $match: { _id: { $in: ids } } }
}
