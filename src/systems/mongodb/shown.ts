import { type Codec, type Element, elements, textOf } from './raw.ts'

const DOUBLE = 1
const STRING = 2
const DOCUMENT = 3
const ARRAY = 4
const OBJECT_ID = 7
const BOOLEAN = 8
const DATE = 9
const NULL = 10
const INT = 16
const LONG = 18
/** What extended JSON tells in full: binary, regular expression, code, timestamp, decimal, the least and greatest key. */
const EXTENDED = new Set([5, 11, 13, 17, 19, 127, 255])
const LOOKS_LIKE_AN_ID = /^[0-9a-f]{24}$/
const LATEST = 8_640_000_000_000_000n

/**
 * A document as plain data, in which two values are equal if and only if they are in the database; the order of fields
 * does not count.
 *
 * What every application writes is what it is: texts, whole and broken numbers, times, ids as hexadecimal digits. What
 * would be mistaken for one of those is told by its type, as extended JSON does: `{ $numberDouble: '1.0' }`.
 */
export function shownDocument(codec: Codec, document: Uint8Array): unknown {
  const fields: (readonly [string, unknown])[] = []
  for (const field of elements(document)) fields.push([field.name, shownValue(codec, field)])
  const shown = Object.fromEntries(fields)
  const names = Object.keys(shown)
  // A name twice, and one that could be of extended JSON.
  if (names.length < fields.length || names.some((name) => name.startsWith('$'))) return { $document: fields }
  return shown
}

function shownValue(codec: Codec, field: Element): unknown {
  const { bytes, type } = field
  switch (type) {
    case STRING: {
      const text = textOf(field)
      if (text.includes('\ufffd')) return opaque(field) // perhaps no text: only its bytes tell
      return LOOKS_LIKE_AN_ID.test(text) ? { $string: text } : text
    }
    case INT:
      return bytes.readInt32LE()
    case DOUBLE: {
      const number = bytes.readDoubleLE()
      return Object.is(Math.trunc(number) | 0, number) ? { $numberDouble: `${number}.0` } : number
    }
    case LONG:
      return bytes.readBigInt64LE()
    case BOOLEAN:
      return bytes[0] === 1
    case NULL:
      return null
    case OBJECT_ID:
      return bytes.toString('hex')
    case DATE: {
      const ms = bytes.readBigInt64LE()
      return ms > LATEST || ms < -LATEST ? { $date: ms } : new Date(Number(ms))
    }
    case DOCUMENT:
      return shownDocument(codec, bytes)
    case ARRAY:
      return Array.from(elements(bytes), (item) => shownValue(codec, item))
    default:
      return EXTENDED.has(type) ? codec.extended(field) : opaque(field)
  }
}

function opaque({ type, bytes }: Element): unknown {
  return { $bson: `${type}:${bytes.toString('hex')}` }
}
