import { type Connection, good } from './connection.ts'
import type { Command, Reply } from './resp.ts'
import type { Scope } from './scope.ts'
import { Suspects } from './suspects.ts'
import type { Watcher } from './watcher.ts'

/**
 * Learns of changed keys from CLIENT TRACKING in broadcast mode.
 *
 * The server queues an invalidation when it runs a write, and sends it before it sleeps: after the
 * replies of the same turn of its event loop. So a reply proves only the writes of earlier turns. That
 * is enough for a write somebody was told of before we asked; the rest needs one more trip (`settle`).
 *
 * NOLOOP spares us our own writes. When an application writes the same key in the same turn, the server
 * remembers only the last writer (trackingRememberKeyToBroadcast in tracking.c); so whatever we write must
 * replace the key whole, never amend it.
 */
export class Tracked implements Watcher {
  readonly suspects = new Suspects()
  readonly #connect: () => Promise<Connection>
  readonly #scope: Scope
  #connection: Connection

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

  async trip(commands: readonly Command[]): Promise<readonly Reply[]> {
    if (this.#connection.closed) {
      this.#connection = await this.#connect()
      await this.#listen()
      this.suspects.addAll()
    }
    return this.#connection.trip(commands)
  }

  async settle(): Promise<void> {
    await this.trip([['PING']])
  }

  close(): void {
    this.#connection.close()
  }

  async #listen(): Promise<void> {
    this.#connection.onPush = ([kind, keys]) => {
      // Without keys: some database was flushed. Whether it was ours, the lease in it tells.
      if (String(kind) !== 'invalidate' || !Array.isArray(keys)) return
      for (const bytes of keys as readonly Buffer[]) {
        const key = bytes.toString('latin1')
        if (this.#scope.holds(key)) this.suspects.add(key)
      }
    }
    const prefix = this.#scope.prefix ? ['PREFIX', this.#scope.prefix] : []
    good(await this.#connection.call('CLIENT', 'TRACKING', 'ON', 'BCAST', 'NOLOOP', ...prefix))
  }
}
