import type { Clock } from './clock.ts'
import { good } from './connection.ts'
import type { History, Images } from './history.ts'
import { type Image, imageIn, inTransaction, outOfTransaction, readImage, sameImage } from './image.ts'
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
  /** What our lease in the server must say. */
  lease(): string
  /** Called when it does not say so any more; from then on it must say something else. */
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
const UNTRACKED = /^cmdstat_x(?:ackdel|ack|readgroup|group[^:]*|claim|autoclaim|setid):calls=\d+/gm
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
    const { watcher, scope, clock, functions } = this.#keeping
    const streams = history.streams.size > 0
    const replies = await watcher.trip([
      ['HGET', scope.leases, scope.prefix],
      ['TIME'],
      ...(functions ? [['FUNCTION', 'DUMP']] : []),
      ...(streams ? [['INFO', 'commandstats']] : []),
    ])
    const [lease, time, ...more] = replies.map(good)
    const batch = watcher.suspects.take()
    const lost = Buffer.isBuffer(lease) ? lease.toString('latin1') !== this.#keeping.lease() : true
    if (lost) {
      batch.all = true
      this.#keeping.leaseLost()
    }
    const now = millisecondsIn(time)
    clock.tick(now)
    for (const key of clock.expired(now)) batch.keys.add(key)
    if (streams && this.#movedUntracked(String(more.at(-1)))) for (const key of history.streams) batch.keys.add(key)
    const libraries = functions && Buffer.isBuffer(more[0]) ? more[0] : null
    return { now, batch, lost, libraries }
  }

  /** Reads suspected keys as they are; where nothing changed, the image is the one we have. */
  async suspected(batch: Batch, history: History): Promise<Images> {
    const live: Images = batch.all ? await this.all() : await this.some([...batch.keys])
    if (batch.all) for (const key of history.present.keys()) if (!live.has(key)) live.set(key, null)
    for (const [key, image] of live) {
      const known = history.present.get(key) ?? null
      if (sameImage(known, image)) live.set(key, known)
    }
    return live
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
      const [page, ...replies] = await watcher.trip([scan, ...this.#reading(keys)])
      bytes += this.#collect(keys, replies, images)
      this.#checkSize(Math.max(expected, images.size), images.size, bytes)
      const [next, found] = good(page) as readonly [Buffer, readonly Buffer[]]
      keys = found.map((key) => key.toString('latin1')).filter((key) => scope.holds(key))
      cursor = String(next) === '0' ? undefined : String(next)
    }
    bytes += this.#collect(keys, await watcher.trip(this.#reading(keys)), images)
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
    const { watcher, atomic } = this.#keeping
    const images: Images = new Map(keys.map((key) => [key, null]))
    if (keys.length === 0) return images
    const commands = this.#reading(keys)
    const replies = atomic
      ? outOfTransaction(await watcher.trip(inTransaction(commands)))
      : await watcher.trip(commands)
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

  #movedUntracked(stats: string): boolean {
    const counts = stats.match(UNTRACKED)?.join() ?? ''
    const moved = counts !== this.#untracked
    this.#untracked = counts
    return moved
  }
}

/** The server's answer to TIME, in ms. */
function millisecondsIn(reply: Reply | undefined): number {
  const [seconds, microseconds] = (Array.isArray(reply) ? reply : []) as readonly Reply[]
  return Number(seconds) * 1000 + Math.floor(Number(microseconds) / 1000)
}
