import type { Document, Timestamp } from 'mongodb'
import type { Catalog } from './catalog.ts'
import type { Row, Touched } from './dirty.ts'
import type { Id } from './raw.ts'
import { isBuckets, split } from './scope.ts'
import { codeOf, parts, past, type Store } from './store.ts'

/** Keeps the stored form where `whenMatched: 'replace'` refuses names such as `$a`, and where an insert would date a zero timestamp. */
const REPLACE = [{ $replaceWith: '$$new' }]
/** The same, but fails where nothing differs, which the server would not log: when it passes, each document has an entry. */
const REPLACE_EACH = [{ $replaceWith: { $cond: [{ $ne: ['$$ROOT', '$$new'] }, '$$new', null] } }]
/** Up to so many documents it is tried first that each differs. */
const FEW = 200
/** So many documents the server deletes in one entry of its log, or fewer. */
const DELETED_AT_ONCE = 10
const DUPLICATE_KEY = 11000
/** What is to become the document is none: our way of letting the server refuse. */
const NO_DOCUMENT = 40228

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

  /**
   * Afterwards `touched` says what was written: which rows and how often at most, or all. Answers with how many entries
   * the server's log has got by it at least, NaN where that is not known.
   */
  async run(): Promise<number> {
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
      return this.#rows([...rows.values()])
    }
    return Number.NaN
  }

  async #mustBeWhole(rows: readonly Row[]): Promise<boolean> {
    if (rows.some(({ id }) => id.lossy)) return true
    // A document that comes back goes to the end; in a capped collection its place is its state.
    const displaced = rows.some(({ existed, exists }) => existed && !exists)
    return displaced && (this.#exactOrder || (await this.#isCapped()))
  }

  async #rows(rows: readonly Row[]): Promise<number> {
    const ids = (wanted: (row: Row) => boolean): Id['value'][] => rows.filter(wanted).map(({ id }) => id.value)
    const gone = ids(({ existed, exists }) => existed && !exists)
    const changed = ids(({ existed, exists }) => existed && exists)
    const added = ids(({ existed, exists }) => !existed && exists)
    const work = await Promise.allSettled([
      ...parts(changed).map((part) => this.#replace(part)),
      // What is there no more comes after what was not there: it may have the same unique value.
      this.#remove(added).then(async (removed) => removed + (await this.#insertParts(gone))),
    ])
    const failures = work.flatMap((it) => (it.status === 'rejected' ? [it.reason as unknown] : []))
    if (failures.length === 0) {
      return work.reduce((sum, it) => sum + (it.status === 'fulfilled' ? it.value : Number.NaN), 0)
    }
    for (const failure of failures) if (codeOf(failure) !== DUPLICATE_KEY) throw failure
    // Documents swapped a unique value: room must be made first.
    this.#touched.writes = 3
    await this.#remove([...changed, ...gone])
    await this.#insertParts([...changed, ...gone])
    return Number.NaN
  }

  /** Puts documents back that are there. */
  async #replace(ids: readonly unknown[]): Promise<number> {
    const chosen = [matching(ids)]
    if (ids.length <= FEW && (await this.#passes(chosen, REPLACE_EACH))) return ids.length
    await this.#merge(chosen, REPLACE)
    return Number.NaN
  }

  async #insertParts(ids: readonly unknown[]): Promise<number> {
    let least = 0
    for (const part of parts(ids)) least += await this.#insert(part)
    return least
  }

  /** Inserts documents that are not there, by default all. */
  async #insert(ids?: readonly unknown[]): Promise<number> {
    const chosen = ids ? [matching(ids)] : []
    // An insert puts the present time into a zero timestamp at the top level; a replacement leaves it.
    if (await this.#passes([...chosen, this.#refusingZero], 'fail')) return 1
    this.#touched.writes += 1
    await this.#merge(chosen, REPLACE)
    await this.#merge(chosen, REPLACE)
    return Number.NaN
  }

  /** Whether it was not refused by a condition of ours. */
  async #passes(pipeline: readonly Document[], whenMatched: 'fail' | readonly Document[]): Promise<boolean> {
    try {
      await this.#merge(pipeline, whenMatched)
      return true
    } catch (error) {
      if (codeOf(error) === NO_DOCUMENT) return false
      throw error
    }
  }

  get #refusingZero(): Document {
    const values = { $map: { input: { $objectToArray: '$$ROOT' }, in: '$$this.v' } }
    const isZero = { $in: [new this.#store.driver.Timestamp({ t: 0, i: 0 }), values] }
    return { $replaceWith: { $cond: [isZero, null, '$$ROOT'] } }
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

  async #remove(ids: readonly unknown[]): Promise<number> {
    let least = 0
    for (const part of parts(ids)) {
      const statements = part.length <= FEW ? parts(part, DELETED_AT_ONCE) : [part]
      const deletes = statements.map(($in) => ({ q: { _id: { $in } }, limit: 0 }))
      const { n } = await this.#write({ delete: this.#collection, deletes })
      least += n === part.length ? statements.length : Number.NaN
    }
    return least
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

  async #write(command: Document): Promise<Document> {
    const reply = await this.#store.write(this.#database, command)
    const [failed] = (reply['writeErrors'] ?? []) as readonly { readonly code: number; readonly errmsg: string }[]
    if (failed) throw Object.assign(new Error(failed.errmsg), { code: failed.code })
    return reply
  }
}

function matching(ids: readonly unknown[]): Document {
  return { $match: { _id: { $in: ids } } }
}
