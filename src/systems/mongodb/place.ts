import type { MongoClient } from 'mongodb'
import { VenomError } from '../../errors.ts'
import { requireTestDatabase, type SafetyOptions } from '../../safety.ts'
import type { Driver } from './driver.ts'

/** Where the data is, read from the URL and the options. */
export interface Place {
  readonly hosts: readonly string[]
  readonly databases: readonly string[]
}

/** Reads a URL as the driver does. Throws `BAD_ARGUMENT`; the message never holds the URL, which may hold a password. */
export function placeOf(driver: Driver, url: string, databases: readonly string[] | undefined): Place {
  const client = parsed(driver, url)
  const { hosts, srvHost } = client.options
  const named = databaseIn(url)
  const chosen = databases ?? (named === '' ? [] : [named])
  if (chosen.length === 0) throw noDatabase()
  for (const name of chosen) if (HANDS_OFF.includes(name)) throw handsOff(name)
  const addresses = hosts.map(({ host, socketPath }) => host ?? socketPath ?? '')
  return { hosts: srvHost === undefined ? addresses : [srvHost], databases: [...new Set(chosen)] }
}

/** Throws `NOT_A_TEST_DATABASE` unless each of these may be rewritten. */
export function requireTestPlace({ hosts, databases }: Place, options: SafetyOptions): void {
  for (const database of databases) {
    for (const host of hosts) {
      const isSocket = host.startsWith('/') || host === ''
      requireTestDatabase({ system: 'mongodb', database, proved: false, ...(isSocket ? {} : { host }) }, options)
    }
  }
}

/** The one database of which each worker gets a copy. Throws `BAD_ARGUMENT` when there are several. */
export function templateOf({ databases }: Place): string {
  const [template = '', ...more] = databases
  if (more.length === 0) return template
  throw new VenomError(
    'BAD_ARGUMENT',
    `mongodb: perWorker copies one database, and ${databases.length} are named: ${databases.join(', ')}.\n` +
      'The application is given one URL for all it needs.\n' +
      'Name one database, or give each worker its own: mongodb(url, { databases: [`a_${id}`, `b_${id}`] }).',
  )
}

/** The same URL for another database, by whose name the application then calls itself. */
export function urlOf(url: string, database: string): string {
  const [, start = '', query = ''] = /^([^:]+:\/\/[^/?]*)[^?]*(\?.*)?$/.exec(url) ?? []
  const options = new URLSearchParams(query)
  // Without a database in the path, the one that knows the user would be this one.
  if (/@/.test(start) && !options.has('authSource')) options.set('authSource', databaseIn(url) || 'admin')
  options.set('appName', database)
  return `${start}/${encodeURIComponent(database)}?${options.toString()}`
}

function databaseIn(url: string): string {
  return decodeURIComponent(/^[^:]+:\/\/[^/?]*\/([^?]*)/.exec(url)?.[1] ?? '')
}

const HANDS_OFF = ['admin', 'local', 'config', 'venomqa']

function parsed(driver: Driver, url: string): MongoClient {
  try {
    return new driver.MongoClient(url)
  } catch {
    // Not the cause: it may quote the URL, and with it the password.
    throw new VenomError(
      'BAD_ARGUMENT',
      'mongodb: the URL cannot be read.\n' +
        'The variable that holds it may not be set, or a character of the password such as / or @ is not percent-encoded.\n' +
        "Write mongodb('mongodb://user:password@localhost:27017/shop_test?authSource=admin').",
    )
  }
}

function noDatabase(): VenomError {
  return new VenomError(
    'BAD_ARGUMENT',
    'mongodb: neither the URL nor the options name a database.\n' +
      'A server may hold other things than test data, so what is rewritten must be named.\n' +
      "Name it: mongodb('mongodb://localhost:27017/shop_test'), or mongodb(url, { databases: ['shop_test'] }).",
  )
}

function handsOff(name: string): VenomError {
  return new VenomError(
    'BAD_ARGUMENT',
    `mongodb: the database "${name}" is the server's or ours and is never rewritten.\n` +
      'Users, roles, settings and the oplog are there.\n' +
      'Name the databases of the application.',
  )
}
