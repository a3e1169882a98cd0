import { connect as connectPlain, type Socket } from 'node:net'
import { connect as connectTls } from 'node:tls'
import { messageOf, VenomError } from '../../errors.ts'
import { type Place, placeName } from './place.ts'
import { type Command, encode, Parser, type Part, type Reply, ReplyError } from './resp.ts'

const CONNECT_MS = 5000
const PARTS_PER_WRITE = 1000

interface Trip {
  readonly replies: Reply[]
  missing: number
  readonly resolve: (replies: readonly Reply[]) => void
  readonly reject: (error: unknown) => void
}

/** One RESP3 connection that keeps the pushes, which client libraries drop. */
export class Connection {
  readonly #socket: Socket
  #trips: Trip[] = []
  #first = 0
  #failure: VenomError | undefined
  #major = 0
  #received = 0
  /** Called with every push, such as `invalidate`, in the order of the stream. */
  onPush: (push: readonly Reply[]) => void = () => {}

  private constructor(socket: Socket, place: Place) {
    this.#socket = socket
    const parser = new Parser(
      (reply) => this.#take(reply),
      (push) => this.onPush(push),
    )
    socket.on('data', (bytes) => {
      try {
        parser.feed(bytes)
      } catch (error) {
        socket.destroy(error as Error)
      }
    })
    let cause: unknown
    socket.on('error', (error) => {
      cause = error
    })
    socket.on('close', () => this.#fail(lost(place, cause)))
  }

  /**
   * Connects, logs in and selects the database of `place`.
   *
   * @throws VenomError `CONNECTION_REFUSED` when nobody answers or the login is refused, `NOT_FOUND`
   * for a database number the server does not have, `UNSUPPORTED` when the server is older than Redis 6.
   */
  static async open(place: Place): Promise<Connection> {
    const connection = new Connection(await socketTo(place), place)
    try {
      const login =
        place.password === undefined ? [] : ['AUTH', place.username ?? 'default', place.password].map(bytesOf)
      const hello = await connection.trip([['HELLO', '3', ...login]])
      if (hello[0] instanceof ReplyError) throw lacksGrant(hello[0]) ?? refusedLogin(place, hello[0])
      connection.#major = majorIn(hello[0])
      const [selected] = await connection.trip([['SELECT', place.database]])
      if (selected instanceof ReplyError) throw lacksGrant(selected) ?? noDatabase(place, selected)
      return connection
    } catch (error) {
      connection.close()
      throw error
    }
  }

  /** The first number of the server's version. */
  get major(): number {
    return this.#major
  }

  /** How many replies have come. */
  get received(): number {
    return this.#received
  }

  /** Whether the server has hung up; every further call would fail. */
  get closed(): boolean {
    return this.#failure !== undefined
  }

  /** Sends commands together and gives their replies; an error of the server is a reply like any other. */
  trip(commands: readonly Command[]): Promise<readonly Reply[]> {
    if (this.#failure) return Promise.reject(this.#failure)
    if (commands.length === 0) return Promise.resolve([])
    return new Promise((resolve, reject) => {
      this.#trips.push({ replies: [], missing: commands.length, resolve, reject })
      this.#write(commands)
    })
  }

  /** Sends one command and throws the server's error, if it answers with one. */
  async call(...command: Part[]): Promise<Reply> {
    const [reply] = await this.trip([command])
    return good(reply)
  }

  /** Hangs up. */
  close(): void {
    this.#socket.destroy()
  }

  /** Writes some commands at a time: the server is at the first while we put together the next. */
  #write(commands: readonly Command[]): void {
    let from = 0
    let parts = 0
    for (let at = 0; at < commands.length; at += 1) {
      const command = commands[at]
      parts += Array.isArray(command) ? command.length : 1
      if (parts < PARTS_PER_WRITE) continue
      this.#socket.write(encode(commands.slice(from, at + 1)))
      from = at + 1
      parts = 0
    }
    if (from < commands.length) this.#socket.write(encode(commands.slice(from)))
  }

  #take(reply: Reply): void {
    this.#received += 1
    const trip = this.#trips[this.#first]
    if (!trip) return
    trip.replies.push(reply)
    trip.missing -= 1
    if (trip.missing > 0) return
    this.#first += 1
    if (this.#first === this.#trips.length) {
      this.#trips = []
      this.#first = 0
    }
    trip.resolve(trip.replies)
  }

  #fail(failure: VenomError): void {
    this.#failure = failure
    const waiting = this.#trips.slice(this.#first)
    this.#trips = []
    this.#first = 0
    for (const trip of waiting) trip.reject(failure)
  }
}

/** The reply itself, unless it is an error: then that is thrown. */
export function good(reply: Reply | undefined): Reply {
  if (reply instanceof ReplyError) throw reply
  return reply ?? null
}

/** Text as the bytes that go over the wire (see {@link Part}). */
export function bytesOf(text: string): string {
  return Buffer.from(text).toString('latin1')
}

/** Opens a socket to the server, encrypted when the place says so. */
export function socketTo(place: Place): Promise<Socket> {
  return new Promise((resolve, reject) => {
    const { path, host = 'localhost', port = 6379, tls } = place
    const address = { host, port }
    const socket = tls ? connectTls({ ...address, ...tls }) : connectPlain(path === undefined ? address : { path })
    socket.setNoDelay(true).setKeepAlive(true, 15_000)
    const fail = (cause: unknown): void => {
      socket.destroy()
      reject(refused(place, cause))
    }
    const timer = setTimeout(() => fail(new Error(`no answer for ${CONNECT_MS} ms`)), CONNECT_MS)
    socket.once('error', (error) => {
      clearTimeout(timer)
      fail(error)
    })
    socket.once(tls ? 'secureConnect' : 'connect', () => {
      clearTimeout(timer)
      socket.removeAllListeners('error')
      resolve(socket)
    })
  })
}

/** The version in the answer to HELLO, a flat list of facts. */
function majorIn(facts: Reply | undefined): number {
  const list = Array.isArray(facts) ? (facts as readonly Reply[]).map(String) : []
  return Number.parseInt(list[list.indexOf('version') + 1] ?? '', 10)
}

function refused(place: Place, cause: unknown): VenomError {
  const why = (cause as { code?: string }).code ?? messageOf(cause)
  return new VenomError(
    'CONNECTION_REFUSED',
    `redis: cannot connect to ${placeName(place)} (${why}).\n` +
      'The server is not running, or it listens elsewhere, or it speaks TLS where we do not (or the other way round).\n' +
      'Start it, or correct the URL; use rediss:// for TLS.',
    { cause, retryable: true },
  )
}

/** The server hung up. */
export function lost(place: Place, cause: unknown): VenomError {
  return new VenomError(
    'CONNECTION_REFUSED',
    `redis: ${placeName(place)} closed the connection.\n` +
      'The server was stopped or restarted, or somebody used CLIENT KILL.\n' +
      'Run again when it is up; the next call connects anew and compares every key.',
    { cause, retryable: true },
  )
}

/** The error itself, when it only says that our user may not run the command: the grant is named elsewhere. */
function lacksGrant(error: ReplyError): ReplyError | undefined {
  return error.kind === 'NOPERM' ? error : undefined
}

function refusedLogin(place: Place, error: ReplyError): VenomError {
  if (error.kind === 'ERR' || error.kind === 'NOPROTO') {
    return new VenomError(
      'UNSUPPORTED',
      `redis: ${placeName(place)} does not speak RESP3: ${error.message}.\n` +
        'It is older than Redis 6, or a proxy stands before it.\n' +
        'Use Redis 6 or newer, or any Valkey, and connect to it directly.',
      { cause: error },
    )
  }
  return new VenomError(
    'CONNECTION_REFUSED',
    `redis: ${placeName(place)} refused the login of user "${place.username ?? 'default'}": ${error.message}.\n` +
      'The user or the password in the URL is wrong, or is missing.\n' +
      'Write redis://user:password@host:port/database, with special characters percent-encoded.',
    { cause: error },
  )
}

function noDatabase(place: Place, error: ReplyError): VenomError {
  return new VenomError(
    'NOT_FOUND',
    `redis: ${placeName(place)} cannot be selected: ${error.message}.\n` +
      'A server has 16 databases (0 to 15) unless its configuration says otherwise, and a Cluster has only 0.\n' +
      'Use a smaller number in the URL, fewer workers, or start the server with --databases 64.',
    { cause: error },
  )
}
