import type { ConnectionOptions } from 'mysql2/promise'
import { messageOf, VenomError } from '../../errors.ts'
import { redacted } from '../../safety.ts'
import { ConnectionConfig } from '../shared/connection-config.ts'

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

/**
 * Reads `mysql://user:password@host:port/database?option=value`.
 *
 * Reads it as `ConnectionConfig` does; what that does not know goes to mysql2 as it is. Throws `BAD_ARGUMENT`.
 */
export function addressOf(url: string): Address {
  const config = read(url)
  if (!SCHEMES.includes(config.scheme)) throw badUrl(`"${redacted(url)}" is not a URL of a MySQL or MariaDB database.`)
  if (config.database === '') throw badUrl(`"${redacted(url)}" names no database.`)
  const { socketPath, database, connectTimeoutMs } = config
  const host = config.host || 'localhost'
  const place = socketPath === undefined ? { host, port: config.port ?? 3306 } : {}
  return {
    options: { connectTimeout: connectTimeoutMs, ...config.driverOptions(), ...place },
    database,
    ...(socketPath === undefined && { host }),
    shown: redacted(url),
  }
}

function read(url: string): ConnectionConfig {
  try {
    return ConnectionConfig.fromUrl(url)
  } catch (error) {
    const [what = ''] = messageOf(error).split('\n', 1)
    throw badUrl(what)
  }
}

/** The same server and login, another database. */
export function withDatabase(url: string, database: string): string {
  const parsed = new URL(url)
  parsed.pathname = `/${encodeURIComponent(database)}`
  return parsed.href
}

function badUrl(what: string): VenomError {
  return new VenomError(
    'BAD_ARGUMENT',
    `mysql: ${what}\n` +
      'Characters such as / ? # % in a user name or password end that part of a URL unless they are percent-encoded.\n' +
      "It must look like this: mysql('mysql://user:password@127.0.0.1:3306/shop_test').",
  )
}
