import type { ClientConfig } from 'pg'
import { VenomError } from '../../errors.ts'
import { quoter } from '../shared/names.ts'
import type { Driver } from './driver.ts'

/** How a database is named by users: a URL, or the driver's own settings. */
export type Address = string | ClientConfig

/** Where a database is, as the driver reads it from the URL and the environment. Never holds the password. */
export interface Place {
  /** A folder for a unix socket. */
  readonly host: string
  readonly port: number
  readonly database: string
  readonly user: string
}

/**
 * Reads a URL as the driver does, with PGHOST, PGUSER and the like where it is silent.
 *
 * Throws `BAD_ARGUMENT`; the message never holds the URL, which may hold a password.
 */
export function placeOf({ Client }: Driver, url: Address): Place {
  if (!url) throw unreadable('it is empty.')
  try {
    const {
      host,
      port,
      database = '',
      user = '',
    } = new Client(typeof url === 'string' ? { connectionString: url } : url)
    return { host, port, database, user }
  } catch (error) {
    // Not the error itself: it quotes the URL.
    throw unreadable(`it is not a URL (${(error as { code?: string }).code ?? 'invalid'}).`)
  }
}

/** A place as messages name it: `"shop_test" on localhost:5432`. */
export function placeName({ host, port, database }: Place): string {
  return `"${database}" on ${host}${host.startsWith('/') ? '' : `:${port}`}`
}

const quote = quoter('"')

/** A name as SQL takes it, whatever is in it. */
export function quoted(name: string): string {
  return quote(name)
}

/** A text as SQL takes it, whatever is in it. */
export function literal(text: string): string {
  return `'${text.replaceAll("'", "''")}'`
}

/** How every connection of ours calls itself in `pg_stat_activity`. */
export function configOf(url: Address, name: string): ClientConfig {
  const address = typeof url === 'string' ? { connectionString: url } : url
  return { ...address, application_name: name, connectionTimeoutMillis: 10_000, keepAlive: true }
}

function unreadable(why: string): VenomError {
  return new VenomError(
    'BAD_ARGUMENT',
    `postgres: the URL cannot be read: ${why}\n` +
      'The variable that holds it may not be set, or a character of the password such as / or # is not percent-encoded.\n' +
      "Write postgres('postgres://user:password@localhost:5432/shop_test').",
  )
}
