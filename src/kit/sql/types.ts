import {
  bigInteger,
  bytes,
  exactText,
  isBytes,
  isJson,
  jsonText,
  moment,
  parsedJson,
  sized,
  wholeNumber,
} from './codecs.ts'
import { notConverted, type SqlType, TypeRegistry } from './registry.ts'

const isWhole = (value: unknown): boolean => Number.isSafeInteger(value) && !Object.is(value, -0)
const isDate = (value: unknown): boolean => value instanceof Date

/** The types of PostgreSQL, for a driver that hands out every value as the text that the server wrote. Natives are names and OIDs. */
export function postgresTypes(): TypeRegistry {
  return new TypeRegistry({
    boolean: {
      column: () => 'boolean',
      native: ['bool', 'boolean', '16'],
      accepts: (value) => typeof value === 'boolean',
      toDatabase: (value) => (truth(value) ? 't' : 'f'),
      fromDatabase: (raw) => truth(raw),
    },
    integer: { ...integers('integer'), native: ['int2', 'int4', 'integer', '21', '23'], toDatabase: wholeText },
    bigint: {
      ...bigints('bigint'),
      native: ['int8', 'bigint', '20'],
      toDatabase: (value) => String(bigInteger(value)),
    },
    float: {
      ...floats('double precision'),
      native: ['float4', 'float8', '700', '701'],
      toDatabase: (value) => (Object.is(value, -0) ? '-0' : String(value)),
    },
    ...texts('numeric', 'timestamptz', ['1700'], ['1082'], ['1083', '1266'], ['1114', '1184']),
    datetime: {
      ...moments('timestamptz', ['timestamp', 'timestamptz', '1114', '1184']),
      // Of a Date the zone is known; without it the server would take that of the session.
      toDatabase: (value) => (isDate(value) ? `${moment(value)}+00` : exactText(value)),
    },
    json: { ...json('jsonb'), native: ['json', 'jsonb', '114', '3802'] },
    uuid: { ...text('uuid'), native: ['uuid', '2950'] },
    bytes: {
      column: () => 'bytea',
      native: ['bytea', '17'],
      accepts: isBytes,
      toDatabase: (value) => String.raw`\x${bytes(value).toString('hex')}`,
      fromDatabase: (raw) =>
        typeof raw === 'string' && raw.startsWith(String.raw`\x`) ? Buffer.from(raw.slice(2), 'hex') : bytes(raw),
    },
  })
}

/**
 * The types of MySQL and MariaDB, for a driver that hands out text for everything but bytes. Natives are the numbers of
 * the protocol.
 */
export function mysqlTypes(): TypeRegistry {
  return new TypeRegistry({
    boolean: {
      column: () => 'tinyint(1)',
      accepts: (value) => typeof value === 'boolean',
      toDatabase: (value) => (truth(value) ? '1' : '0'),
      fromDatabase: (raw) => truth(raw),
    },
    integer: { ...integers('int'), native: ['1', '2', '3', '9', '13'], toDatabase: wholeText },
    bigint: { ...bigints('bigint'), native: ['8'], toDatabase: (value) => String(bigInteger(value)) },
    float: { ...floats('double'), native: ['4', '5'], toDatabase: (value) => finite(value) },
    ...texts('decimal', 'datetime(6)', ['246'], ['10'], ['11'], ['7', '12']),
    json: { ...json('json'), native: ['245'] },
    uuid: { ...text('char(36)') },
    bytes: { ...blobs('longblob'), native: [] },
  })
}

/**
 * The types of SQLite and what is made of it, for a driver that hands out whole numbers as bigints. Natives are the
 * types that columns are declared with.
 */
export function sqliteTypes(): TypeRegistry {
  return new TypeRegistry({
    boolean: {
      column: () => 'boolean',
      native: ['boolean', 'bool'],
      accepts: (value) => typeof value === 'boolean',
      toDatabase: (value) => (truth(value) ? 1n : 0n),
      fromDatabase: (raw) => truth(raw),
    },
    integer: {
      ...integers('integer'),
      native: ['integer', 'int'],
      toDatabase: (value) => BigInt(wholeNumber(value)),
    },
    bigint: { ...bigints('bigint'), native: ['bigint'], toDatabase: (value) => bigInteger(value) },
    float: { ...floats('real'), native: ['real', 'double', 'float'], toDatabase: (value) => finite(value) },
    // Of affinity NUMERIC a decimal would become a double.
    ...texts('text', 'text', [], ['date'], ['time'], ['datetime', 'timestamp']),
    json: { ...json('text'), native: ['json'] },
    uuid: { ...text('text'), native: ['uuid'] },
    bytes: { ...blobs('blob'), native: ['blob'] },
  })
}

function integers(column: string): Omit<SqlType, 'toDatabase'> {
  return { column: () => column, accepts: isWhole, fromDatabase: wholeNumber }
}

function bigints(column: string): Omit<SqlType, 'toDatabase'> {
  return { column: () => column, accepts: (value) => typeof value === 'bigint', fromDatabase: bigInteger }
}

function floats(column: string): Omit<SqlType, 'toDatabase'> {
  return { column: () => column, accepts: (value) => typeof value === 'number', fromDatabase: Number }
}

/** What stays text: strings, and numbers and times of which a number or a Date would lose digits. */
function texts(
  decimal: string,
  datetime: string,
  ...[decimals, dates, times, datetimes]: readonly (readonly string[])[]
): Readonly<Record<string, SqlType>> {
  return {
    text: { ...text('text'), accepts: (value) => typeof value === 'string' },
    varchar: { ...text('varchar'), column: ({ length }) => sized('varchar', length) },
    decimal: {
      ...text(decimal),
      column: ({ precision, scale }) => (decimal === 'text' ? decimal : sized(decimal, precision, scale)),
      native: ['numeric', 'decimal', ...(decimals ?? [])].filter(() => decimal !== 'text'),
    },
    date: { ...text('date'), native: ['date', ...(dates ?? [])] },
    time: { ...text('time'), native: ['time', ...(times ?? [])] },
    datetime: moments(datetime, datetimes ?? []),
  }
}

function text(column: string): SqlType {
  return { column: () => column, toDatabase: exactText, fromDatabase: exactText }
}

function moments(column: string, native: readonly string[]): SqlType {
  return { ...text(column), native, accepts: isDate, toDatabase: moment }
}

function json(column: string): SqlType {
  return { column: () => column, accepts: isJson, toDatabase: jsonText, fromDatabase: parsedJson }
}

function blobs(column: string): SqlType {
  return { column: () => column, accepts: isBytes, toDatabase: bytes, fromDatabase: bytes }
}

function wholeText(value: unknown): string {
  return String(wholeNumber(value))
}

function finite(value: unknown): number {
  if (typeof value === 'number' && Number.isFinite(value)) return value
  throw notConverted(value, 'a number that this database can hold', 'It has neither NaN nor Infinity.')
}

function truth(value: unknown): boolean {
  if (typeof value === 'boolean') return value
  if (value === 't' || value === '1' || value === 1 || value === 1n) return true
  if (value === 'f' || value === '0' || value === 0 || value === 0n) return false
  throw notConverted(value, 'true or false', 'Give a boolean.')
}
