import { good } from './connection.ts'
import type { Images } from './history.ts'
import { inTransaction, kindOf, outOfTransaction } from './image.ts'
import { othersOnServer } from './lease.ts'
import type { Keeping, Look } from './reader.ts'
import { type Command, type Reply, ReplyError } from './resp.ts'
import { outOfMemory } from './troubles.ts'

/** What a write may have set off. */
export interface Written {
  /** The keys that clients can be blocked on. */
  readonly queues: readonly string[]
  /** How many clients were blocked just before. */
  readonly blocked: number
}

/** Writes keys, all at once. */
export class Writer {
  readonly #keeping: Keeping

  constructor(keeping: Keeping) {
    this.#keeping = keeping
  }

  /**
   * Makes the keys be `target`, in one transaction: nobody sees a half of it.
   *
   * @throws VenomError `TOO_LARGE` when the server has no memory for them
   */
  async write(target: Images, look: Look, libraries: Buffer | null): Promise<Written> {
    const commands = [
      ...this.#removing(target),
      ...this.#restoring(target),
      ...(await this.#functions(look, libraries)),
    ]
    const queues = queuesIn(target)
    if (commands.length === 0 && !look.lost) return { queues, blocked: 0 }
    try {
      return { queues, blocked: await this.#send(commands, queues.length > 0) }
    } catch (error) {
      if (!isOutOfMemory(error)) throw error
    }
    // DEL, not UNLINK: the room must be free when the restore asks for it.
    for (const reply of await this.#keeping.watcher.trip([...target.keys()].map((key) => ['DEL', key]))) good(reply)
    try {
      return { queues, blocked: await this.#send(commands, queues.length > 0) }
    } catch (error) {
      throw isOutOfMemory(error) ? outOfMemory(error) : error
    }
  }

  /** Writes our lease again, which somebody removed with everything else. */
  async renewLease(): Promise<void> {
    good((await this.#keeping.watcher.trip([this.#renewal()]))[0])
  }

  async #send(commands: readonly Command[], counting: boolean): Promise<number> {
    const { watcher, atomic } = this.#keeping
    const asking: readonly Command[] = counting ? [['INFO', 'clients']] : []
    const writing = [this.#renewal(), ...commands]
    const replies = await watcher.trip([...asking, ...(atomic ? inTransaction(writing) : writing)])
    const written = replies.slice(asking.length)
    if (atomic) outOfTransaction(written)
    else for (const reply of written) good(reply)
    return counting ? blockedIn(good(replies[0])) : 0
  }

  /** Also tells the way that reads the replication stream that what follows is ours. */
  #renewal(): Command {
    const { scope, lease } = this.#keeping
    return ['HSET', scope.leases, scope.prefix, lease()]
  }

  #removing(target: Images): readonly Command[] {
    return [...target].filter(([, image]) => image === null).map(([key]) => ['UNLINK', key])
  }

  /** First what is to go, then what is to come: a server short of memory needs the room. */
  #restoring(target: Images): readonly Command[] {
    const { clock } = this.#keeping
    const commands: Command[] = []
    for (const [key, image] of target) {
      if (image === null) continue
      const { payload, deadline } = image
      commands.push(
        deadline === null
          ? ['RESTORE', key, 0, payload, 'REPLACE']
          : ['RESTORE', key, Math.ceil(clock.expires(deadline)), payload, 'REPLACE', 'ABSTTL'],
      )
    }
    return commands
  }

  async #functions(look: Look, libraries: Buffer | null): Promise<readonly Command[]> {
    if (!libraries || !look.libraries || libraries.equals(look.libraries)) return []
    const { watcher, token } = this.#keeping
    // Functions belong to the whole server: with other worlds on it, they may be theirs.
    if (othersOnServer(good((await watcher.trip([['CLIENT', 'LIST']]))[0]), token)) return []
    return [['FUNCTION', 'RESTORE', libraries, 'FLUSH']]
  }
}

function queuesIn(target: Images): readonly string[] {
  const queues: string[] = []
  for (const [key, image] of target) {
    if (image !== null && ['list', 'zset', 'stream'].includes(kindOf(image))) queues.push(key)
  }
  return queues
}

function blockedIn(info: Reply): number {
  return Number(/blocked_clients:(\d+)/.exec(String(info))?.[1] ?? 0)
}

function isOutOfMemory(error: unknown): error is ReplyError {
  return error instanceof ReplyError && /\bOOM\b/.test(error.message)
}
