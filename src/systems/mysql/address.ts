import type { ConnectionOptions } from 'mysql2/promise'
import { VenomError } from '../../errors.ts'
import { redacted } from '../../safety.ts'
import { urlParts } from '../shared/url.ts'

/** Where a database is and how to log in to it. */
export interface Address {
  /** For the driver. Holds the password: never in a message. */
  readonly options: ConnectionOptions
  readonly database: string
  /** Absent for a unix socket. */
  readonly host?: string
  /** For messages: without the password. */
  readonly shown: string
}

const SCHEMES = ['mysql', 'mariadb']
const SOCKETS = ['socketPath', 'socket', 'unix_socket']

/**
 * Reads `mysql://user:password@host:port/database?option=value`.
 *
 * Passwords may hold an unescaped `@`; `%`, `/`, `?` and `#` in them must be percent-encoded. IPv6 hosts stand in
 * brackets, a unix socket in `?socketPath=`. Other options go to mysql2 as they are. Throws `BAD_ARGUMENT`.
 */
export function addressOf(url: string): Address {
  const parts = urlParts(url)
  if (typeof parts === 'string') throw badUrl(url, parts)
  if (!SCHEMES.includes(parts.scheme)) throw badUrl(url, 'is not a URL of a MySQL or MariaDB database')
  const { user, password, path: database, port = 3306 } = parts
  if (database === '') throw badUrl(url, 'names no database')
  const host = parts.host || 'localhost'
  const socket = SOCKETS.map((name) => parts.options[name]).find((path) => path !== undefined)
  const others = Object.entries(parts.options).filter(([name]) => !SOCKETS.includes(name))
  return {
    options: {
      ...Object.fromEntries(others.map(([name, value]) => [name, valueOf(value)])),
      ...(socket === undefined ? { host, port } : { socketPath: socket }),
      ...(user !== '' && { user }),
      ...(password !== '' && { password }),
      database,
    },
    database,
    ...(socket === undefined && { host }),
    shown: redacted(url),
  }
}

/** The same server and login, another database. */
export function withDatabase(url: string, database: string): string {
  const parsed = new URL(url)
  parsed.pathname = `/${encodeURIComponent(database)}`
  return parsed.href
}

/** As mysql2 reads options of a URL: `true`, `10` and `{"rejectUnauthorized":false}` are what they look like. */
function valueOf(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    return text
  }
}

function badUrl(url: string, what: string): VenomError {
  return new VenomError(
    'BAD_ARGUMENT',
    `mysql: "${redacted(url)}" ${what}.\n` +
      'Characters such as / ? # % in a user name or password end that part of a URL unless they are percent-encoded.\n' +
      "It must look like this: mysql('mysql://user:password@127.0.0.1:3306/shop_test').",
  )
}
