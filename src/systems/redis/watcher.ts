import type { Command, Reply } from './resp.ts'
import type { Suspects } from './suspects.ts'

/**
 * Knows which keys may have changed: the one thing in which the ways differ.
 *
 * Commands go through it, because what a watcher may trust depends on where in the server's order of
 * events a reply stands.
 */
export interface Watcher {
  /** Holds every key written, except by us, since it was last emptied. */
  readonly suspects: Suspects
  /** Takes in what has arrived, so that as a rule every write is known. When the connection was lost every key is suspected. */
  awake(): Promise<void>
  /** Sends commands. Afterwards every write acknowledged before the call is among the suspects. */
  trip(commands: readonly Command[]): Promise<readonly Reply[]>
  /** Sends commands. Afterwards every write the server did before the last of the replies is among the suspects. */
  settled(commands: readonly Command[]): Promise<readonly Reply[]>
  close(): void
}
