import type { Timestamp } from 'mongodb'
import type { Change, Row } from '../../rollbackable.ts'
import type { Catalog, Collection } from './catalog.ts'
import type { Dirty, Touched } from './dirty.ts'
import type { Doc } from './raw.ts'
import { split, userName } from './scope.ts'
import { normal, Shapes } from './shape.ts'
import { parts, past, type Store } from './store.ts'

/** Lists how the present differs from a time, with the documents of both. */
export class Differences {
  readonly #store: Store
  readonly #catalog: Catalog
  readonly #at: Timestamp
  readonly #shapes: Shapes

  constructor(store: Store, catalog: Catalog, at: Timestamp) {
    this.#store = store
    this.#catalog = catalog
    this.#at = at
    this.#shapes = new Shapes(store.codec)
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
    const changes = [...documents, this.#collections(then, now), ...views]
    return changes.filter(({ inserted, updated, deleted }) => inserted.length + updated.length + deleted.length > 0)
  }

  async #documents(dirty: Dirty, uuid: string, then?: Collection, now?: Collection): Promise<Change> {
    const touched = dirty.collections.get(uuid)
    const known = touched && !then && !now && !dirty.shapes.has(touched.ns) ? touched.ns : undefined
    const was = then?.ns ?? known
    const is = now?.ns ?? known
    const whole = was === undefined || is === undefined
    const [before, after] = await Promise.all([
      was === undefined ? NONE : this.#read(was, whole ? undefined : idsOf(touched), this.#at),
      is === undefined ? NONE : this.#read(is, whole ? undefined : idsOf(touched)),
    ])
    return this.#compared(userName(split(is ?? was ?? '.')[1]), before, after)
  }

  #compared(collection: string, before: Images, after: Images): Change {
    const { codec } = this.#store
    const inserted: Row[] = []
    const updated: Change['updated'][number][] = []
    const deleted: Row[] = []
    for (const [key, image] of after) {
      const old = before.get(key)
      if (!old) inserted.push(codec.plain(image))
      else if (Buffer.compare(old, image) !== 0) updated.push(this.#difference(old, image))
    }
    for (const [key, image] of before) if (!after.has(key)) deleted.push(codec.plain(image))
    return { collection, inserted, updated, deleted }
  }

  /** The fields that differ. */
  #difference(old: Uint8Array, image: Uint8Array): Change['updated'][number] {
    const { codec } = this.#store
    const [before, after] = [codec.plain(old), codec.plain(image)]
    const key = { _id: after['_id'] }
    for (const field of Object.keys(before)) {
      if (!(field in after) || codec.bytes(before[field]) !== codec.bytes(after[field])) continue
      delete before[field]
      delete after[field]
    }
    return { key, before, after }
  }

  async #read(ns: string, ids: readonly unknown[] | undefined, at?: Timestamp): Promise<Images> {
    const [database, find] = split(ns)
    const filters = ids ? parts(ids).map(($in) => ({ _id: { $in } })) : [{}]
    const read = filters.map((filter) => this.#store.read(database, { find, filter, ...past(at) }))
    const documents = (await Promise.all(read)).flat()
    return new Map(documents.map((document) => [this.#store.codec.idOf(document).key, document]))
  }

  #collections(then: ReadonlyMap<string, Collection>, now: ReadonlyMap<string, Collection>): Change {
    const inserted: Row[] = []
    const updated: Change['updated'][number][] = []
    const deleted: Row[] = []
    for (const [uuid, collection] of now) {
      const old = then.get(uuid)
      if (!old) inserted.push(this.#plainOf(collection))
      else if (!this.#same(old, collection))
        updated.push({ before: this.#plainOf(old), after: this.#plainOf(collection) })
    }
    for (const [uuid, collection] of then) if (!now.has(uuid)) deleted.push(this.#plainOf(collection))
    return { collection: '(collections)', inserted, updated, deleted }
  }

  #same(one: Collection, other: Collection): boolean {
    const indexes = ({ indexes }: Collection): Doc => new Map([...indexes].toSorted(([a], [b]) => (a < b ? -1 : 1)))
    return (
      one.ns === other.ns &&
      this.#shapes.sameOptions(one.options, other.options) &&
      this.#shapes.same(indexes(one), indexes(other))
    )
  }

  async #views(database: string): Promise<Change> {
    const [then, now] = await Promise.all([this.#catalog.views(database, this.#at), this.#catalog.views(database)])
    const inserted = [...now].filter(([ns]) => !then.has(ns)).map(([, view]) => this.#store.codec.promoted(view))
    const deleted = [...then].filter(([ns]) => !now.has(ns)).map(([, view]) => this.#store.codec.promoted(view))
    const updated = [...now].flatMap(([ns, view]) => {
      const old = then.get(ns)
      return old && !this.#shapes.same(old, view)
        ? [{ before: this.#store.codec.promoted(old), after: this.#store.codec.promoted(view) }]
        : []
    })
    return { collection: '(views)', inserted, updated, deleted }
  }

  #plainOf({ ns, options, indexes }: Collection): Row {
    const [, name] = split(ns)
    const shape: Doc = new Map<string, unknown>([
      ['collection', userName(name)],
      ['options', normal(options)],
      ['indexes', [...indexes.values()]],
    ])
    return this.#store.codec.promoted(shape)
  }
}

type Images = ReadonlyMap<string, Uint8Array>
const NONE: Images = new Map()

/** Undefined for all. */
function idsOf(touched: Touched | undefined): readonly unknown[] | undefined {
  if (!touched) return []
  return touched.rows === 'all' ? undefined : Array.from(touched.rows.values(), ({ id }) => id.value)
}
