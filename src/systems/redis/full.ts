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

  async trip(commands: readonly Command[]): Promise<readonly Reply[]> {
    if (this.#connection.closed) this.#connection = await this.#connect()
    return this.#connection.trip(commands)
  }

  /** Nothing to wait for: whoever chose this way vouches that nobody writes meanwhile. */
  async settle(): Promise<void> {}

  close(): void {
    this.#connection.close()
  }
}
