import type { Connection } from './connection.ts'
import type { Command, Reply } from './resp.ts'
import { Suspects } from './suspects.ts'
import type { Watcher } from './watcher.ts'

/** Watches nothing, and so suspects every key each time. */
export class Full implements Watcher {
  readonly suspects = new Suspects(true)
  readonly #connect: () => Promise<Connection>
  #connection: Connection

  constructor(connection: Connection, connect: () => Promise<Connection>) {
    this.#connection = connection
    this.#connect = connect
  }

  async awake(): Promise<void> {
    if (this.#connection.closed) this.#connection = await this.#connect()
  }

  async trip(commands: readonly Command[]): Promise<readonly Reply[]> {
    await this.awake()
    return this.#connection.trip(commands)
  }

  /** Nothing to wait for: whoever chose this way vouches that nobody writes meanwhile. */
  settled(commands: readonly Command[]): Promise<readonly Reply[]> {
    return this.trip(commands)
  }

  close(): void {
    this.#connection.close()
  }
}
