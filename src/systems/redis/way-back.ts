import { isDeepStrictEqual } from 'node:util'
import { good } from './connection.ts'
import type { History, Images, Moment } from './history.ts'
import { type Image, sameImage } from './image.ts'
import type { Keeping, Reader } from './reader.ts'
import type { Batch } from './suspects.ts'
import { notQuiet, woken } from './troubles.ts'
import type { Views } from './view.ts'
import type { Writer, Written } from './writer.ts'

/** How long, in ms, to wait for writers that are still at it. */
export const SETTLE_MS = 2000

/** What one go at it came to: how many keys were written, and whether nothing is left to do. */
interface Step {
  readonly count: number
  readonly done: boolean
}

/** Puts the keys of one server back to what they were at a mark. */
export class WayBack {
  readonly #keeping: Keeping
  readonly #reader: Reader
  readonly #writer: Writer
  readonly #views: Views

  constructor(keeping: Keeping, reader: Reader, writer: Writer, views: Views) {
    this.#keeping = keeping
    this.#reader = reader
    this.#writer = writer
    this.#views = views
  }

  /**
   * Goes back, and gives how many keys it had to write.
   *
   * @throws VenomError `NOT_QUIET`, `TOO_LARGE`
   */
  async go(history: History, to: Moment): Promise<number> {
    const until = performance.now() + SETTLE_MS
    let step = await this.#leap(history, to)
    let count = step.count
    while (!step.done) {
      if (performance.now() > until) {
        throw notQuiet('the rollback is overwritten', this.#keeping.watcher.suspects.some(20))
      }
      step = await this.#walk(history, to)
      count += step.count
    }
    return count
  }

  /**
   * Writes what is known to have changed, and asks in the same trip whether that was all.
   *
   * It is not tried where every key is suspected: how much there is, and whether it may be read at all, must be known
   * before anything is written. Nor is anything written when the database proves to be another one.
   */
  async #leap(history: History, to: Moment): Promise<Step> {
    const { watcher, clock, atomic } = this.#keeping
    await watcher.awake()
    const now = clock.estimate
    const known = watcher.suspects.take()
    if (!atomic || known.all || now === undefined) {
      watcher.suspects.giveBack(known)
      return { count: 0, done: false }
    }
    for (const key of clock.expired(now)) known.keys.add(key)
    clock.rewind(to.time, now)
    const target = this.#target(history, to, known, undefined)
    let written: Awaited<ReturnType<Writer['writeAsking']>>
    try {
      written = await this.#writer.writeAsking(target, this.#reader.questions(history))
    } catch (error) {
      watcher.suspects.addAll()
      throw error
    }
    if (!written) {
      watcher.suspects.giveBack(known)
      return { count: 0, done: false }
    }
    for (const [key, image] of target) clock.written(key, image)
    const look = this.#reader.answered(written.answers, history)
    history.arrive(to)
    clock.rewind(to.time, look.now)
    const { batch, libraries } = look
    watcher.suspects.giveBack(batch)
    const functions = !to.libraries || !libraries || to.libraries.equals(libraries)
    if (written.blocked > 0) await this.#checkNobodyWoken(target, written)
    return { count: target.size, done: watcher.suspects.quiet && functions && clock.due().length === 0 }
  }

  /** Asks what may have changed, and then writes it. */
  async #walk(history: History, to: Moment): Promise<Step> {
    const { watcher, clock } = this.#keeping
    const look = await this.#reader.look(history)
    let done = false
    try {
      const live = look.batch.all ? await this.#reader.suspected(look.batch, history) : undefined
      clock.rewind(to.time, look.now)
      const target = this.#target(history, to, look.batch, live)
      const written = await this.#writer.write(target, look, to.libraries)
      if (!written) return { count: 0, done }
      history.arrive(to)
      done = true
      for (const [key, image] of target) clock.written(key, image)
      if (written.blocked > 0) await this.#checkNobodyWoken(target, written)
      return { count: target.size, done: watcher.suspects.quiet }
    } finally {
      // Some keys may be written already, and our own writes are not reported to us.
      if (!done) watcher.suspects.addAll()
    }
  }

  /** What the keys must become. Where the server's time is the keys' own, it leaves out by itself what has expired. */
  #target(history: History, to: Moment, batch: Batch, live: Images | undefined): Images {
    const path = history.between(to)
    const wanted = (key: string): Image | null => {
      const turned = path.get(key)
      return turned === undefined ? (history.present.get(key) ?? null) : turned
    }
    const target: Images = new Map()
    if (live) {
      for (const key of new Set([...path.keys(), ...live.keys()])) {
        if (!sameImage(live.get(key) ?? null, wanted(key))) target.set(key, wanted(key))
      }
    } else {
      for (const [key, image] of path) target.set(key, image)
      for (const key of batch.keys) target.set(key, wanted(key))
    }
    for (const key of this.#keeping.clock.due()) target.set(key, wanted(key))
    return target
  }

  /**
   * Throws when a blocked client took what was just put back. The keys are read again, since Redis 7.0
   * does not report what BLPOP takes from a key that somebody else has just written.
   *
   * @throws VenomError `NOT_QUIET`
   */
  async #checkNobodyWoken(target: Images, { queues }: Written): Promise<void> {
    const { watcher } = this.#keeping
    const live = await this.#reader.some(queues)
    await this.#views.read(queues.flatMap((key) => [target.get(key) ?? null, live.get(key) ?? null]))
    const taken = queues.filter((key) => !this.#looksSame(target.get(key) ?? null, live.get(key) ?? null))
    if (taken.length === 0) return
    for (const key of taken) watcher.suspects.add(key)
    throw woken(taken, String(good((await watcher.trip([['CLIENT', 'LIST']]))[0])))
  }

  #looksSame(a: Image | null, b: Image | null): boolean {
    return a === null || b === null ? a === b : isDeepStrictEqual(this.#views.of(a), this.#views.of(b))
  }
}
