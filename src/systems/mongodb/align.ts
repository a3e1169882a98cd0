import type { Timestamp } from 'mongodb'
import type { Catalog, Collection } from './catalog.ts'
import type { Dirty } from './dirty.ts'
import { dropEmptyViews, makeCollection, makeIndexes } from './make.ts'
import { split, userName } from './scope.ts'
import { creatable, indexModification, modification, Shapes } from './shape.ts'
import type { Store } from './store.ts'

/** Makes the catalog what it was: drops, renames back, makes anew, alters back. */
export class Alignment {
  readonly #store: Store
  readonly #catalog: Catalog
  readonly #shapes: Shapes
  readonly #at: Timestamp
  readonly #dirty: Dirty
  /** What must wait until the documents are back: unique indexes, and views of collections that are not there yet. */
  readonly #later: (() => Promise<unknown>)[] = []

  constructor(store: Store, catalog: Catalog, at: Timestamp, dirty: Dirty) {
    this.#store = store
    this.#catalog = catalog
    this.#shapes = new Shapes(store.codec)
    this.#at = at
    this.#dirty = dirty
  }

  /** Does what comes before the documents; `finish` does the rest. */
  async begin(): Promise<void> {
    for (const database of this.#dirty.viewsOf) await this.#views(database)
    const { shapes } = this.#dirty
    const [then, now] = await Promise.all([
      this.#catalog.collections(shapes, this.#at),
      this.#catalog.collections(shapes),
    ])
    const kept = await this.#dropped(then, now)
    await this.#renamed(then, kept)
    for (const [uuid, old] of then) {
      const present = kept.get(uuid)
      if (present) await this.#altered(uuid, old, present)
      else await this.#made(uuid, old)
    }
  }

  async finish(): Promise<void> {
    for (const step of this.#later) await step()
  }

  async #views(database: string): Promise<void> {
    const [then, now] = await Promise.all([this.#catalog.views(database, this.#at), this.#catalog.views(database)])
    for (const [ns, view] of now) {
      if (!this.#shapes.same(view, then.get(ns))) await this.#store.write(database, { drop: split(ns)[1] })
    }
    for (const [ns, view] of then) {
      if (this.#shapes.same(view, now.get(ns))) continue
      const { _id, ...options } = Object.fromEntries(view)
      this.#later.push(() => this.#store.write(database, { create: split(ns)[1], ...options }))
    }
    this.#later.push(() => dropEmptyViews(this.#store, database))
  }

  /** Drops what was not there, or was something else. What stays keeps its uuid. */
  async #dropped(
    then: ReadonlyMap<string, Collection>,
    now: ReadonlyMap<string, Collection>,
  ): Promise<Map<string, Collection>> {
    const kept = new Map<string, Collection>()
    for (const [uuid, present] of now) {
      const old = then.get(uuid)
      if (old && this.#shapes.canBecome(old.options, present.options)) {
        kept.set(uuid, present)
        continue
      }
      const [database, name] = split(present.ns)
      await this.#store.write(database, { drop: userName(name) })
    }
    const { collections, shapes } = this.#dirty
    for (const [uuid, { ns }] of collections) if (shapes.has(ns) && !kept.has(uuid)) collections.delete(uuid)
    return kept
  }

  /** In two phases, so that two collections can have swapped their names. */
  async #renamed(then: ReadonlyMap<string, Collection>, kept: ReadonlyMap<string, Collection>): Promise<void> {
    const moved = [...kept].flatMap(([uuid, { ns }]) => {
      const to = then.get(uuid)?.ns
      return to === undefined || to === ns ? [] : [{ ns, to }]
    })
    const aside = moved.map(({ ns, to }, index) => ({ ns, to, by: `${split(to)[0]}.tmpvq.renamed.${index}` }))
    for (const { ns, by } of aside) await this.#store.write('admin', { renameCollection: ns, to: by })
    for (const { by, to } of aside) await this.#store.write('admin', { renameCollection: by, to })
  }

  async #altered(uuid: string, old: Collection, present: Collection): Promise<void> {
    const [database, name] = split(old.ns)
    const touched = this.#dirty.collections.get(uuid)
    if (touched) touched.ns = old.ns
    if (!this.#shapes.sameOptions(old.options, present.options)) {
      await this.#store.write(database, modification(name, old.options, present.options))
    }
    const missing = [...old.indexes.values()].filter((spec) => !present.indexes.has(String(spec.get('name'))))
    for (const [index, spec] of present.indexes) {
      const wanted = old.indexes.get(index)
      if (wanted && this.#shapes.same(wanted, spec)) continue
      if (wanted && this.#shapes.canBecomeIndex(wanted, spec)) {
        await this.#store.write(database, indexModification(name, wanted))
        continue
      }
      await this.#store.write(database, { dropIndexes: name, index })
      if (wanted) missing.push(wanted)
    }
    const specs = creatable(missing, old.options)
    if (specs.length > 0) this.#later.unshift(() => makeIndexes(this.#store, old.ns, specs))
  }

  async #made(uuid: string, old: Collection): Promise<void> {
    this.#catalog.replaced(uuid, await makeCollection(this.#store, this.#catalog, old.ns, old))
    this.#dirty.collections.set(uuid, { ns: old.ns, rows: 'all', writes: 1 })
  }
}
