import { notConverted } from './registry.ts'

/** A whole number that a double holds; what is larger is a `bigint`. */
export function wholeNumber(raw: unknown): number {
  const number = Number(raw)
  if (Number.isSafeInteger(number) && raw !== '') return number
  throw notConverted(raw, 'a whole number that JavaScript can hold', "Read it as 'bigint'.")
}

/** Any whole number. */
export function bigInteger(raw: unknown): bigint {
  try {
    if (typeof raw === 'bigint' || typeof raw === 'number' || /^-?\d+$/.test(String(raw))) return BigInt(raw as string)
  } catch {
    // A number with a fraction.
  }
  throw notConverted(raw, 'a whole number', "Read it as 'decimal' or 'float'.")
}

/** Text as the server writes it, such as a decimal, a date or a time: no digit is lost. */
export function exactText(raw: unknown): string {
  if (typeof raw === 'string') return raw
  if (typeof raw === 'number' || typeof raw === 'bigint') return String(raw)
  throw notConverted(
    raw,
    'text',
    'Have the driver hand out what the server wrote: a Date has neither microseconds nor the time of no zone.',
  )
}

/** A moment for a parameter: a text as it is, a Date as its time in UTC. */
export function moment(value: unknown): string {
  if (!(value instanceof Date)) return exactText(value)
  if (Number.isNaN(value.getTime())) throw notConverted(value, 'a moment', 'Give a Date that is one.')
  return value.toISOString().replace('T', ' ').replace('Z', '')
}

/** Bytes, however the driver holds them. */
export function bytes(raw: unknown): Buffer {
  if (Buffer.isBuffer(raw)) return raw
  if (raw instanceof Uint8Array) return Buffer.from(raw.buffer, raw.byteOffset, raw.byteLength)
  if (raw instanceof ArrayBuffer) return Buffer.from(raw)
  throw notConverted(raw, 'bytes', 'Give a Buffer.')
}

/** Whether a value is bytes. */
export function isBytes(value: unknown): boolean {
  return value instanceof Uint8Array || value instanceof ArrayBuffer
}

/** Whether a value is an object or an array of plain data, and so JSON. */
export function isJson(value: unknown): boolean {
  if (Array.isArray(value)) return true
  if (typeof value !== 'object' || value === null) return false
  const prototype: unknown = Object.getPrototypeOf(value)
  return prototype === null || prototype === Object.prototype
}

/** The text of JSON as a value. A whole number that a double cannot hold is a bigint. */
export function parsedJson(raw: unknown): unknown {
  if (typeof raw !== 'string') return raw
  const parse = JSON.parse as (
    text: string,
    reviver: (...of: [string, unknown, { source?: string }]) => unknown,
  ) => unknown
  return parse(raw, (_, value, { source = '' }) =>
    typeof value === 'number' && !Number.isSafeInteger(value) && /^-?\d+$/.test(source) ? BigInt(source) : value,
  )
}

/** A value as the text of JSON, with bigints as numbers. */
export function jsonText(value: unknown): string {
  const { rawJSON } = JSON as unknown as { rawJSON(text: string): unknown }
  const text: unknown = JSON.stringify(value, (_, it: unknown) => (typeof it === 'bigint' ? rawJSON(String(it)) : it))
  if (typeof text === 'string') return text
  throw notConverted(value, 'JSON', 'Give plain data.')
}

/** `VARCHAR(20)`, `DECIMAL(10, 2)`: a type with what it is limited to. */
export function sized(type: string, ...limits: readonly (number | undefined)[]): string {
  const given = limits.filter((limit) => limit !== undefined)
  return given.length === 0 ? type : `${type}(${given.join(', ')})`
}
