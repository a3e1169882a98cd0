import { VenomError } from '../../errors.ts'
import type { Change } from '../../rollbackable.ts'
import type { Catalog, Collection } from './catalog.ts'
import { collectionChange, documentChange, imagesOf, viewChange, withContent } from './compare.ts'
import { copyDocuments, dropEmptyViews, makeCollection } from './make.ts'
import { LEASES, type Quiet } from './quiet.ts'
import type { Doc } from './raw.ts'
import { type Scope, split, userName } from './scope.ts'
import { Shapes } from './shape.ts'
import { type Kept, Still } from './still.ts'
import type { Store } from './store.ts'

/** How often a copy is made anew because somebody wrote meanwhile. */
const TRIES = 3

/** What there is now. */
interface Present {
  readonly collections: ReadonlyMap<string, Collection>
  readonly views: ReadonlyMap<string, Doc>
  readonly hashes: ReadonlyMap<string, string>
}

/**
 * Goes back by copies, where a server cannot read its own past: a mark copies the collections that are not as in any
 * copy yet (`dbHash` says so), a rollback makes those anew that differ. Both cost by what there is.
 */
export class Copies {
  readonly #store: Store
  readonly #scope: Scope
  readonly #catalog: Catalog
  readonly #quiet: Quiet
  readonly #shapes: Shapes
  /** Of each collection by its content: where its copy is, and how many states need it. */
  readonly #copies = new Map<string, { readonly copy: string; users: number }>()
  #made = 0

  constructor(store: Store, scope: Scope, catalog: Catalog, quiet: Quiet) {
    this.#store = store
    this.#scope = scope
    this.#catalog = catalog
    this.#quiet = quiet
    this.#shapes = new Shapes(store.codec)
  }

  /** Throws `NOT_QUIET`. */
  async checkpoint(name: string): Promise<Still> {
    for (let tries = 1; ; tries += 1) {
      await this.#quiet.wait(`the checkpoint "${name}"`)
      const { collections, views, hashes } = await this.#present()
      const kept = new Map<string, Kept>()
      for (const [ns, collection] of collections) kept.set(ns, await this.#kept(collection, hashes.get(ns) ?? ''))
      const still = new Still(name, kept, views)
      const after = await this.#hashes()
      const moved = [...hashes].find(([ns, hash]) => after.get(ns) !== hash)?.[0]
      if (moved === undefined && after.size === hashes.size) return still
      await this.release(still)
      if (tries === TRIES) throw keepsWriting(name, moved ?? this.#scope.name)
    }
  }

  /** Throws `NOT_QUIET`. */
  async rollback(still: Still): Promise<void> {
    await this.#quiet.wait(`the rollback to "${still.name}"`)
    const present = await this.#present()
    for (const [ns, view] of present.views) {
      if (!this.#shapes.same(view, still.views.get(ns))) await this.#drop(ns)
    }
    for (const ns of present.collections.keys()) if (!this.#isAsIn(still, present, ns)) await this.#drop(ns)
    for (const [ns, { collection, copy }] of still.collections) {
      if (this.#isAsIn(still, present, ns)) continue
      await makeCollection(this.#store, this.#catalog, ns, collection)
      await copyDocuments(this.#store, copy, ns)
    }
    for (const [ns, view] of still.views) {
      if (this.#shapes.same(view, present.views.get(ns))) continue
      const { _id, ...options } = Object.fromEntries(view)
      const [database, create] = split(ns)
      await this.#store.write(database, { create, ...options })
    }
    for (const database of this.#scope.databases) await dropEmptyViews(this.#store, database)
  }

  /** What differs from a state. */
  async changes(still: Still): Promise<readonly Change[]> {
    const { codec } = this.#store
    const present = await this.#present()
    const then = new Map([...still.collections].map(([ns, { collection }]) => [ns, collection]))
    const namespaces = new Set([...then.keys(), ...present.collections.keys()])
    const differing = [...namespaces].filter((ns) => present.hashes.get(ns) !== still.collections.get(ns)?.hash)
    const documents = differing.map(async (ns) => {
      const copy = still.collections.get(ns)?.copy
      const [before, after] = await Promise.all(
        [copy, present.collections.has(ns) ? ns : undefined].map((from) => this.#read(from)),
      )
      return documentChange(codec, ns, imagesOf(codec, before ?? []), imagesOf(codec, after ?? []))
    })
    const collections = collectionChange(codec, then, present.collections)
    return withContent([...(await Promise.all(documents)), collections, viewChange(codec, still.views, present.views)])
  }

  /** Drops the copies that no other state needs. */
  async release(still: Still): Promise<void> {
    for (const { collection, hash, copy } of still.collections.values()) {
      const known = this.#copies.get(keyOf(collection, hash))
      if (!known) continue
      known.users -= 1
      if (known.users > 0) continue
      this.#copies.delete(keyOf(collection, hash))
      await this.#store.write(LEASES, { drop: split(copy)[1] })
    }
  }

  /** Drops all copies. */
  async dropAll(): Promise<void> {
    this.#copies.clear()
    await dropCopies(this.#store, this.#store.name)
  }

  async #kept(collection: Collection, hash: string): Promise<Kept> {
    const key = keyOf(collection, hash)
    const known = this.#copies.get(key)
    if (known) {
      known.users += 1
      return { collection, hash, copy: known.copy }
    }
    const copy = `${LEASES}.${prefixOf(this.#store.name)}${(this.#made += 1)}`
    await copyDocuments(this.#store, collection.ns, copy)
    this.#copies.set(key, { copy, users: 1 })
    return { collection, hash, copy }
  }

  #isAsIn(still: Still, present: Present, ns: string): boolean {
    const [kept, collection] = [still.collections.get(ns), present.collections.get(ns)]
    if (!kept || !collection || kept.hash !== present.hashes.get(ns)) return false
    return this.#shapes.sameCollection(kept.collection, collection)
  }

  async #present(): Promise<Present> {
    const { databases } = this.#scope
    const namespaces = await this.#catalog.namespaces()
    const [found, views, hashes] = await Promise.all([
      this.#catalog.collections(namespaces),
      Promise.all(databases.map((database) => this.#catalog.views(database))),
      this.#hashes(),
    ])
    const collections = new Map(Array.from(found.values(), (collection) => [collection.ns, collection]))
    return { collections, views: new Map(views.flatMap((it) => [...it])), hashes }
  }

  async #hashes(): Promise<ReadonlyMap<string, string>> {
    const hashes = new Map<string, string>()
    for (const database of this.#scope.databases) {
      const { collections } = await this.#store.ask(database, { dbHash: 1 })
      for (const [name, hash] of Object.entries(collections as Record<string, string>)) {
        const ns = `${database}.${name}`
        if (this.#scope.holds(ns) && name !== 'system.views') hashes.set(ns, hash)
      }
    }
    return hashes
  }

  async #read(ns: string | undefined): Promise<readonly Uint8Array[]> {
    if (ns === undefined) return []
    const [database, find] = split(ns)
    return this.#store.read(database, { find })
  }

  async #drop(ns: string): Promise<void> {
    const [database, name] = split(ns)
    await this.#store.write(database, { drop: userName(name) })
  }
}

/** Drops the copies that were made under the name of a connection, ours or that of a killed process. */
export async function dropCopies(store: Store, name: string): Promise<void> {
  const filter = { name: { $regex: `^${prefixOf(name).replaceAll('.', String.raw`\.`)}` } }
  for (const found of await store.read(LEASES, { listCollections: 1, nameOnly: true, filter })) {
    await store.write(LEASES, { drop: String(store.codec.plain(found)['name']) })
  }
}

function prefixOf(name: string): string {
  return `copy.${name.slice(name.indexOf(':') + 1)}.`
}

function keyOf({ ns }: Collection, hash: string): string {
  return `${ns} ${hash}`
}

function keepsWriting(name: string, ns: string): VenomError {
  return new VenomError(
    'NOT_QUIET',
    `mongodb: while the checkpoint "${name}" was copied, somebody kept writing to ${ns}.\n` +
      'A worker, a timer or a request that was not awaited is still at work; its writes belong to no step.\n' +
      'Await it or stop it before the checkpoint, or leave its collection out: mongodb(url, { except }).',
    { retryable: true },
  )
}
