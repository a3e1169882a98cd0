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
      throw unsupported(placeOf(value, at, above), `a ${typeof value}`)
  }
}

function writeObject(thing: object, at: string, above: object[]): string {
  if (above.includes(thing)) throw unsupported(placeOf(thing, at, above), 'a cycle')
  above.push(thing)
  const text = writeMembers(thing, at, above)
  above.pop()
  return text
}

function writeMembers(thing: object, at: string, above: object[]): string {
  if (Array.isArray(thing)) return `[${thing.map((item) => write(item, at, above)).join()}]`
  if (isPlain(thing)) return writePlain(thing as Readonly<Record<PropertyKey, unknown>>, at, above)
  if (types.isDate(thing)) return `Date(${thing.getTime()})`
  if (types.isRegExp(thing)) return `RegExp(${JSON.stringify(thing.source)},${thing.flags})`
  if (types.isMap(thing)) {
    const entries: string[] = []
    for (const [key, item] of thing) entries.push(`${write(key, at, above)}=>${write(item, at, above)}`)
    return `Map{${entries.sort().join()}}`
  }
  if (types.isSet(thing)) {
    const items: string[] = []
    for (const item of thing) items.push(write(item, at, above))
    return `Set{${items.sort().join()}}`
  }
  if (ArrayBuffer.isView(thing)) {
    const bytes = Buffer.from(thing.buffer, thing.byteOffset, thing.byteLength)
    return `${nameOf(thing)}(${bytes.toString('base64')})`
  }
  if (types.isAnyArrayBuffer(thing)) return `ArrayBuffer(${Buffer.from(thing).toString('base64')})`
  throw unsupported(placeOf(thing, at, above.slice(0, -1)), className(thing))
}

function writePlain(object: Readonly<Record<PropertyKey, unknown>>, at: string, above: object[]): string {
  let text = ''
  for (const key of Object.keys(object).sort()) {
    text += `${text && ','}${JSON.stringify(key)}:${write(object[key], at, above)}`
  }
  for (const symbol of Object.getOwnPropertySymbols(object)) {
    text += `${text && ','}[${String(symbol)}]:${write(object[symbol], at, above)}`
  }
  return `{${text}}`
}

/** The name of the place where `thing` lies in what lies above it. Found only for an error: most values need none. */
function placeOf(thing: unknown, at: string, above: readonly object[]): string {
  const chain: readonly unknown[] = [...above, thing]
  return above.reduce((place, holder, i) => {
    const child = chain[i + 1]
    if (Array.isArray(holder)) return `${place}[${holder.indexOf(child)}]`
    const entry = isPlain(holder) && Object.entries(holder).find(([, value]) => value === child)
    return entry ? `${place}.${entry[0]}` : place
  }, at)
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
