import { createHash } from 'node:crypto'
import type { Timestamp } from 'mongodb'
import type { Catalog } from './catalog.ts'
import type { Log } from './dirty.ts'
import { type Scope, split, userName } from './scope.ts'
import { normal } from './shape.ts'
import { shownDocument } from './shown.ts'
import { parts, type Store } from './store.ts'

/** Collections of more documents than this are given as a digest. */
const SHOWN = 1000
const WORDS = 8

/** One collection as it was last seen. */
interface Seen {
  shape: string
  /** The digest of each document by its id, and the document as it is shown while there are few. */
  readonly documents: Map<string, { readonly digest: Uint32Array; readonly shown: unknown }>
  /** The exclusive or of all digests, so that a changed document costs the same however many there are. */
  readonly sum: Uint32Array
}

/** The data as plain data that is equal if and only if it is, kept up to date by what the log says. */
export class Identity {
  readonly #store: Store
  readonly #catalog: Catalog
  readonly #scope: Scope
  readonly #log: Log | undefined
  readonly #seen = new Map<string, Seen>()
  readonly #views = new Map<string, string>()
  #upTo: Timestamp | undefined

  constructor(store: Store, catalog: Catalog, scope: Scope, log: Log | undefined) {
    this.#store = store
    this.#catalog = catalog
    this.#scope = scope
    this.#log = log
  }

  /** Looks at what changed since the last look; at everything the first time, and where there is no log. */
  async look(): Promise<unknown> {
    const after = this.#upTo
    // Forgotten until it is done: half a look would be taken for a whole one.
    this.#upTo = undefined
    this.#upTo = after && this.#log ? await this.#amend(after, this.#log) : await this.#begin()
    return this.#data()
  }

  /** Answers with the server's time, which one without a log does not have. */
  async #begin(): Promise<Timestamp | undefined> {
    const { operationTime } = await this.#store.ask('admin', { ping: 1 })
    this.#seen.clear()
    await Promise.all((await this.#catalog.namespaces()).map((ns) => this.#load(ns)))
    for (const database of this.#scope.databases) await this.#loadViews(database)
    return operationTime as Timestamp | undefined
  }

  async #amend(after: Timestamp, log: Log): Promise<Timestamp> {
    const shapes = new Set<string>()
    const views = new Set<string>()
    const rows = new Map<string, Map<string, unknown>>()
    const { entries, upTo } = await log.read(after)
    for (const entry of entries) {
      if (entry.kind === 'shape') shapes.add(entry.ns)
      else if (entry.kind === 'views') views.add(entry.database)
      else {
        const known = rows.get(entry.ns) ?? new Map<string, unknown>()
        rows.set(entry.ns, known.set(entry.id.key, entry.id.lossy ? LOSSY : entry.id.value))
      }
    }
    for (const database of views) await this.#loadViews(database)
    for (const [ns, ids] of rows) {
      const seen = this.#seen.get(ns)
      const isSmaller = seen && seen.documents.size > SHOWN && seen.documents.size - ids.size <= SHOWN
      if (shapes.has(ns) || !seen || isSmaller || [...ids.values()].includes(LOSSY)) shapes.add(ns)
      else await this.#loadRows(ns, seen, ids)
    }
    await Promise.all([...shapes].map((ns) => this.#load(ns)))
    return upTo
  }

  async #load(ns: string): Promise<void> {
    this.#seen.delete(ns)
    const [collection] = (await this.#catalog.collections([ns])).values()
    if (!collection) return
    const { codec } = this.#store
    const indexes = [...collection.indexes].toSorted(([a], [b]) => (a < b ? -1 : 1))
    const shape = codec.shown(
      new Map<string, unknown>([
        ['options', normal(collection.options)],
        ['indexes', new Map(indexes)],
      ]),
    )
    const seen: Seen = { shape, documents: new Map(), sum: new Uint32Array(WORDS) }
    const [database, find] = split(ns)
    const documents = await this.#store.read(database, { find })
    for (const document of documents) this.#put(seen, document, documents.length)
    this.#seen.set(ns, seen)
  }

  async #loadRows(ns: string, seen: Seen, ids: ReadonlyMap<string, unknown>): Promise<void> {
    const [database, find] = split(ns)
    for (const key of ids.keys()) this.#remove(seen, key)
    for (const part of parts([...ids.values()])) {
      const documents = await this.#store.read(database, { find, filter: { _id: { $in: part } } })
      for (const document of documents) this.#put(seen, document, seen.documents.size)
    }
  }

  async #loadViews(database: string): Promise<void> {
    for (const ns of this.#views.keys()) if (ns.startsWith(`${database}.`)) this.#views.delete(ns)
    for (const [ns, view] of await this.#catalog.views(database)) this.#views.set(ns, this.#store.codec.shown(view))
  }

  #put(seen: Seen, document: Uint8Array, count: number): void {
    const { key } = this.#store.codec.idOf(document)
    this.#remove(seen, key)
    const bytes = createHash('sha256').update(document).digest()
    const digest = Uint32Array.from({ length: WORDS }, (_, word) => bytes.readUInt32LE(word * 4))
    seen.documents.set(key, { digest, shown: count > SHOWN ? undefined : shownDocument(this.#store.codec, document) })
    mix(seen.sum, digest)
  }

  #remove(seen: Seen, key: string): void {
    const known = seen.documents.get(key)
    if (!known) return
    mix(seen.sum, known.digest)
    seen.documents.delete(key)
  }

  #data(): unknown {
    const several = this.#scope.databases.length > 1
    const name = (ns: string): string => (several ? `${split(ns)[0]}.` : '') + userName(split(ns)[1])
    const collections = [...this.#seen].map(([ns, seen]) => [name(ns), shownOf(seen)] as const)
    const views = [...this.#views].map(([ns, view]) => [name(ns), view] as const)
    return { collections: new Map(collections.toSorted(byName)), views: new Map(views.toSorted(byName)) }
  }
}

const LOSSY = Symbol('an id that cannot be asked for')

function mix(sum: Uint32Array, digest: Uint32Array): void {
  for (let word = 0; word < WORDS; word += 1) sum[word] = (sum[word] ?? 0) ^ (digest[word] ?? 0)
}

function shownOf({ shape, documents, sum }: Seen): unknown {
  if (documents.size <= SHOWN) {
    const shown = [...documents].toSorted(byName).map(([, document]) => document.shown)
    if (!shown.includes(undefined)) return { shape, documents: shown }
  }
  return { shape, documents: documents.size, digest: Buffer.from(sum.buffer).toString('hex') }
}

function byName([a]: readonly [string, unknown], [b]: readonly [string, unknown]): number {
  return a < b ? -1 : 1
}
