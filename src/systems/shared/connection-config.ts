import { inspect } from 'node:util'
import { VenomError } from '../../errors.ts'
import { redacted } from '../../safety.ts'
import { urlParts } from './url.ts'

/** Where a database is, how to log in to it, and how many connections may wait how long. Times are in ms. */
export interface ConnectionSettings {
  /** What a URL begins with: `postgres`, `mysql`, `file`. */
  readonly scheme?: string | undefined
  readonly host?: string | undefined
  readonly port?: number | undefined
  /** The path of a unix socket, which replaces host and port. */
  readonly socketPath?: string | undefined
  /** The database's name; of a file database its path, or `:memory:`. */
  readonly database?: string | undefined
  readonly user?: string | undefined
  readonly password?: string | undefined
  /** How many connections may be open at once. Default 5, and always 1 for a database in memory. */
  readonly poolSize?: number | undefined
  /** How long a lease may wait for a free connection. Default 30000. */
  readonly acquireTimeoutMs?: number | undefined
  /** How long making a connection may take. Default 10000. */
  readonly connectTimeoutMs?: number | undefined
  /** How long one statement may take. Default 30000; 0 for ever. */
  readonly queryTimeoutMs?: number | undefined
  /** Whatever else the driver takes. */
  readonly options?: Readonly<Record<string, unknown>> | undefined
}

const FILES = ['file', 'sqlite']
const SOCKETS = ['socketPath', 'socket', 'unix_socket']
const NUMBERS = { poolSize: 5, acquireTimeoutMs: 30_000, connectTimeoutMs: 10_000, queryTimeoutMs: 30_000 }
const TEXTS = ['host', 'socketPath', 'database', 'user', 'password'] as const

/** The settings of a connection, read from a URL, from the environment or from an object. Never changes; `clone` makes another one. */
export class ConnectionConfig implements ConnectionSettings {
  readonly scheme: string
  readonly host: string | undefined
  readonly port: number | undefined
  readonly socketPath: string | undefined
  readonly database: string
  readonly user: string | undefined
  readonly password: string | undefined
  readonly poolSize: number
  readonly acquireTimeoutMs: number
  readonly connectTimeoutMs: number
  readonly queryTimeoutMs: number
  readonly options: Readonly<Record<string, unknown>>

  /** Throws `BAD_ARGUMENT` for a number that makes no sense. */
  constructor(settings: ConnectionSettings) {
    const { scheme = '', host, port, socketPath, database = '', user, password, options = {} } = settings
    this.scheme = scheme
    this.host = host
    this.port = port === undefined ? undefined : whole('port', port, 1)
    this.socketPath = socketPath
    this.database = database
    this.user = user
    this.password = password
    this.options = { ...options }
    const { poolSize, acquireTimeoutMs, connectTimeoutMs, queryTimeoutMs } = NUMBERS
    this.poolSize = this.isMemory ? 1 : whole('poolSize', settings.poolSize ?? poolSize, 1)
    this.acquireTimeoutMs = whole('acquireTimeoutMs', settings.acquireTimeoutMs ?? acquireTimeoutMs, 1)
    this.connectTimeoutMs = whole('connectTimeoutMs', settings.connectTimeoutMs ?? connectTimeoutMs, 1)
    this.queryTimeoutMs = whole('queryTimeoutMs', settings.queryTimeoutMs ?? queryTimeoutMs, 0)
  }

  /** A configuration from whatever describes one. */
  static of(source: string | ConnectionSettings): ConnectionConfig {
    if (source instanceof ConnectionConfig) return source
    return typeof source === 'string' ? ConnectionConfig.fromUrl(source) : new ConnectionConfig(source)
  }

  /**
   * Reads `scheme://user:password@host:port/database?option=value`, `file:path` and `:memory:`.
   *
   * Every part is percent-decoded; IPv6 hosts stand in brackets; a unix socket is `?socketPath=…`, or a host that
   * begins with a slash (`?host=/run/postgresql`). `poolSize` and the time-outs are options too; others go to `options`,
   * with `true`, `10` and JSON as what they look like. Throws `BAD_ARGUMENT`, without the password.
   */
  static fromUrl(url: string, changes: ConnectionSettings = {}): ConnectionConfig {
    if (url === ':memory:') return new ConnectionConfig({ scheme: 'file', database: url, ...changes })
    const parts = urlParts(url)
    if (typeof parts === 'string') throw badUrl(url, parts)
    const { scheme, user, password, port, path } = parts
    const { host: listed, ...options } = parts.options
    const host = parts.host || listed
    const socket = host?.startsWith('/') ? host : take(options, SOCKETS)
    const numbers = Object.keys(NUMBERS).map((name) => [name, numberOf(url, name, take(options, [name]))] as const)
    const others = Object.entries(options).map(([name, value]) => [name, valueOf(value)] as const)
    return new ConnectionConfig({
      scheme,
      ...(socket === undefined ? { host, port } : { socketPath: socket }),
      database: FILES.includes(scheme) ? pathOf(url) : path,
      user: user || undefined,
      password: password || undefined,
      ...Object.fromEntries(numbers),
      options: Object.fromEntries(others),
      ...changes,
    })
  }

  /**
   * Reads `PREFIX_URL`, then what `PREFIX_HOST`, `_PORT`, `_SOCKET_PATH`, `_DATABASE`, `_USER`, `_PASSWORD`,
   * `_POOL_SIZE`, `_ACQUIRE_TIMEOUT_MS`, `_CONNECT_TIMEOUT_MS` and `_QUERY_TIMEOUT_MS` say otherwise.
   *
   * Throws `BAD_ARGUMENT` when neither a URL nor a database is set.
   */
  static fromEnv(
    prefix = 'VENOMQA_DB',
    env: Readonly<Record<string, string | undefined>> = process.env,
  ): ConnectionConfig {
    const read = (name: string): string | undefined =>
      env[`${prefix}_${name.replaceAll(/[A-Z]/g, '_$&').toUpperCase()}`] || undefined
    const url = read('url')
    const texts = TEXTS.map((name) => [name, read(name)] as const)
    const numbers = ['port', ...Object.keys(NUMBERS)].map((name) => [name, numberOf(prefix, name, read(name))] as const)
    const set = Object.fromEntries([...texts, ...numbers].filter(([, value]) => value !== undefined))
    if (url !== undefined) return ConnectionConfig.fromUrl(url, set)
    if (set['database'] !== undefined) return new ConnectionConfig(set)
    throw new VenomError(
      'BAD_ARGUMENT',
      `Neither ${prefix}_URL nor ${prefix}_DATABASE is set.\n` +
        'The environment of the tests lacks what says where the database is.\n' +
        `Set ${prefix}_URL=scheme://user:password@host:port/database, or give the settings as an object.`,
    )
  }

  /** Whether the database exists only inside of the connection that opened it. */
  get isMemory(): boolean {
    return this.database === ':memory:' || this.options['mode'] === 'memory'
  }

  /** Whether the database is a file of this machine, or in memory. */
  get isFile(): boolean {
    return FILES.includes(this.scheme)
  }

  /** The same with other settings. A key that is given as undefined is taken away. */
  clone(changes: ConnectionSettings = {}): ConnectionConfig {
    return new ConnectionConfig(Object.assign({}, this, changes))
  }

  /** What most drivers take: host, port or socketPath, database, user, password and the options, without what is not set. */
  driverOptions(): Record<string, unknown> {
    const { host, port, socketPath, database, user, password } = this
    const all = { host, port, socketPath, database: database || undefined, user, password, ...this.options }
    return Object.fromEntries(Object.entries(all).filter(([, value]) => value !== undefined))
  }

  /** The whole as a URL, for drivers that take one. Holds the password: never in a message. */
  url(): string {
    const { scheme, host = '', port, socketPath, database, user, password, options } = this
    const given = { ...(socketPath !== undefined && { socketPath }), ...options }
    const listed = Object.entries(given).map(([name, value]) => {
      const text = typeof value === 'string' ? value : JSON.stringify(value)
      return `${encodeURIComponent(name)}=${encodeURIComponent(text)}`
    })
    const query = listed.length > 0 ? `?${listed.join('&')}` : ''
    if (this.isFile) return `file:${database.split('/').map(encodePath).join('/')}${query}`
    const login = user === undefined ? '' : encodeURIComponent(user)
    const secret = password === undefined ? '' : `:${encodeURIComponent(password)}`
    const at = login + secret === '' ? '' : `${login}${secret}@`
    // A URL with a login and no host is none; a socket in it goes before that host when it is read.
    const named = host === '' && at !== '' ? 'localhost' : host
    const name = named.includes(':') ? `[${named}]` : encodeURIComponent(named)
    return `${scheme || 'sql'}://${at}${name}${port === undefined ? '' : `:${port}`}/${encodeURIComponent(database)}${query}`
  }

  /** The whole as a URL for messages and logs: without the password and the values of options that are or may hold secrets. */
  redacted(): string {
    const flat = Object.entries(this.options).map(([name, value]) => [name, typeof value === 'object' ? '***' : value])
    return redacted(this.clone({ options: Object.fromEntries(flat) }).url())
  }

  toString(): string {
    return this.redacted()
  }

  toJSON(): string {
    return this.redacted()
  }

  [inspect.custom](): string {
    return `ConnectionConfig ${this.redacted()}`
  }
}

/** The URL of what a system was given; settings that name no scheme get that one. Whatever is neither stays as it is. */
export function urlOf(given: string | ConnectionSettings, scheme: string): string {
  if (typeof given !== 'object' || given === null) return given
  const config = ConnectionConfig.of(given)
  return config.clone({ scheme: config.scheme || scheme }).url()
}

function take(options: Record<string, string>, names: readonly string[]): string | undefined {
  const name = names.find((candidate) => Object.hasOwn(options, candidate))
  if (name === undefined) return undefined
  const value = options[name]
  for (const candidate of names) delete options[candidate]
  return value
}

/** The path of a file URL: absolute with one or three slashes, relative without. */
function pathOf(url: string): string {
  const [path = ''] = url.replace(/^\w+:(\/\/(?=\/|[^/]))?/, '').split(/[?#]/)
  return decodeURIComponent(path)
}

/** In a path the colon of `:memory:` may stay. */
function encodePath(part: string): string {
  return encodeURIComponent(part).replaceAll('%3A', ':')
}

/** `true`, `10` and `{"ca":"…"}` are what they look like. */
function valueOf(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    return text
  }
}

function numberOf(where: string, name: string, text: string | undefined): number | undefined {
  if (text === undefined) return undefined
  if (/^\d+$/.test(text)) return Number(text)
  throw badNumber(`${name} of ${redacted(where)}`, text)
}

function whole(name: string, value: number, least: number): number {
  if (Number.isSafeInteger(value) && value >= least) return value
  throw badNumber(name, String(value))
}

function badNumber(name: string, value: string): VenomError {
  return new VenomError(
    'BAD_ARGUMENT',
    `${name} is "${value}", which is no number that it can be.\n` +
      'Counts and ports begin with 1; times are whole milliseconds, without a unit.\n' +
      `Write it in digits, such as ${name.split(' ')[0]}: 5000.`,
  )
}

function badUrl(url: string, what: string): VenomError {
  return new VenomError(
    'BAD_ARGUMENT',
    `"${redacted(url)}" ${what}.\n` +
      'Characters such as / ? # % in a user name or password end that part of a URL unless they are percent-encoded.\n' +
      'Write scheme://user:password@host:port/database?option=value, file:path or :memory:.',
  )
}
