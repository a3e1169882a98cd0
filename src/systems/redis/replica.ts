import type { Socket } from 'node:net'
import { bytesOf, lost, socketTo } from './connection.ts'
import type { Place } from './place.ts'
import { type Command, encode, Parser, type Reply, ReplyError } from './resp.ts'

/** The delimiter of a snapshot of unknown length. */
const EOF_BYTES = 40
const ACK_MS = 1000

/**
 * A connection that the server takes for a replica, so that it sends every write, in order.
 *
 * The snapshot that begins it is thrown away; from Redis 7 on we ask for an empty one. See
 * "Replication" in the Redis documentation and replication.c for the protocol.
 */
export class Replica {
  readonly #socket: Socket
  readonly #place: Place
  readonly #onCommand: (command: readonly Buffer[]) => void
  readonly #waiting: {
    readonly offset: number
    readonly arrived: () => void
    readonly failed: (e: unknown) => void
  }[] = []
  readonly #parser: Parser
  #base = 0
  #timer: NodeJS.Timeout | undefined
  closed = false

  private constructor(socket: Socket, place: Place, onCommand: (command: readonly Buffer[]) => void) {
    this.#socket = socket
    this.#place = place
    this.#onCommand = onCommand
    this.#parser = new Parser((reply) => this.#onCommand(reply as readonly Buffer[]))
  }

  /** Attaches to the server; the stream begins with the first write after this resolves. */
  static async open(place: Place, onCommand: (command: readonly Buffer[]) => void): Promise<Replica> {
    const socket = await socketTo(place)
    const replica = new Replica(socket, place, onCommand)
    try {
      await replica.#attach(handshake(place))
      return replica
    } catch (error) {
      socket.destroy()
      throw error
    }
  }

  /** Resolves when every write up to `offset` of the server's stream was handed on. */
  reached(offset: number): Promise<void> {
    if (this.#offset >= offset) return Promise.resolve()
    if (this.closed) return Promise.reject(lost(this.#place, undefined))
    return new Promise((arrived, failed) => this.#waiting.push({ offset, arrived, failed }))
  }

  close(): void {
    this.#socket.destroy()
  }

  get #offset(): number {
    return this.#base + this.#parser.consumed
  }

  #attach(commands: readonly Command[]): Promise<void> {
    return new Promise((resolve, reject) => {
      const end = (failure: unknown): void => {
        this.closed = true
        clearInterval(this.#timer)
        reject(failure)
        for (const { failed } of this.#waiting.splice(0)) failed(failure)
      }
      let cause: unknown
      this.#socket.on('error', (error) => {
        cause = error
      })
      this.#socket.on('close', () => end(lost(this.#place, cause)))
      const steps = this.#greeting(commands)
      steps.next()
      let rest: Buffer = Buffer.alloc(0)
      const greet = (bytes: Buffer): void => {
        rest = rest.length === 0 ? bytes : Buffer.concat([rest, bytes])
        try {
          for (;;) {
            const { value: used, done } = steps.next(rest)
            rest = rest.subarray(used)
            if (!done) {
              if (used === 0) return
              continue
            }
            break
          }
        } catch (error) {
          end(error)
          return
        }
        this.#socket.off('data', greet)
        this.#socket.on('data', (more) => this.#feed(more))
        this.#acknowledge()
        this.#timer = setInterval(() => this.#acknowledge(), ACK_MS)
        this.#timer.unref()
        this.#feed(rest)
        resolve()
      }
      this.#socket.on('data', greet)
    })
  }

  /** Each turn is given the unread bytes and says how many it used; it is done where the stream begins. */
  *#greeting(commands: readonly Command[]): Generator<number, number, Buffer> {
    let bytes: Buffer = Buffer.alloc(0)
    let answer = ''
    for (const command of commands) {
      this.#socket.write(encode([command]))
      // While the server prepares a snapshot it sends bare newlines to keep the line open.
      for (answer = ''; answer === '';) {
        const end = bytes.indexOf('\n')
        if (end < 0) {
          bytes = yield 0
          continue
        }
        answer = bytes.toString('latin1', 0, end).trim()
        bytes = yield end + 1
      }
      // Servers before 7 do not know rdb-filter-only and send the whole snapshot.
      if (answer.startsWith('-') && command[1] !== 'rdb-filter-only') throw new ReplyError(answer.slice(1))
    }
    this.#base = Number(answer.split(' ')[2])

    let head = ''
    while (!head.startsWith('$')) {
      const end = bytes.indexOf('\n')
      if (end < 0) {
        bytes = yield 0
        continue
      }
      head = bytes.toString('latin1', 0, end).trim()
      bytes = yield end + 1
    }
    if (!head.startsWith('$EOF:')) {
      for (let left = Number(head.slice(1)); left > 0;) {
        const used = Math.min(left, bytes.length)
        left -= used
        if (left === 0) return used
        bytes = yield used
      }
      return 0
    }
    const eof = head.slice('$EOF:'.length)
    for (;;) {
      const at = bytes.indexOf(eof, 0, 'latin1')
      if (at >= 0) return at + EOF_BYTES
      bytes = yield Math.max(0, bytes.length - EOF_BYTES)
    }
  }

  #feed(bytes: Buffer): void {
    if (bytes.length === 0) return
    try {
      this.#parser.feed(bytes)
    } catch (error) {
      this.#socket.destroy(error as Error)
      return
    }
    while (this.#waiting[0] && this.#waiting[0].offset <= this.#offset) this.#waiting.shift()?.arrived()
  }

  #acknowledge(): void {
    this.#socket.write(encode([['REPLCONF', 'ACK', this.#offset]]))
  }
}

function handshake(place: Place): readonly Command[] {
  const { username = 'default', password } = place
  return [
    ...(password === undefined ? [] : [['AUTH', bytesOf(username), bytesOf(password)]]),
    ['PING'],
    // Port 0: nobody can connect to this replica, and our own safety check knows it by that.
    ['REPLCONF', 'listening-port', '0'],
    ['REPLCONF', 'capa', 'eof', 'capa', 'psync2'],
    ['REPLCONF', 'rdb-filter-only', ''],
    ['PSYNC', '?', '-1'],
  ]
}

/** The server's offset in a reply to INFO replication. */
export function masterOffset(info: Reply | undefined): number {
  return Number(/master_repl_offset:(\d+)/.exec(String(info))?.[1] ?? Number.NaN)
}
