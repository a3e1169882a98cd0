import { isIP } from 'node:net'
import type { ConnectionOptions } from 'node:tls'
import { VenomError } from '../../errors.ts'

/** Where a server is and who we are there, read from a URL. */
export interface Place {
  /** Absent for a unix socket. */
  readonly host?: string
  readonly port?: number
  /** The path of a unix socket. */
  readonly path?: string
  readonly username?: string
  readonly password?: string
  readonly database: number
  readonly tls?: ConnectionOptions
}

const PLAIN = ['redis:', 'valkey:']
const TLS = ['rediss:', 'valkeys:']
const UNIX = ['unix:', 'redis+unix:', 'redis+socket:', 'valkey+unix:']

/**
 * Reads `redis://user:password@host:port/database`, `rediss://` (TLS), the same with `valkey`, and
 * `unix:///path/to/socket?db=3`.
 *
 * @throws VenomError `BAD_ARGUMENT`; the message never holds the URL, which may hold a password.
 */
export function placeOf(url: string, tls: ConnectionOptions = {}): Place {
  const { protocol, hostname, port, pathname, username, password, searchParams } = parsed(url)
  const socket = UNIX.includes(protocol)
  if (!socket && !PLAIN.includes(protocol) && !TLS.includes(protocol)) {
    throw bad(`it begins with "${protocol}//".`)
  }
  const database = searchParams.get('db') ?? (socket ? '' : pathname.slice(1))
  if (!/^\d*$/.test(database)) throw bad('its database is not a number.')

  // A URL without a user name logs in as "default", as every Redis client does.
  const login = password ? { username: decoded(username) || 'default', password: decoded(password) } : {}
  if (socket) return { path: decoded(pathname), database: Number(database), ...login }
  const host = hostname.replace(/^\[|\]$/g, '') || 'localhost'
  return {
    host,
    port: Number(port || 6379),
    database: Number(database),
    ...login,
    // An address is no name that a certificate could be asked for.
    ...(TLS.includes(protocol) ? { tls: { ...(isIP(host) ? {} : { servername: host }), ...tls } } : {}),
  }
}

/** The same URL for another database of the same server. */
export function urlOfDatabase(url: string, database: number): string {
  const changed = parsed(url)
  if (UNIX.includes(changed.protocol) || changed.searchParams.has('db')) {
    changed.searchParams.set('db', String(database))
  } else {
    changed.pathname = `/${database}`
  }
  return changed.href
}

/** A place as messages name it: `redis at localhost:6379, database 3`. */
export function placeName(place: Place): string {
  return `${place.path ?? `${place.host}:${place.port}`}, database ${place.database}`
}

function parsed(url: string): URL {
  try {
    return new URL(url)
  } catch (cause) {
    // Not the cause itself: it quotes the URL, and with it the password.
    throw bad(`it is not a URL (${(cause as { code?: string }).code ?? 'invalid'}).`)
  }
}

function decoded(text: string): string {
  try {
    return decodeURIComponent(text)
  } catch {
    throw bad('it has a % that begins no percent-encoded character.')
  }
}

function bad(why: string): VenomError {
  return new VenomError(
    'BAD_ARGUMENT',
    `redis: the URL cannot be read: ${why}\n` +
      'A character such as /, # or % in a password must be percent-encoded.\n' +
      "Write redis('redis://user:password@localhost:6379/3'), rediss:// for TLS, or unix:///run/redis.sock?db=3.",
  )
}
