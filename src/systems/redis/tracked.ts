import * as timers from 'node:timers'
import { type Connection, good } from './connection.ts'
import { type Command, type Reply, ReplyError } from './resp.ts'
import type { Scope } from './scope.ts'
import { Suspects } from './suspects.ts'
import type { Watcher } from './watcher.ts'

// The real one, of Node: a test may have timers of its own, and a browser's environment has none.
const { setImmediate } = timers

/** Leaves nothing, and is reported. */
const TURN = "redis.call('SET', KEYS[1], '') redis.call('DEL', KEYS[1])"

/**
 * Learns of changed keys from CLIENT TRACKING in broadcast mode.
 *
 * The server queues an invalidation when it runs a write, and sends it before it sleeps: after the
 * replies of the same turn of its event loop. So a reply proves only the writes of earlier turns. That
 * is enough for a write somebody was told of before we asked. For the rest the last command is a script
 * that writes (`settled`): its invalidation comes behind the replies, along with all others of its turn.
 *
 * NOLOOP spares us our own writes, but not those of a script: they are by a client of the script's own.
 * When an application writes the same key in the same turn, the server
 * remembers only the last writer (trackingRememberKeyToBroadcast in tracking.c); so whatever we write must
 * replace the key whole, never amend it.
 */
export class Tracked implements Watcher {
  readonly suspects = new Suspects()
  readonly #connect: () => Promise<Connection>
  readonly #scope: Scope
  #connection: Connection
  /** How many replies had come when the server last reported a turn; -1 for never. */
  #reported = -1
  /** Whether we may run scripts. */
  #scripts = true

  private constructor(connection: Connection, connect: () => Promise<Connection>, scope: Scope) {
    this.#connection = connection
    this.#connect = connect
    this.#scope = scope
  }

  /** Begins to watch on `connection`; `connect` makes another when that is lost. */
  static async open(connection: Connection, connect: () => Promise<Connection>, scope: Scope): Promise<Tracked> {
    const watcher = new Tracked(connection, connect, scope)
    await watcher.#listen()
    return watcher
  }

  /** The server sends its reports before the replies to those who wrote; so what is to be known is here, if not yet read. */
  async awake(): Promise<void> {
    if (this.#connection.closed) await this.#reconnect()
    await new Promise((resolve) => setImmediate(resolve))
  }

  async trip(commands: readonly Command[]): Promise<readonly Reply[]> {
    if (this.#connection.closed) await this.#reconnect()
    return this.#connection.trip(commands)
  }

  async settled(commands: readonly Command[]): Promise<readonly Reply[]> {
    const turn: readonly Command[] = this.#scripts ? [['EVAL', TURN, 1, this.#scope.turn]] : []
    const replies = await this.trip([...commands, ...turn])
    const failure = turn.length === 0 ? undefined : replies.at(-1)
    if (failure instanceof ReplyError && failure.kind === 'NOPERM') this.#scripts = false
    // Not with the replies: it comes later, or never. The reply to another trip is behind it.
    if (this.#reported !== this.#connection.received) await this.trip([['PING']])
    return replies.slice(0, commands.length)
  }

  close(): void {
    this.#connection.close()
  }

  async #reconnect(): Promise<void> {
    this.#connection = await this.#connect()
    await this.#listen()
    this.suspects.addAll()
  }

  async #listen(): Promise<void> {
    this.#reported = -1
    this.#connection.onPush = ([kind, keys]) => {
      // Without keys: some database was flushed. Whether it was ours, the lease in it tells.
      if (String(kind) !== 'invalidate' || !Array.isArray(keys)) return
      for (const bytes of keys as readonly Buffer[]) {
        const key = bytes.toString('latin1')
        if (key === this.#scope.turn) this.#reported = this.#connection.received
        if (this.#scope.holds(key)) this.suspects.add(key)
      }
    }
    const prefix = this.#scope.prefix ? ['PREFIX', this.#scope.prefix] : []
    good(await this.#connection.call('CLIENT', 'TRACKING', 'ON', 'BCAST', 'NOLOOP', ...prefix))
  }
}
