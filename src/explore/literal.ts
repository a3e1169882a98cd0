import { types } from 'node:util'

/** Plain data as JavaScript. */
export function literal(value: unknown): string {
  if (typeof value === 'string') return quoted(value)
  if (typeof value === 'bigint') return `${value}n`
  if (typeof value !== 'object' || value === null) return Object.is(value, -0) ? '-0' : String(value)
  if (Array.isArray(value)) return `[${value.map(literal).join(', ')}]`
  if (types.isDate(value)) return `new Date(${Number.isNaN(value.getTime()) ? 'NaN' : quoted(value.toISOString())})`
  if (types.isMap(value)) return `new Map(${literal([...value])})`
  if (types.isSet(value)) return `new Set(${literal([...value])})`
  if (types.isRegExp(value)) return String(value)
  if (Buffer.isBuffer(value)) return `Buffer.from(${quoted(value.toString('base64'))}, 'base64')`
  if (ArrayBuffer.isView(value)) return `new ${value.constructor.name}([${[...(value as Uint8Array)].join(', ')}])`
  const fields = Object.entries(value).map(([name, item]) => `${property(name)}: ${literal(item)}`)
  return fields.length === 0 ? '{}' : `{ ${fields.join(', ')} }`
}

/** A text in single quotes. */
export function quoted(text: string): string {
  return `'${JSON.stringify(text)
    .slice(1, -1)
    .replaceAll(String.raw`\"`, '"')
    .replaceAll("'", String.raw`\'`)}'`
}

/** `.name`, or `['a name']`. */
export function member(name: string): string {
  return isName(name) ? `.${name}` : `[${quoted(name)}]`
}

function property(name: string): string {
  // In quotes it would still be the prototype.
  if (name === '__proto__') return `['__proto__']`
  return isName(name) ? name : quoted(name)
}

function isName(text: string): boolean {
  return /^[A-Za-z_$][\w$]*$/.test(text) && text !== '__proto__'
}
