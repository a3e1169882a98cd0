import type { BSON } from 'mongodb'

/** One field of a BSON document, its value as bytes. Types are numbered as in https://bsonspec.org/spec.html. */
export interface Element {
  readonly type: number
  readonly name: string
  readonly bytes: Buffer
}

/** A document whose keys keep their order, also those that look like integers. */
export type Doc = Map<string, unknown>

/** An `_id`: two are the same if and only if their keys are. */
export interface Id {
  readonly key: string
  readonly value: unknown
  /** The value does not serialise to the same bytes again: it has a key twice, or a value that drivers no longer write. */
  readonly lossy: boolean
}

const STRING = 2
const DOCUMENT = 3
const ARRAY = 4
const UNDEFINED = 6
/** Types whose values are embedded or hold embedded documents, so that decoding may lose something. */
const FRAGILE = new Set([DOCUMENT, ARRAY, UNDEFINED, 12, 13, 14, 15])
const FIXED: Readonly<Record<number, number>> = {
  1: 8,
  6: 0,
  7: 12,
  8: 1,
  9: 8,
  10: 0,
  16: 4,
  17: 8,
  18: 8,
  19: 16,
  127: 0,
  255: 0,
}

/** The fields of a document, in order. */
export function* elements(document: Uint8Array): Generator<Element> {
  const { buffer, byteOffset, byteLength } = document
  const bytes = Buffer.isBuffer(document) ? document : Buffer.from(buffer, byteOffset, byteLength)
  for (let at = 4; bytes[at] !== 0;) {
    const type = bytes[at] ?? 0
    const nameEnd = bytes.indexOf(0, at + 1)
    const start = nameEnd + 1
    const end = start + sizeOf(type, bytes, start)
    yield { type, name: bytes.toString('utf8', at + 1, nameEnd), bytes: bytes.subarray(start, end) }
    at = end
  }
}

/** The first field of that name. */
export function element(document: Uint8Array, name: string): Element | undefined {
  for (const found of elements(document)) if (found.name === name) return found
  return undefined
}

/** The text of a field that is one. */
export function textOf({ bytes }: Element): string {
  return bytes.toString('utf8', 4, bytes.length - 1)
}

/** A uuid as hexadecimal digits. */
export function uuidOf({ bytes }: Element): string {
  return bytes.toString('hex', 5)
}

/** The seconds and the count of a timestamp as one number that compares as they do. */
export function timeIn(document: Uint8Array, name: string): bigint {
  const found = element(document, name)
  return found ? found.bytes.readBigUInt64LE() : 0n
}

/** A document without fields. */
export const EMPTY: Buffer = Buffer.of(5, 0, 0, 0, 0)

function sizeOf(type: number, bytes: Buffer, at: number): number {
  const fixed = FIXED[type]
  if (fixed !== undefined) return fixed
  switch (type) {
    case DOCUMENT:
    case ARRAY:
    case 15:
      return bytes.readInt32LE(at)
    case 5:
      return 5 + bytes.readInt32LE(at)
    case 11: {
      const pattern = bytes.indexOf(0, at) + 1
      return bytes.indexOf(0, pattern) + 1 - at
    }
    case 12:
      return 16 + bytes.readInt32LE(at)
    default:
      return 4 + bytes.readInt32LE(at)
  }
}

/** Adds the documents of a cursor's reply to a list. Answers with what more is asked for by: an `id` of zero is the end. */
export function batchOf(
  cursor: Uint8Array,
  documents: Uint8Array[],
): { readonly id: bigint; readonly collection: string } {
  let id = 0n
  let ns = ''
  for (const field of elements(cursor)) {
    if (field.name === 'id') id = field.bytes.readBigInt64LE()
    else if (field.name === 'ns') ns = textOf(field)
    else if (field.type === ARRAY) for (const { bytes } of elements(field.bytes)) documents.push(bytes)
  }
  return { id, collection: ns.slice(ns.indexOf('.') + 1) }
}

/** Reads BSON without losing anything: the order of keys, integer-like keys, the types of numbers. */
export class Codec {
  readonly #bson: typeof BSON

  constructor(bson: typeof BSON) {
    this.#bson = bson
  }

  /** A field as a value that serialises to the same bytes again; `idOf` names the exceptions. */
  value(field: Element): unknown {
    switch (field.type) {
      case STRING:
        return textOf(field)
      case DOCUMENT:
        return this.doc(field.bytes)
      case ARRAY:
        return Array.from(elements(field.bytes), (item) => this.value(item))
      default: {
        const document = Buffer.alloc(field.bytes.length + 8)
        document.writeInt32LE(document.length)
        document[4] = field.type
        document[5] = 0x76
        document.set(field.bytes, 7)
        return this.#bson.deserialize(document, { promoteValues: false, bsonRegExp: true })['v']
      }
    }
  }

  /** A document as a map of such values. */
  doc(document: Uint8Array): Doc {
    return new Map(Array.from(elements(document), (field) => [field.name, this.value(field)]))
  }

  /** The `_id` of a document. */
  idOf(document: Uint8Array): Id {
    const field = element(document, '_id') ?? { type: 10, name: '_id', bytes: EMPTY.subarray(0, 0) }
    const key = String.fromCharCode(field.type) + field.bytes.toString('latin1')
    const value = this.value(field)
    return { key, value, lossy: FRAGILE.has(field.type) && !this.#isFaithful(field, value) }
  }

  /** A map of such values as a document. */
  encode(doc: Doc): Uint8Array {
    return this.#bson.serialize(doc)
  }

  /** Any value as bytes, by which two are compared. */
  bytes(value: unknown): string {
    return Buffer.from(this.#bson.serialize(new Map([['v', value]]))).toString('latin1')
  }

  /** A document as a user's driver would show it. */
  plain(document: Uint8Array): Record<string, unknown> {
    return this.#bson.deserialize(document)
  }

  /** A field as extended JSON. */
  extended(field: Element): unknown {
    return this.#bson.EJSON.serialize({ v: this.value(field) }, { relaxed: false })['v']
  }

  /** A document as text: extended JSON, or its bytes where that would not tell all. */
  text(document: Uint8Array): string {
    const read = this.#bson.deserialize(document, { promoteValues: false, bsonRegExp: true })
    const again = this.#bson.serialize(read)
    if (Buffer.compare(again, document) !== 0) return `bson:${Buffer.from(document).toString('hex')}`
    return this.#bson.EJSON.stringify(read, { relaxed: false })
  }

  /** A map of such values as a user's driver would show it. */
  promoted(doc: Doc): Record<string, unknown> {
    return this.plain(this.encode(doc))
  }

  /** A map of such values as text. */
  shown(doc: Doc): string {
    return this.text(this.encode(doc))
  }

  #isFaithful(field: Element, value: unknown): boolean {
    const again = element(this.#bson.serialize(new Map([['v', value]])), 'v')
    return again !== undefined && again.type === field.type && Buffer.compare(again.bytes, field.bytes) === 0
  }
}
