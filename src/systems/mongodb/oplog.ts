import type { Document, Timestamp } from 'mongodb'
import type { Entry, Log } from './dirty.ts'
import { type Element, elements, textIn, timeIn, uuidIn, within } from './raw.ts'
import { type Scope, split, VIEWS } from './scope.ts'
import type { Store } from './store.ts'
import { movedAcross, oplogTooShort, prepared } from './troubles.ts'

/** The commands that make, drop or alter a collection, each with its name as a text. */
const SHAPING = [
  'create',
  'drop',
  'renameCollection',
  'to',
  'collMod',
  'createIndexes',
  'dropIndexes',
  'deleteIndexes',
  'startIndexBuild',
  'commitIndexBuild',
  'abortIndexBuild',
]
const PREPARED = ['prepare', 'commitTransaction', 'abortTransaction']
const INNER = ['op', 'ns', 'ui', 'o._id', 'o2._id', ...SHAPING.map((name) => `o.${name}`)]
/** No value but an `_id` leaves the server, also of what a transaction or a batch wrote. */
const FIELDS: Document = Object.fromEntries(
  ['ts', ...INNER, ...PREPARED.map((name) => `o.${name}`), ...INNER.map((name) => `o.applyOps.${name}`)].map((name) => [
    name,
    1,
  ]),
)

/** The server's own log of what happened, in `local.oplog.rs`. */
export class Oplog implements Log {
  readonly #store: Store
  readonly #scope: Scope
  readonly #first: (uuid: string) => string

  /** `first` gives the uuid that a collection had at first. */
  constructor(store: Store, scope: Scope, first: (uuid: string) => string) {
    this.#store = store
    this.#scope = scope
    this.#first = first
  }

  /** Throws `MARK_LOST`, `UNSUPPORTED`, `SCHEMA_CHANGED`. */
  async read(after: Timestamp, upTo: Timestamp): Promise<readonly Entry[]> {
    const ours = { $or: [{ ts: after }, { op: 'c' }, { ns: { $regex: this.#scope.pattern } }] }
    const documents = await this.#store.read('local', {
      find: 'oplog.rs',
      filter: { ts: { $gte: after, $lte: upTo }, ...ours },
      projection: FIELDS,
      readConcern: { level: 'local', afterClusterTime: upTo },
    })
    const [first] = documents
    const start = after.toBigInt()
    // Most often a mark's time is that of an entry; else the oldest one says whether any since may be gone.
    if (first && timeIn(first, 'ts') === start) documents.shift()
    else if ((await this.#oldest()) > start) throw oplogTooShort()
    const entries: Entry[] = []
    for (const document of documents) this.#add(document, entries)
    return entries
  }

  async #oldest(): Promise<bigint> {
    const sort = { $natural: 1 }
    const [first] = await this.#store.read('local', { find: 'oplog.rs', sort, projection: { ts: 1 }, limit: 1 })
    return first ? timeIn(first, 'ts') : 0n
  }

  #add(document: Uint8Array, entries: Entry[]): void {
    const op = textIn(document, 'op')
    const ns = textIn(document, 'ns')
    if (op === 'c') this.#addCommand(split(ns)[0], within(document, 'o'), entries)
    else if ((op === 'i' || op === 'u' || op === 'd') && this.#scope.holds(ns)) {
      if (ns.endsWith(`.${VIEWS}`)) entries.push({ kind: 'views', database: split(ns)[0] })
      else {
        const id = this.#store.codec.idOf(within(document, op === 'u' ? 'o2' : 'o'))
        entries.push({ kind: 'row', op, ns, uuid: this.#first(uuidIn(document, 'ui')), id })
      }
    }
  }

  #addCommand(database: string, command: Uint8Array, entries: Entry[]): void {
    const renamed: string[] = []
    for (const field of elements(command)) {
      if (PREPARED.includes(field.name)) throw prepared()
      if (field.name === 'applyOps') {
        for (const inner of elements(field.bytes)) this.#add(inner.bytes, entries)
      } else if (field.type === 2) {
        const name = this.#store.codec.value(field) as string
        const isFull = isRename(field)
        const ns = isFull ? name : `${database}.${name}`
        if (isFull) renamed.push(ns)
        if (!this.#scope.holds(ns)) continue
        if (ns.endsWith(`.${VIEWS}`)) entries.push({ kind: 'views', database: split(ns)[0] })
        else entries.push({ kind: 'shape', ns })
      }
    }
    this.#refuseMove(renamed)
  }

  /** A collection that came from, or went to, where we must not touch it cannot be put back. */
  #refuseMove([from, to]: readonly string[]): void {
    if (from === undefined || to === undefined) return
    const isTemporary = split(from)[1].startsWith('tmp')
    if (this.#scope.holds(from) !== this.#scope.holds(to) && !isTemporary) throw movedAcross(from, to)
  }
}

function isRename({ name }: Element): boolean {
  return name === 'renameCollection' || name === 'to'
}
