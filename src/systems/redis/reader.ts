import type { Clock } from './clock.ts'
import { good } from './connection.ts'
import type { History, Images } from './history.ts'
import { type Image, imageIn, inTransaction, outOfTransaction, readImage, sameImage } from './image.ts'
import type { Standing } from './lease.ts'
import type { Command, Reply } from './resp.ts'
import type { Scope } from './scope.ts'
import type { Batch } from './suspects.ts'
import { tooLarge } from './troubles.ts'
import type { Watcher } from './watcher.ts'

/** How the keys of one server are looked after. */
export interface Keeping {
  readonly watcher: Watcher
  readonly scope: Scope
  readonly clock: Clock
  /** The lease that the server must hold for us. */
  lease(): Standing
  /** Called when it does not any more; from then on it is another one. */
  leaseLost(): void
  /** What is ours and nobody else's in that. */
  readonly token: string
  /** Whether the server tells the time of expiry itself (PEXPIRETIME, Redis 7). */
  readonly exactExpiry: boolean
  /** Whether the server has functions (Redis 7). */
  readonly functions: boolean
  /** Whether many keys can be read and written at once: not in a Cluster, where a transaction has one slot. */
  readonly atomic: boolean
  readonly maxKeys: number
  readonly maxBytes: number
}

/** What may have changed, seen at one moment. */
export interface Look {
  /** The server's time, in ms. */
  readonly now: number
  readonly batch: Batch
  /** Whether the database lost our lease: it was flushed, or swapped with another. */
  readonly lost: boolean
  readonly libraries: Buffer | null
}

/**
 * The commands that change a stream and that tracking does not report, as INFO commandstats counts them.
 * Measured on Redis 7.0 and 8.0 and Valkey 8.0; XACKDEL came with Redis 8.2.
 */
const UNTRACKED = /^x(?:ackdel|ack|readgroup|group[^:]*|claim|autoclaim|setid):calls=\d+/
/** Counted anew after each time it ran: that it is there says that it ran, but not when. Redis 6 counts all of CONFIG as one. */
const RESET = 'cmdstat_config|resetstat:'
const KEYS_PER_TRIP = 1000
/** How much the server's time and a key's remaining time may be apart when they are asked for one after the other, in ms. */
const IMPRECISION = 100

/** Reads keys: all of them, or those that may have changed. */
export class Reader {
  readonly #keeping: Keeping
  #untracked: string | undefined

  constructor(keeping: Keeping) {
    this.#keeping = keeping
  }

  /** Takes the keys that may have changed from the watcher. Who does not put them back must give them back. */
  async look(history: History): Promise<Look> {
    const replies = await this.#keeping.watcher.trip(this.questions(history))
    return this.#leased(this.answered(replies.map(good), history))
  }

  /**
   * Looks, and reads what is suspected: in one trip, unless the answer names more than was known.
   * What is written meanwhile is among the watcher's suspects again. Who takes no mark must give the batch back.
   */
  async see(history: History): Promise<Look & { readonly live: Images }> {
    const { watcher, atomic } = this.#keeping
    await watcher.awake()
    const known = watcher.suspects.take()
    let look: Look | undefined
    try {
      const keys = known.all || !atomic ? [] : [...known.keys]
      const questions = this.questions(history)
      const answers = await this.#atOnce([...questions, ...this.#reading(keys)])
      look = await this.#leased(this.answered(answers.slice(0, questions.length), history))
      const batch = joined(known, look.batch)
      const live = asKnown(this.#collected(keys, answers.slice(questions.length)), history)
      const rest = keys.length === 0 ? batch : look.batch
      if (rest.all) return { ...look, batch, live: await this.suspected(batch, history) }
      for (const [key, image] of await this.suspected(rest, history)) live.set(key, image)
      return { ...look, batch, live }
    } catch (error) {
      watcher.suspects.giveBack(look ? joined(known, look.batch) : known)
      throw error
    }
  }

  /** What tells of changes that are not reported. */
  questions(history: History): readonly Command[] {
    const { functions } = this.#keeping
    return [
      this.#leaseAsked,
      ['TIME'],
      ...(functions ? [['FUNCTION', 'DUMP']] : []),
      ...(history.streams.size > 0 ? [['INFO', 'commandstats']] : []),
    ]
  }

  /** What the answers to the questions say; the suspects are taken with it. */
  answered(answers: readonly Reply[], history: History): Look {
    const { watcher, clock, functions } = this.#keeping
    const [lease, time, ...more] = answers
    const batch = watcher.suspects.take()
    const lost = !this.#isOurs(lease)
    if (lost) {
      batch.all = true
      this.#keeping.leaseLost()
    }
    const now = millisecondsIn(time)
    clock.heard(now)
    for (const key of clock.expired(now)) batch.keys.add(key)
    const streams = history.streams.size > 0
    if (streams && this.#movedUntracked(more.at(-1))) for (const key of history.streams) batch.keys.add(key)
    const libraries = functions && Buffer.isBuffer(more[0]) ? more[0] : null
    return { now, batch, lost, libraries }
  }

  /**
   * Reads suspected keys as they are; where nothing changed, the image is the one we have. When the database loses our
   * lease meanwhile, what was read may be of two databases, and every key is suspected anew.
   */
  async suspected({ keys, all }: Batch, history: History): Promise<Images> {
    if (all) {
      const live: Images = await this.all()
      for (const key of [...history.present.keys(), ...keys]) if (!live.has(key)) live.set(key, null)
      return asKnown(live, history)
    }
    if (keys.size === 0) return new Map()
    const names = [...keys]
    const [lease, ...replies] = await this.#atOnce([this.#leaseAsked, ...this.#reading(names)])
    this.#suspectUnless(lease)
    return asKnown(this.#collected(names, replies), history)
  }

  /**
   * Reads every key.
   *
   * @throws VenomError `TOO_LARGE`, after the first thousand keys when the rest can be estimated by them
   */
  async all(): Promise<Map<string, Image>> {
    const { watcher, scope } = this.#keeping
    const images = new Map<string, Image>()
    // Our lease is one of them.
    const expected = scope.prefix ? 0 : Number(good((await watcher.trip([['DBSIZE']]))[0])) - 1
    let bytes = 0
    let keys: readonly string[] = []
    for (let cursor: string | undefined = '0'; cursor !== undefined;) {
      const scan: Command = ['SCAN', cursor, 'MATCH', scope.pattern, 'COUNT', KEYS_PER_TRIP]
      const [page, lease, ...replies] = await watcher.trip([scan, this.#leaseAsked, ...this.#reading(keys)])
      this.#suspectUnless(lease)
      bytes += this.#collect(keys, replies, images)
      this.#checkSize(Math.max(expected, images.size), images.size, bytes)
      const [next, found] = good(page) as readonly [Buffer, readonly Buffer[]]
      keys = found.map((key) => key.toString('latin1')).filter((key) => scope.holds(key))
      cursor = String(next) === '0' ? undefined : String(next)
    }
    const [lease, ...replies] = await watcher.settled([this.#leaseAsked, ...this.#reading(keys)])
    this.#suspectUnless(lease)
    bytes += this.#collect(keys, replies, images)
    this.#checkSize(images.size, images.size, bytes)
    return images
  }

  /** `read` keys have `bytes`; what are `keys` of them? */
  #checkSize(keys: number, read: number, bytes: number): void {
    const { maxKeys, maxBytes } = this.#keeping
    const size = read === 0 ? 0 : (bytes / read) * keys
    if (read > 0 && (keys > maxKeys || size > maxBytes)) throw tooLarge(keys, size, { maxKeys, maxBytes })
  }

  /** Reads some keys, all at one moment. */
  async some(keys: readonly string[]): Promise<Images> {
    if (keys.length === 0) return new Map()
    return this.#collected(keys, await this.#atOnce(this.#reading(keys)))
  }

  get #leaseAsked(): Command {
    const { scope } = this.#keeping
    return ['HGET', scope.leases, scope.prefix]
  }

  #isOurs(lease: Reply | undefined): boolean {
    return Buffer.isBuffer(lease) && lease.toString('latin1') === this.#keeping.lease().text
  }

  #suspectUnless(lease: Reply | undefined): void {
    if (!this.#isOurs(lease)) this.#keeping.watcher.suspects.addAll()
  }

  /** Writes our lease where it was lost: before anything is read, so that it tells whether that is lost again. */
  async #leased(look: Look): Promise<Look> {
    const { watcher, lease } = this.#keeping
    if (look.lost) good((await watcher.trip([lease().writing]))[0])
    return look
  }

  /** Sends commands that read, as one transaction where there can be one. */
  async #atOnce(commands: readonly Command[]): Promise<readonly Reply[]> {
    const { watcher, atomic } = this.#keeping
    if (!atomic) return (await watcher.settled(commands)).map(good)
    return outOfTransaction(await watcher.settled(inTransaction(commands)))
  }

  #collected(keys: readonly string[], replies: readonly Reply[]): Images {
    const images: Images = new Map(keys.map((key) => [key, null]))
    this.#collect(keys, replies, images as Map<string, Image>)
    return images
  }

  #reading(keys: readonly string[]): readonly Command[] {
    if (keys.length === 0) return []
    return [['TIME'], ...keys.flatMap((key) => readImage(key, this.#keeping.exactExpiry))]
  }

  /** Puts the keys that are there into `images`, and gives the bytes of their values. */
  #collect(keys: readonly string[], replies: readonly Reply[], images: Map<string, Image>): number {
    if (keys.length === 0) return 0
    const { clock, exactExpiry } = this.#keeping
    const now = millisecondsIn(good(replies[0]))
    let bytes = 0
    for (const [index, key] of keys.entries()) {
      const found = imageIn(replies[1 + index * 2], replies[2 + index * 2], exactExpiry, now)
      if (!found) {
        clock.seen(key, null, null)
        continue
      }
      const { payload, expires } = found
      const deadline = expires === null ? null : clock.deadline(key, expires, exactExpiry ? 0 : IMPRECISION)
      const image = { payload, deadline }
      clock.seen(key, image, expires)
      images.set(key, image)
      bytes += key.length + payload.length
    }
    return bytes
  }

  #movedUntracked(stats: Reply | undefined): boolean {
    const counts = Buffer.isBuffer(stats) ? untrackedIn(stats) : ''
    // Set back, they may have come to the same again.
    const moved = counts !== this.#untracked || (Buffer.isBuffer(stats) && stats.includes(RESET))
    this.#untracked = counts
    return moved
  }
}

/** How often each command ran that tracking does not report. Few lines are of streams, so the others are not even decoded. */
function untrackedIn(stats: Buffer): string {
  let counts = ''
  for (let at = stats.indexOf('cmdstat_x'); at >= 0; at = stats.indexOf('cmdstat_x', at)) {
    at += 'cmdstat_'.length
    counts += UNTRACKED.exec(stats.toString('latin1', at, at + 64))?.[0] ?? ''
  }
  return counts
}

function joined(a: Batch, b: Batch): Batch {
  return { keys: new Set([...a.keys, ...b.keys]), all: a.all || b.all }
}

/** Where an image is as we know it, the one we have; and what we know of its deadline where only the value changed. */
function asKnown(images: Images, history: History): Images {
  for (const [key, image] of images) {
    const known = history.present.get(key) ?? null
    if (sameImage(known, image)) images.set(key, known)
    else if (known?.strayed && image?.deadline === known.deadline) images.set(key, { ...known, ...image })
  }
  return images
}

/** The server's answer to TIME, in ms. */
function millisecondsIn(reply: Reply | undefined): number {
  const [seconds, microseconds] = (Array.isArray(reply) ? reply : []) as readonly Reply[]
  return Number(seconds) * 1000 + Math.floor(Number(microseconds) / 1000)
}
