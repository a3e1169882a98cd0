import { createHash } from 'node:crypto'
import { type Base, type Doc, docOf, keyOf } from './base.ts'
import { type Index, isClosed, ownSettings, type Shape } from './catalog.ts'
import { difference } from './difference.ts'
import type { History } from './history.ts'
import type { Mark } from './marks.ts'
import { KINDS } from './objects.ts'
import { Reader } from './reader.ts'
import { canonical } from './same.ts'
import type { Server } from './server.ts'
import { shownSource } from './source.ts'

/** Indices of more documents than this are given as a digest. */
const SHOWN = 1000
const WORDS = 8

/** One shard as it was last seen. */
interface Seen {
  readonly documents: Map<string, { readonly digest: Uint32Array; readonly shown: object | undefined }>
  /** The exclusive or of all digests, so that a changed document costs the same however many there are. */
  readonly sum: Uint32Array
}

/** The data as plain data that is equal if and only if it is, kept up to date by what changed since the last look. */
export class Identity {
  readonly #server: Server
  readonly #history: History
  #seen = new Map<Base, Seen>()
  #mark: Mark | undefined

  constructor(server: Server, history: History) {
    this.#server = server
    this.#history = history
  }

  /** Looks at what changed since the last look; at everything the first time. */
  async look(): Promise<unknown> {
    const before = this.#mark
    const mark = await this.#history.checkpoint('observe', { withCopies: false })
    const seen = new Map<Base, Seen>()
    for (const [key, base] of mark.bases) {
      const known = before?.bases.get(key)
      const old = known && this.#seen.get(known)
      if (base.pit === undefined) continue
      seen.set(base, known === base && old ? old : await this.#load(base, known, old))
    }
    this.#mark = mark
    this.#seen = seen
    if (before) await this.#history.release(before)
    return this.#data(mark.shape)
  }

  async #load(base: Base, known: Base | undefined, old: Seen | undefined): Promise<Seen> {
    const now = Reader.past(this.#server, base.index, base.pit)
    if (known && old && known.uuid === base.uuid) {
      const pairs = await difference(this.#server, known, now, { depth: 'whole' }).catch(() => undefined)
      const isSmaller = old.documents.size > SHOWN && (await now.count()) <= SHOWN
      if (pairs && !isSmaller) {
        for (const id of pairs.keys()) remove(old, id)
        for (const { after } of pairs.values()) if (after) put(old, after)
        return old
      }
    }
    const seen: Seen = { documents: new Map(), sum: new Uint32Array(WORDS) }
    for await (const page of now.pages({ match_all: {} }, 'whole')) for (const hit of page) put(seen, docOf(hit))
    return seen
  }

  #data(shape: Shape): unknown {
    const indices = Array.from(shape.indices.values(), (index) => [index.name, this.#shown(index)] as const)
    const objects = KINDS.map(({ name }, at) => {
      const all = Array.from(shape.objects[at] ?? [], ([key, definition]) => [key, canonical(definition)] as const)
      return [name, new Map(all.toSorted(byName))] as const
    })
    const streams = Array.from(shape.streams.values(), (stream) => [stream.name, canonical(stream)] as const)
    const shown = streams.length === 0 ? {} : { streams: new Map(streams.toSorted(byName)) }
    return { indices: new Map(indices.toSorted(byName)), ...shown, ...Object.fromEntries(objects) }
  }

  #shown(index: Index): unknown {
    const { mappings, aliases } = index
    const described = canonical({ mappings, aliases, settings: ownSettings(index) })
    if (isClosed(index)) return { shape: described, closed: true }
    const shards = [...this.#seen].filter(([base]) => base.index === index.name)
    const count = shards.reduce((sum, [, { documents }]) => sum + documents.size, 0)
    const documents = shards.flatMap(([, seen]) => [...seen.documents])
    if (count <= SHOWN && documents.every(([, { shown }]) => shown))
      return { shape: described, documents: documents.toSorted(byName).map(([, { shown }]) => shown) }
    const sums = shards.map(([base, { sum }]) => [keyOf(base), Buffer.from(sum.buffer).toString('hex')] as const)
    return { shape: described, documents: count, digest: new Map(sums.toSorted(byName)) }
  }
}

function put(seen: Seen, { id, routing, source }: Doc): void {
  remove(seen, id)
  const where = { _id: id, ...(routing === undefined ? {} : { _routing: routing }) }
  const shown = seen.documents.size > SHOWN ? undefined : { ...where, ...shownSource(source ?? '{}') }
  const text = JSON.stringify(where) + (source ?? '')
  const bytes = createHash('sha256').update(text).digest()
  const digest = Uint32Array.from({ length: WORDS }, (_, word) => bytes.readUInt32LE(word * 4))
  seen.documents.set(id, { digest, shown })
  mix(seen.sum, digest)
}

function remove(seen: Seen, id: string): void {
  const known = seen.documents.get(id)
  if (!known) return
  mix(seen.sum, known.digest)
  seen.documents.delete(id)
}

function mix(sum: Uint32Array, digest: Uint32Array): void {
  for (let word = 0; word < WORDS; word += 1) sum[word] = (sum[word] ?? 0) ^ (digest[word] ?? 0)
}

function byName([a]: readonly [string, unknown], [b]: readonly [string, unknown]): number {
  return a < b ? -1 : 1
}
