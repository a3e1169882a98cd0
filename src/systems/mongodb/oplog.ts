import type { Document, Timestamp } from 'mongodb'
import type { Entry, Log, Told } from './dirty.ts'
import { type Element, elements, EMPTY, textOf, timeIn, uuidOf } from './raw.ts'
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
  async read(after: Timestamp, upTo?: Timestamp, without: readonly string[] = []): Promise<Told> {
    // What the server told us before is no later than what a read that begins now can see.
    const known = this.#store.seen ?? after
    const documents = await this.#store.read('local', {
      find: 'oplog.rs',
      filter: { ts: { $gte: after, ...(upTo && { $lte: upTo }) }, ...this.#wanted(after, without) },
      projection: FIELDS,
      readConcern: { level: 'local', ...(upTo && { afterClusterTime: upTo }) },
    })
    const [first] = documents
    const last = timeIn(documents.at(-1) ?? EMPTY, 'ts')
    const start = numberOf(after)
    // Most often a mark's time is that of an entry; else the oldest one says whether any since may be gone.
    if (first && timeIn(first, 'ts') === start) documents.shift()
    else if ((await this.#oldest()) > start) throw oplogTooShort()
    const entries: Entry[] = []
    for (const document of documents) this.#add(document, entries)
    const { Timestamp } = this.#store.driver
    return { entries, upTo: upTo ?? (last > numberOf(known) ? new Timestamp(last) : known) }
  }

  /** Entries of these databases, and all commands: a transaction is one, whatever it wrote to. */
  #wanted(after: Timestamp, without: readonly string[]): Document {
    const ns = { $regex: this.#scope.pattern }
    if (without.length === 0) return { $or: [{ ts: after }, { op: 'c' }, { ns }] }
    const $nin = without.map((uuid) => this.#store.driver.UUID.createFromHexString(uuid))
    const other = {
      op: 'c',
      $or: [{ 'o.applyOps': { $exists: false } }, { 'o.applyOps': { $elemMatch: { ui: { $nin } } } }],
    }
    return { $or: [{ ts: after }, other, { ns, ui: { $nin } }] }
  }

  async #oldest(): Promise<bigint> {
    const sort = { $natural: 1 }
    const [first] = await this.#store.read('local', { find: 'oplog.rs', sort, projection: { ts: 1 }, limit: 1 })
    return first ? timeIn(first, 'ts') : 0n
  }

  #add(document: Uint8Array, entries: Entry[]): void {
    let [op, ns, uuid] = ['', '', '']
    let object = EMPTY
    let query = EMPTY
    for (const field of elements(document)) {
      if (field.name === 'op') op = textOf(field)
      else if (field.name === 'ns') ns = textOf(field)
      else if (field.name === 'ui') uuid = uuidOf(field)
      else if (field.name === 'o') object = field.bytes
      else if (field.name === 'o2') query = field.bytes
    }
    if (op === 'c') this.#addCommand(split(ns)[0], object, entries)
    else if ((op === 'i' || op === 'u' || op === 'd') && this.#scope.holds(ns)) {
      if (ns.endsWith(`.${VIEWS}`)) entries.push({ kind: 'views', database: split(ns)[0] })
      else {
        const id = this.#store.codec.idOf(op === 'u' ? query : object)
        entries.push({ kind: 'row', op, ns, uuid: this.#first(uuid), id })
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
        const name = textOf(field)
        const isFull = isRename(field)
        const ns = isFull ? name : `${database}.${name}`
        if (isFull) renamed.push(ns)
        if (!this.#scope.holds(ns)) continue
        if (ns.endsWith(`.${VIEWS}`)) entries.push({ kind: 'views', database: split(ns)[0] })
        else entries.push({ kind: 'shape', ns })
      }
    }
    refuseMove(this.#scope, renamed)
  }
}

/** A time as `timeIn` reads it. The driver's own way goes through text. */
function numberOf({ t, i }: Timestamp): bigint {
  return (BigInt(t) << 32n) | BigInt(i)
}

/** A collection that came from, or went to, where we must not touch it cannot be put back. Throws `SCHEMA_CHANGED`. */
export function refuseMove(scope: Scope, [from, to]: readonly string[]): void {
  if (from === undefined || to === undefined) return
  const isTemporary = split(from)[1].startsWith('tmp')
  if (scope.holds(from) !== scope.holds(to) && !isTemporary) throw movedAcross(from, to)
}

function isRename({ name }: Element): boolean {
  return name === 'renameCollection' || name === 'to'
}
