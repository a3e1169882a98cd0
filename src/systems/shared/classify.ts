import { types } from 'node:util'
import { messageOf } from '../../errors.ts'
import type { Constraint, Trouble } from './backend-error.ts'

const lost: Trouble = { family: 'connection', code: 'CONNECTION_REFUSED', retryable: true }
const denied: Trouble = { family: 'connection', code: 'CONNECTION_REFUSED' }
const noDatabase: Trouble = { family: 'connection', code: 'NOT_FOUND' }
const locked: Trouble = { family: 'lock', code: 'LOCKED', retryable: true }
const deadlock: Trouble = { family: 'lock', code: 'DEADLOCK', retryable: true }
const serialization: Trouble = { family: 'transaction', code: 'SERIALIZATION', retryable: true }
const transaction: Trouble = { family: 'transaction', code: 'TRANSACTION' }
const timedOut: Trouble = { family: 'operational', code: 'TIMED_OUT', retryable: true }
const readOnly: Trouble = { family: 'operational', code: 'READ_ONLY' }
const noGrant: Trouble = { family: 'operational', code: 'MISSING_GRANT' }
const operational: Trouble = { family: 'operational', code: 'OPERATIONAL' }
const query: Trouble = { family: 'query', code: 'QUERY' }
const unsupported: Trouble = { family: 'query', code: 'UNSUPPORTED' }
const conversion: Trouble = { family: 'conversion', code: 'CONVERSION' }
const broken = (constraint?: Constraint): Trouble => ({
  family: 'integrity',
  code: 'INTEGRITY',
  ...(constraint && { constraint }),
})

/** Five characters, or the two that name the class. https://www.postgresql.org/docs/current/errcodes-appendix.html */
const SQLSTATES: Readonly<Record<string, Trouble>> = {
  '08': lost,
  '0A': unsupported,
  '21': query,
  '22': conversion,
  '22012': query, // division by zero
  '23': broken(),
  '23001': broken('foreign key'),
  '23502': broken('not null'),
  '23503': broken('foreign key'),
  '23505': broken('unique'),
  '23514': broken('check'),
  '23P01': broken('exclusion'),
  '25': transaction,
  '25006': readOnly,
  '25P03': lost,
  '26': query,
  '28': denied,
  '2D': transaction,
  '3B': transaction,
  '3D': noDatabase,
  '3F': query,
  '40': serialization,
  '40P01': deadlock,
  '42': query,
  '42501': noGrant,
  '42804': conversion,
  '42846': conversion,
  '44': broken('check'),
  '53': operational,
  '53300': lost,
  '55006': locked,
  '55P03': locked,
  '57014': timedOut,
  '57P01': lost,
  '57P02': lost,
  '57P03': lost,
  '57P05': lost,
  P0: query,
}

/** https://dev.mysql.com/doc/mysql-errors/9.0/en/server-error-reference.html, https://mariadb.com/kb/en/mariadb-error-codes/ */
const ERRNOS: readonly (readonly [Trouble, readonly number[]])[] = [
  [broken('unique'), [1022, 1062, 1169, 1586]],
  [broken('not null'), [1048, 1263, 1364]],
  [broken('foreign key'), [1216, 1217, 1451, 1452, 1761, 1762]],
  [broken('check'), [3819, 4025]],
  [deadlock, [1213, 1614]],
  [locked, [1205, 3572, 3058]],
  [serialization, [1020]],
  [timedOut, [1317, 1969, 3024]],
  [denied, [1045, 1698, 1862, 3118]],
  [noDatabase, [1049]],
  [noGrant, [1044, 1142, 1143, 1227, 1370, 1410, 1419, 3879]],
  [readOnly, [1290, 1792, 1836]],
  [lost, [1040, 1042, 1043, 1053, 1152, 1158, 1159, 1160, 1161, 1203, 1927, 2002, 2003, 2006, 2013, 3169, 4031]],
  [transaction, [1179, 1399, 1400, 1568]],
  [conversion, [1264, 1265, 1292, 1366, 1367, 1406, 1411, 1416, 1441, 1690, 3140, 3141, 3156]],
  [query, [1046, 1051, 1052, 1054, 1064, 1066, 1109, 1136, 1146, 1305, 1365]],
]

/** https://sqlite.org/rescode.html. An extended code begins with the name of its primary code. */
const SQLITE: Readonly<Record<string, Trouble>> = {
  SQLITE_ABORT: transaction,
  SQLITE_AUTH: noGrant,
  SQLITE_BUSY: locked,
  SQLITE_BUSY_SNAPSHOT: serialization,
  SQLITE_CANTOPEN: denied,
  SQLITE_CONSTRAINT: broken(),
  SQLITE_CONSTRAINT_CHECK: broken('check'),
  SQLITE_CONSTRAINT_DATATYPE: conversion,
  SQLITE_CONSTRAINT_FOREIGNKEY: broken('foreign key'),
  SQLITE_CONSTRAINT_NOTNULL: broken('not null'),
  SQLITE_CONSTRAINT_PRIMARYKEY: broken('unique'),
  SQLITE_CONSTRAINT_ROWID: broken('unique'),
  SQLITE_CONSTRAINT_UNIQUE: broken('unique'),
  SQLITE_ERROR: query,
  SQLITE_INTERRUPT: timedOut,
  SQLITE_LOCKED: locked,
  SQLITE_MISMATCH: conversion,
  SQLITE_NOTADB: denied,
  SQLITE_PROTOCOL: locked,
  SQLITE_RANGE: query,
  SQLITE_READONLY: readOnly,
  SQLITE_TOOBIG: conversion,
}

/** The numbers of those codes, which is all that node:sqlite tells. The lowest byte is that of the primary code. */
const SQLITE_NUMBERS: Readonly<Record<number, string>> = {
  1: 'SQLITE_ERROR',
  4: 'SQLITE_ABORT',
  5: 'SQLITE_BUSY',
  6: 'SQLITE_LOCKED',
  8: 'SQLITE_READONLY',
  9: 'SQLITE_INTERRUPT',
  11: 'SQLITE_CORRUPT',
  14: 'SQLITE_CANTOPEN',
  15: 'SQLITE_PROTOCOL',
  18: 'SQLITE_TOOBIG',
  19: 'SQLITE_CONSTRAINT',
  20: 'SQLITE_MISMATCH',
  23: 'SQLITE_AUTH',
  25: 'SQLITE_RANGE',
  26: 'SQLITE_NOTADB',
  275: 'SQLITE_CONSTRAINT_CHECK',
  517: 'SQLITE_BUSY_SNAPSHOT',
  787: 'SQLITE_CONSTRAINT_FOREIGNKEY',
  1299: 'SQLITE_CONSTRAINT_NOTNULL',
  1555: 'SQLITE_CONSTRAINT_PRIMARYKEY',
  1811: 'SQLITE_CONSTRAINT_TRIGGER',
  2067: 'SQLITE_CONSTRAINT_UNIQUE',
  2579: 'SQLITE_CONSTRAINT_ROWID',
  3091: 'SQLITE_CONSTRAINT_DATATYPE',
}

const NETWORK =
  /^(ECONNREFUSED|ECONNRESET|ECONNABORTED|ENOTFOUND|EAI_AGAIN|ETIMEDOUT|EHOSTUNREACH|ENETUNREACH|EPIPE|PROTOCOL_CONNECTION_LOST)$/

/** What drivers throw without a code when the connection is gone, or a parameter is nothing that they can send. */
const GONE =
  /^(Connection terminated|Client (was closed|has encountered a connection error)|Can't add new command when connection is in closed state|The database connection is not open)/
/** What pg throws without a code when the server asks for a password that it does not have. */
const NO_PASSWORD = /^SASL: /
const UNSENDABLE = /\b(bind|bound|bigint|argument|parameter)s?\b/i

/** SQLite has one code for all of these. */
const NO_TRANSACTION = /^(SQLITE_ERROR: )?(cannot (start|commit|rollback) .*\btransaction\b|no such savepoint: )/

interface Coded {
  readonly code?: unknown
  readonly extendedCode?: unknown
  readonly errcode?: unknown
  readonly errno?: unknown
  readonly sqlState?: unknown
  readonly syscall?: unknown
}

/**
 * What an error of a driver is, by its SQLSTATE (PostgreSQL and the standard), its number (MySQL, MariaDB), its result
 * code (SQLite) or that of the network; never by words that a user's own table or value could have. Undefined for
 * what is no error of a database, such as a bug.
 */
export function classify(error: unknown): Trouble | undefined {
  const { code, errno, sqlState, syscall }: Coded = Object(error)
  const said = messageOf(error)
  if (typeof code === 'string' && (NETWORK.test(code) || syscall === 'connect')) return lost
  const name = sqliteCode(error)
  if (name !== undefined) return bySqlite(name, said)
  if (typeof errno === 'number' && errno > 0) {
    const [known] = ERRNOS.find(([, numbers]) => numbers.includes(errno)) ?? []
    // One number for savepoints and for routines that there are not.
    if (errno === 1305 && said.startsWith('SAVEPOINT')) return transaction
    return known ?? bySqlState(sqlState) ?? operational
  }
  const state = bySqlState(sqlState ?? code)
  if (state) return state
  if (GONE.test(said)) return lost
  if (NO_PASSWORD.test(said)) return denied
  return isOfArguments(error) && UNSENDABLE.test(said) ? conversion : undefined
}

/** The result code of SQLite, `SQLITE_CONSTRAINT_UNIQUE`, as exactly as the driver tells it; undefined for other errors. */
export function sqliteCode(error: unknown): string | undefined {
  const { code, extendedCode, errcode }: Coded = Object(error)
  if (code === 'ERR_SQLITE_ERROR' && typeof errcode === 'number') {
    return SQLITE_NUMBERS[errcode] ?? SQLITE_NUMBERS[errcode & 0xff] ?? `SQLITE_${errcode & 0xff}`
  }
  const name = [extendedCode, code].find((it) => typeof it === 'string' && it.startsWith('SQLITE_'))
  return name as string | undefined
}

function bySqlState(state: unknown): Trouble | undefined {
  if (typeof state !== 'string' || !/^[0-9A-Z]{5}$/.test(state)) return undefined
  const known = SQLSTATES[state] ?? SQLSTATES[state.slice(0, 2)]
  // Codes of Node are five letters too, such as EPERM; a SQLSTATE has a digit.
  return known ?? (/\d/.test(state) ? operational : undefined)
}

function bySqlite(name: string, said: string): Trouble {
  if (NO_TRANSACTION.test(said)) return transaction
  // A key that is declared ON DELETE RESTRICT is a trigger of SQLite's own.
  if (name === 'SQLITE_CONSTRAINT_TRIGGER' && /^(SQLITE_\w+: )?FOREIGN KEY constraint failed$/.test(said)) {
    return broken('foreign key')
  }
  const [primary = ''] = /^SQLITE_[A-Z]+/.exec(name) ?? []
  return SQLITE[name] ?? SQLITE[primary] ?? operational
}

function isOfArguments(error: unknown): boolean {
  return types.isNativeError(error) && /^(TypeError|RangeError)$/.test(error.name)
}
