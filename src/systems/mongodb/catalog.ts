import type { Binary, Timestamp } from 'mongodb'
import type { Doc } from './raw.ts'
import { BUCKETS, type Scope, split, VIEWS } from './scope.ts'
import { past, type Store } from './store.ts'

/** The server's error Location40602. */
const LIST_CATALOG_NOT_FIRST = 40602

/** A collection as the server's catalog has it. */
export interface Collection {
  readonly ns: string
  readonly uuid: string
  readonly options: Doc
  /** By their names. */
  readonly indexes: ReadonlyMap<string, Doc>
}

/** Collections and views, now and in the past. Collections are known by uuid, so that a rename is no drop. */
export class Catalog {
  readonly #store: Store
  readonly #scope: Scope
  /** A collection that we had to make anew has another uuid than the one it stands for. */
  readonly #standsFor = new Map<string, string>()
  readonly #madeFor = new Map<string, string>()

  readonly #capped = new Map<string, boolean>()

  constructor(store: Store, scope: Scope) {
    this.#store = store
    this.#scope = scope
  }

  /** The uuid that a collection had at first. */
  first(uuid: string): string {
    let found = uuid
    for (let next = this.#standsFor.get(found); next !== undefined; next = this.#standsFor.get(found)) found = next
    return found
  }

  /** The uuid of the collection that stands for it now. */
  last(uuid: string): string {
    return this.#madeFor.get(uuid) ?? uuid
  }

  /** Notes that a collection was made anew in the place of another. */
  replaced(uuid: string, made: string): void {
    this.#standsFor.set(made, uuid)
    this.#madeFor.set(uuid, made)
  }

  /** Those of the named collections that are there, or were at a time, by their first uuid. */
  async collections(namespaces: Iterable<string>, at?: Timestamp): Promise<Map<string, Collection>> {
    const found = await Promise.all([...namespaces].map((ns) => this.#collection(ns, at)))
    return new Map(found.flatMap((it) => (it ? [[this.first(it.uuid), it] as const] : [])))
  }

  /** The views of a database that its users made, by their namespace. */
  async views(database: string, at?: Timestamp): Promise<Map<string, Doc>> {
    const documents = await this.#store.read(database, { find: VIEWS, ...past(at) })
    const views = documents.map((document) => this.#store.codec.doc(document))
    return new Map(
      views.flatMap((view) => {
        const ns = String(view.get('_id'))
        return this.#scope.holds(ns) && !String(view.get('viewOn')).startsWith(BUCKETS) ? [[ns, view] as const] : []
      }),
    )
  }

  /** Whether a collection is capped. It cannot change without another uuid. */
  async isCapped(uuid: string, ns: string): Promise<boolean> {
    const [database, name] = split(ns)
    const filter = { name, 'options.capped': true }
    const known = this.#capped.get(uuid)
    if (known !== undefined) return known
    const found = (await this.#store.read(database, { listCollections: 1, filter })).length > 0
    this.#capped.set(uuid, found)
    return found
  }

  /** The namespaces of all collections that are there now, buckets of time series among them. */
  async namespaces(): Promise<readonly string[]> {
    const lists = await Promise.all(
      this.#scope.databases.map(async (database) => {
        const documents = await this.#store.read(database, { listCollections: 1, filter: { type: 'collection' } })
        return documents.map((document) => `${database}.${String(this.#store.codec.doc(document).get('name'))}`)
      }),
    )
    return lists.flat().filter((ns) => this.#scope.holds(ns) && !ns.endsWith(`.${VIEWS}`))
  }

  async #collection(ns: string, at: Timestamp | undefined): Promise<Collection | undefined> {
    const [database, name] = split(ns)
    const pipeline = [{ $listCatalog: {} }]
    // For one collection: for a whole database the past is out of reach once its system.views was dropped.
    const command = { aggregate: name, pipeline, cursor: {}, ...past(at) }
    const [document] = await this.#store.read(database, command).catch(noneOfView)
    const found = document && this.#store.codec.doc(document)
    // Of a view without a pipeline it is the entry of what that looks at.
    if (found?.get('name') !== name || found.get('type') !== 'collection') return undefined
    const entry = found.get('md') as Doc
    const options = new Map(entry.get('options') as Doc)
    const uuid = Buffer.from((options.get('uuid') as Binary).buffer).toString('hex')
    for (const key of ['uuid', 'temp', 'flags']) options.delete(key)
    const indexes = (entry.get('indexes') as readonly Doc[]).filter((index) => index.get('ready'))
    const specs = indexes.map((index) => index.get('spec') as Doc)
    return { ns, uuid, options, indexes: new Map(specs.map((spec) => [String(spec.get('name')), spec])) }
  }
}

/** A view with a pipeline, such as that of a time series, has no entry of its own: $listCatalog comes after the pipeline. */
function noneOfView(error: unknown): readonly [] {
  if ((error as { code?: unknown }).code === LIST_CATALOG_NOT_FIRST) return []
  throw error
}
