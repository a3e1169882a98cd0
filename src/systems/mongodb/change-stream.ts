import type { ChangeStream as Stream, ChangeStreamDocument, Document, Timestamp } from 'mongodb'
import type { Entry, Log, Told } from './dirty.ts'
import { refuseMove } from './oplog.ts'
import type { Id } from './raw.ts'
import { BUCKETS, type Scope } from './scope.ts'
import type { Store } from './store.ts'
import { noSeries, streamStuck } from './troubles.ts'

// Taken at load, so that a runner's fake timers never stop us.
const clock = performance.now.bind(performance)

/** How long the server may hold back an answer without events, in ms. */
const AWAIT = 5
/** How long a stream may take to reach the present, in ms. */
const PATIENCE = 60_000

/** What an event has, as far as we need it, in the server's words. */
interface Event {
  readonly operationType: string
  readonly clusterTime: Timestamp
  readonly ns?: { readonly db: string; readonly coll?: string }
  readonly to?: { readonly db: string; readonly coll: string }
  readonly documentKey?: { readonly _id: unknown }
  readonly collectionUUID?: { readonly buffer: Uint8Array }
  readonly operationDescription?: Document
}

const WRITES: Readonly<Record<string, 'i' | 'u' | 'd'>> = { insert: 'i', update: 'u', replace: 'u', delete: 'd' }

/** Learns what happened from a change stream, where our user may not read the oplog. It does not see time series. */
export class ChangeStream implements Log {
  readonly #store: Store
  readonly #scope: Scope
  readonly #first: (uuid: string) => string

  /** `first` gives the uuid that a collection had at first. */
  constructor(store: Store, scope: Scope, first: (uuid: string) => string) {
    this.#store = store
    this.#scope = scope
    this.#first = first
  }

  /** Throws `UNSUPPORTED` for a time series that was made since, `SCHEMA_CHANGED`. */
  async read(after: Timestamp, upTo?: Timestamp): Promise<Told> {
    // Only what is on disk is told; this pushes it there.
    const now = await this.#store.flush()
    const end = upTo ?? now
    const told = await Promise.all(this.#scope.databases.map((database) => this.#readOne(database, after, end)))
    return { entries: told.flat(), upTo: end }
  }

  async #readOne(database: string, after: Timestamp, end: Timestamp): Promise<readonly Entry[]> {
    const entries: Entry[] = []
    let from: Timestamp | undefined = after
    while (from) from = await this.#watch(database, { after, from, end }, entries)
    return entries
  }

  /** Answers with the time to go on from when the stream ended early, as it does when its database is dropped. */
  async #watch(
    database: string,
    { after, from, end }: { readonly after: Timestamp; readonly from: Timestamp; readonly end: Timestamp },
    entries: Entry[],
  ): Promise<Timestamp | undefined> {
    const stream: Stream = this.#store.client.db(database).watch([], {
      startAtOperationTime: from,
      showExpandedEvents: true,
      maxAwaitTimeMS: AWAIT,
      promoteValues: false,
      bsonRegExp: true,
    })
    const deadline = clock() + PATIENCE
    try {
      while (clock() < deadline) {
        const event = (await stream.tryNext()) as (ChangeStreamDocument & Event) | null
        if (!event && timeOf(stream.resumeToken) >= end.toBigInt()) return undefined
        if (event?.clusterTime.greaterThan(end)) return undefined
        if (event?.operationType === 'invalidate') return this.#next(event.clusterTime, end)
        if (event?.clusterTime.greaterThan(after)) this.#add(event, entries)
      }
      throw streamStuck(database)
    } finally {
      await stream.close()
    }
  }

  /** The time after an event; undefined when that is all. */
  #next(time: Timestamp, end: Timestamp): Timestamp | undefined {
    return time.lessThan(end) ? new this.#store.driver.Timestamp(time.toBigInt() + 1n) : undefined
  }

  #add({ operationType, ns, to, documentKey, collectionUUID, operationDescription }: Event, entries: Entry[]): void {
    if (!ns?.coll) return
    const name = `${ns.db}.${ns.coll}`
    const op = WRITES[operationType]
    if (op && documentKey) {
      const uuid = this.#first(Buffer.from(collectionUUID?.buffer ?? []).toString('hex'))
      if (this.#scope.holds(name)) entries.push({ kind: 'row', op, ns: name, uuid, id: this.#idOf(documentKey._id) })
      return
    }
    const names = to ? [name, `${to.db}.${to.coll}`] : [name]
    refuseMove(this.#scope, names)
    for (const it of names.filter((one) => this.#scope.holds(one))) {
      // It is told of as the view that it is to its users.
      if (String(operationDescription?.['viewOn']).startsWith(BUCKETS)) throw noSeries(ns.coll)
      // An event does not always say whether it is about a collection or a view.
      entries.push({ kind: 'shape', ns: it }, { kind: 'views', database: ns.db })
    }
  }

  #idOf(value: unknown): Id {
    const { codec } = this.#store
    const id = codec.idOf(codec.encode(new Map([['_id', value]])))
    // The driver has put the keys of an embedded document into an order of its own.
    const isDocument = typeof value === 'object' && value !== null && !('_bsontype' in value)
    return isDocument ? { ...id, lossy: true } : id
  }
}

/** The time in a resume token: after a byte for its type come the seconds and the count, as hexadecimal digits. */
function timeOf(token: unknown): bigint {
  const { _data: data = '' } = Object(token) as { readonly _data?: string }
  return data.startsWith('82') ? BigInt(`0x${data.slice(2, 18)}`) : 0n
}
