import type { Timestamp } from 'mongodb'
import type { Change } from '../../rollbackable.ts'
import type { Catalog, Collection } from './catalog.ts'
import { collectionChange, documentChange, type Images, imagesOf, viewChange, withContent } from './compare.ts'
import type { Dirty, Touched } from './dirty.ts'
import { split } from './scope.ts'
import { parts, past, type Store } from './store.ts'

/** Lists how the present differs from a time, with the documents of both. */
export class Differences {
  readonly #store: Store
  readonly #catalog: Catalog
  readonly #at: Timestamp

  constructor(store: Store, catalog: Catalog, at: Timestamp) {
    this.#store = store
    this.#catalog = catalog
    this.#at = at
  }

  /** Only what is in `dirty` can differ, and only that is read. */
  async list(dirty: Dirty): Promise<readonly Change[]> {
    const [then, now] = await Promise.all([
      this.#catalog.collections(dirty.shapes, this.#at),
      this.#catalog.collections(dirty.shapes),
    ])
    const uuids = new Set([...then.keys(), ...now.keys(), ...dirty.collections.keys()])
    const documents = await Promise.all(
      [...uuids].map((uuid) => this.#documents(dirty, uuid, then.get(uuid), now.get(uuid))),
    )
    const views = await Promise.all([...dirty.viewsOf].map((database) => this.#views(database)))
    return withContent([...documents, collectionChange(this.#store.codec, then, now), ...views])
  }

  async #documents(dirty: Dirty, uuid: string, then?: Collection, now?: Collection): Promise<Change> {
    const touched = dirty.collections.get(uuid)
    const known = touched && !then && !now && !dirty.shapes.has(touched.ns) ? touched.ns : undefined
    const was = then?.ns ?? known
    const is = now?.ns ?? known
    const ids = was === undefined || is === undefined ? undefined : idsOf(touched)
    const [before, after] = await Promise.all([
      was === undefined ? NONE : this.#read(was, ids, this.#at),
      is === undefined ? NONE : this.#read(is, ids),
    ])
    return documentChange(this.#store.codec, is ?? was ?? '.', before, after)
  }

  async #read(ns: string, ids: readonly unknown[] | undefined, at?: Timestamp): Promise<Images> {
    const [database, find] = split(ns)
    const filters = ids ? parts(ids).map(($in) => ({ _id: { $in } })) : [{}]
    const read = filters.map((filter) => this.#store.read(database, { find, filter, ...past(at) }))
    return imagesOf(this.#store.codec, (await Promise.all(read)).flat())
  }

  async #views(database: string): Promise<Change> {
    const [then, now] = await Promise.all([this.#catalog.views(database, this.#at), this.#catalog.views(database)])
    return viewChange(this.#store.codec, then, now)
  }
}

const NONE: Images = new Map()

/** Undefined for all. */
function idsOf(touched: Touched | undefined): readonly unknown[] | undefined {
  if (!touched) return []
  // An id that does not serialise to itself cannot be asked for.
  if (touched.rows === 'all' || [...touched.rows.values()].some(({ id }) => id.lossy)) return undefined
  return Array.from(touched.rows.values(), ({ id }) => id.value)
}
