import { good } from './connection.ts'
import type { Images } from './history.ts'
import { type Image, type Kind, kindOf, outOfTransaction } from './image.ts'
import { guarded, guardLacked, othersOnServer } from './lease.ts'
import { plainText } from './plain.ts'
import type { Keeping, Look } from './reader.ts'
import { type Command, encode, type Reply, ReplyError } from './resp.ts'
import { outOfMemory } from './troubles.ts'

/** What a write may have set off. */
export interface Written {
  /** The keys that clients can be blocked on. */
  readonly queues: readonly string[]
  /** How many clients were blocked just before. */
  readonly blocked: number
}

/** What was written, and what the questions were answered. */
interface Sent extends Written {
  readonly answers: readonly Reply[]
}

/** Even, for keys and values. */
const PARTS_PER_COMMAND = 200

/** How an image is written: most are written by many rollbacks. */
interface Form {
  /** Whether clients can be blocked on it. */
  readonly queue: boolean
  /** A text for MSET, or the bytes of a RESTORE; undefined where that is put together anew each time. */
  readonly ready: string | Buffer | undefined
}

const QUEUES: ReadonlySet<Kind> = new Set<Kind>(['list', 'zset', 'stream'])
/** To keep a longer command would double the memory and spare little. */
const KEPT_BYTES = 1024

/** Asked first, for whoever is blocked on a key that is put back takes from it. */
const ASKING: readonly Command[] = [['INFO', 'clients']]

/** Writes keys, all at once. */
export class Writer {
  readonly #keeping: Keeping
  readonly #forms = new WeakMap<Image, Form>()

  constructor(keeping: Keeping) {
    this.#keeping = keeping
  }

  /**
   * Makes the keys be `target`, in one transaction: nobody sees a half of it. Gives null when the database has lost our
   * lease since it was looked at: what is to be written was found in another one.
   *
   * @throws VenomError `TOO_LARGE` when the server has no memory for them
   */
  async write(target: Images, look: Look, libraries: Buffer | null): Promise<Written | null> {
    const { commands: writing, queues } = this.#writing(target)
    const commands = [...writing, ...(await this.#functions(look, libraries))]
    if (commands.length === 0) {
      await this.#keeping.watcher.settled([])
      return { queues, blocked: 0 }
    }
    try {
      return await this.#send(commands, queues)
    } catch (error) {
      if (!isOutOfMemory(error)) throw error
    }
    // DEL, not UNLINK: the room must be free when the restore asks for it.
    for (const reply of await this.#keeping.watcher.trip([...target.keys()].map((key) => ['DEL', key]))) good(reply)
    try {
      return await this.#send(commands, queues)
    } catch (error) {
      throw isOutOfMemory(error) ? outOfMemory(error) : error
    }
  }

  /**
   * Makes the keys be `target` and asks `questions`, at one moment. Gives the answers too, or null when nothing was
   * written: the database is not the one that has our lease, or the server refused, and {@link write} will say why.
   */
  async writeAsking(target: Images, questions: readonly Command[]): Promise<Sent | null> {
    const { commands, queues } = this.#writing(target)
    try {
      return await this.#send(commands, queues, questions)
    } catch (error) {
      if (error instanceof ReplyError) return null
      throw error
    }
  }

  async #send(
    commands: readonly Command[],
    queues: readonly string[],
    questions: readonly Command[] = [],
  ): Promise<Sent | null> {
    const { watcher, scope, atomic, lease, leaseLost } = this.#keeping
    const asking = queues.length > 0 ? ASKING : []
    // The lease tells the way that reads the replication stream that what follows is ours.
    const writing = commands.length === 0 ? [] : [lease().writing, ...commands]
    const sending = atomic ? guarded(scope, lease(), [...questions, ...writing]) : commands
    const replies = await watcher.settled([...asking, ...sending])
    const blocked = blockedIn(asking, replies)
    const sent = replies.slice(asking.length)
    if (!atomic) {
      for (const reply of sent) good(reply)
      return { queues, blocked, answers: [] }
    }
    if (sent.at(-1) === null) {
      if (guardLacked(sent)) leaseLost()
      return null
    }
    return { queues, blocked, answers: outOfTransaction(sent).slice(0, questions.length) }
  }

  /** First what is to go, then what is to come: a server short of memory needs the room. */
  #writing(target: Images): { readonly commands: readonly Command[]; readonly queues: readonly string[] } {
    const { atomic } = this.#keeping
    const gone: string[] = []
    const texts: string[] = []
    const restoring: Command[] = []
    const queues: string[] = []
    for (const [key, image] of target) {
      if (image === null) {
        gone.push(key)
        continue
      }
      const { queue, ready } = this.#formOf(key, image)
      if (queue) queues.push(key)
      if (typeof ready === 'string') texts.push(key, ready)
      else restoring.push(ready ?? this.#restoring(key, image))
    }
    const removing = atomic ? many('UNLINK', gone) : gone.map((key) => ['UNLINK', key])
    return { commands: [...removing, ...many('MSET', texts), ...restoring], queues }
  }

  #formOf(key: string, image: Image): Form {
    const known = this.#forms.get(image)
    if (known) return known
    const text = this.#keeping.atomic ? plainText(image) : undefined
    const kept = image.deadline === null && image.payload.length <= KEPT_BYTES
    const ready = text ?? (kept ? encode([this.#restoring(key, image)]) : undefined)
    const form = { queue: QUEUES.has(kindOf(image)), ready }
    this.#forms.set(image, form)
    return form
  }

  #restoring(key: string, { payload, deadline }: Image): Command {
    if (deadline === null) return ['RESTORE', key, 0, payload, 'REPLACE']
    return ['RESTORE', key, Math.ceil(this.#keeping.clock.expires(deadline)), payload, 'REPLACE', 'ABSTTL']
  }

  async #functions(look: Look, libraries: Buffer | null): Promise<readonly Command[]> {
    if (!libraries || !look.libraries || libraries.equals(look.libraries)) return []
    const { watcher, token } = this.#keeping
    // Functions belong to the whole server: with other worlds on it, they may be theirs.
    if (othersOnServer(good((await watcher.trip([['CLIENT', 'LIST']]))[0]), token)) return []
    return [['FUNCTION', 'RESTORE', libraries, 'FLUSH']]
  }
}

/** A command with many parts, as several: the server begins with the first while the next is on its way. */
function many(name: string, parts: readonly string[]): readonly Command[] {
  const commands: Command[] = []
  for (let at = 0; at < parts.length; at += PARTS_PER_COMMAND) {
    commands.push([name, ...parts.slice(at, at + PARTS_PER_COMMAND)])
  }
  return commands
}

/** How many clients are blocked; none when it was not asked. */
function blockedIn(asking: readonly Command[], replies: readonly Reply[]): number {
  if (asking.length === 0) return 0
  return Number(/blocked_clients:(\d+)/.exec(String(good(replies[0])))?.[1] ?? 0)
}

function isOutOfMemory(error: unknown): error is ReplyError {
  return error instanceof ReplyError && /\bOOM\b/.test(error.message)
}
