import { types } from 'node:util'
import { className } from '../copy.ts'
import { VenomError } from '../errors.ts'

/**
 * Plain data as one exact text: two values have the same text if and only if they are deeply equal.
 *
 * The order of keys, of Map entries and of Set entries does not count; the order of arrays does. `-0`, `NaN`, `undefined`,
 * bigint, Date, RegExp and binary data keep what JSON would lose. Throws `UNSUPPORTED` for a class instance, a function
 * or a cycle: `at` says where.
 */
export function canonical(value: unknown, at = 'the observation'): string {
  return write(value, at, [])
}

function write(value: unknown, at: string, above: object[]): string {
  switch (typeof value) {
    case 'string':
      return JSON.stringify(value)
    case 'number':
      return Object.is(value, -0) ? '-0' : String(value)
    case 'bigint':
      return `${value}n`
    case 'boolean':
    case 'undefined':
      return String(value)
    case 'object':
      return value === null ? 'null' : writeObject(value, at, above)
    default:
      throw unsupported(at, `a ${typeof value}`)
  }
}

function writeObject(thing: object, at: string, above: object[]): string {
  if (above.includes(thing)) throw unsupported(at, 'a cycle')
  above.push(thing)
  const text = writeMembers(thing, at, above)
  above.pop()
  return text
}

function writeMembers(thing: object, at: string, above: object[]): string {
  if (Array.isArray(thing)) return `[${thing.map((item, i) => write(item, `${at}[${i}]`, above)).join()}]`
  if (isPlain(thing)) {
    const object = thing as Readonly<Record<string, unknown>>
    const entry = (key: string): string => `${JSON.stringify(key)}:${write(object[key], `${at}.${key}`, above)}`
    return `{${Object.keys(object).toSorted().map(entry).join()}}`
  }
  if (types.isDate(thing)) return `Date(${thing.getTime()})`
  if (types.isRegExp(thing)) return `RegExp(${JSON.stringify(thing.source)},${thing.flags})`
  if (types.isMap(thing)) {
    const entries = [...thing].map(([key, item]) => `${write(key, at, above)}=>${write(item, at, above)}`)
    return `Map{${entries.toSorted().join()}}`
  }
  if (types.isSet(thing))
    return `Set{${[...thing]
      .map((item) => write(item, at, above))
      .toSorted()
      .join()}}`
  if (ArrayBuffer.isView(thing)) {
    const bytes = Buffer.from(thing.buffer, thing.byteOffset, thing.byteLength)
    return `${nameOf(thing)}(${bytes.toString('base64')})`
  }
  if (types.isAnyArrayBuffer(thing)) return `ArrayBuffer(${Buffer.from(thing).toString('base64')})`
  throw unsupported(at, className(thing))
}

/** An object literal, of this realm or another: test runners run files in contexts of their own. */
export function isPlain(thing: object): boolean {
  const prototype = Object.getPrototypeOf(thing) as object | null
  if (prototype === null || prototype === Object.prototype) return true
  return Object.getPrototypeOf(prototype) === null && Object.hasOwn(prototype, 'isPrototypeOf')
}

function nameOf(view: ArrayBufferView): string {
  return (view.constructor as { name: string }).name
}

function unsupported(at: string, what: string): VenomError {
  return new VenomError(
    'UNSUPPORTED',
    `${at} is ${what}, which cannot be told apart from another of its kind.\n` +
      'States are equal when their data is, so an observation, ctx and parameters may hold plain data only.\n' +
      'Let observe() return plain objects, arrays, Map, Set, Date, bigint and Buffer; or leave it out: normalize: [drop(path)].',
  )
}
