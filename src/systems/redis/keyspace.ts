import { isDeepStrictEqual } from 'node:util'
import type { Change, ResetOptions } from '../../rollbackable.ts'
import { bytesOf, good } from './connection.ts'
import { History, type Images, type Moment } from './history.ts'
import type { Identity } from './identity.ts'
import { alive, type Image, sameImage } from './image.ts'
import { type Keeping, type Look, Reader } from './reader.ts'
import type { Reply } from './resp.ts'
import { rowOf, rowsOf } from './row.ts'
import type { Batch } from './suspects.ts'
import { notQuiet } from './troubles.ts'
import { nameOf, Views } from './view.ts'
import { SETTLE_MS, WayBack } from './way-back.ts'
import { Writer } from './writer.ts'

const KEYS_PER_TRIP = 1000

/** The keys of one server: what they were at each mark, and the way back. */
export class Keyspace {
  readonly #keeping: Keeping
  readonly #reader: Reader
  readonly #writer: Writer
  readonly #views: Views
  readonly #wayBack: WayBack
  #history: History | undefined
  /** The keys that were observed as they were, not as they are in the history. */
  #unsettled: ReadonlySet<string> = new Set()

  constructor(keeping: Keeping) {
    this.#keeping = keeping
    this.#reader = new Reader(keeping)
    this.#writer = new Writer(keeping)
    this.#views = new Views(keeping.watcher, keeping.scope, keeping.atomic)
    this.#wayBack = new WayBack(keeping, this.#reader, this.#writer, this.#views)
  }

  /** Every key as it was at the last mark or rollback. */
  get present(): ReadonlyMap<string, Image> {
    return this.#history?.present ?? new Map()
  }

  /**
   * Remembers the present state. The first time it reads every key, then only those that changed.
   *
   * @throws VenomError `TOO_LARGE`, `NOT_QUIET`
   */
  async checkpoint(): Promise<Moment> {
    const { watcher, clock } = this.#keeping
    const history = this.#begun()
    const until = performance.now() + SETTLE_MS
    const live: Images = new Map()
    const taken: Batch = { keys: new Set(), all: false }
    let moment: Moment | undefined
    try {
      for (;;) {
        const look = await this.#reader.see(history)
        taken.all ||= look.batch.all
        if (look.batch.all) live.clear()
        for (const key of look.batch.keys) taken.keys.add(key)
        for (const [key, image] of look.live) live.set(key, image)
        // A key written again since it was read may be of another moment than the rest: read it again.
        const unsteady = watcher.suspects.among(live.keys())
        if (unsteady.length === 0) {
          const now = clock.tick(look.now)
          clock.correct(live, history.present)
          moment = history.advance(live, now, look.libraries)
          return moment
        }
        if (performance.now() > until) throw notQuiet('a mark cannot be taken', unsteady)
      }
    } finally {
      if (!moment) watcher.suspects.giveBack(taken)
    }
  }

  /**
   * Puts the keys back to what they were at `to`, and gives how many it had to write.
   *
   * @throws VenomError `NOT_QUIET`, `TOO_LARGE`
   */
  rollback(to: Moment): Promise<number> {
    return this.#wayBack.go(this.#begun(), to)
  }

  /** What differs from `since`, key by key. */
  async changes(since: Moment): Promise<readonly Change[]> {
    const { clock } = this.#keeping
    const history = this.#begun()
    return this.#peek(history, async (look, live) => {
      const then = history.between(since)
      const now = clock.tick(look.now)
      const pairs: { key: string; before: Image | null; after: Image | null }[] = []
      for (const key of new Set([...then.keys(), ...live.keys()])) {
        const present = history.present.get(key) ?? null
        const before = alive(then.has(key) ? (then.get(key) ?? null) : present, clock.frozen ? since.time : now)
        const after = alive(live.has(key) ? (live.get(key) ?? null) : present, now)
        if (!sameImage(before, after)) pairs.push({ key, before, after })
      }
      await this.#views.read(pairs.flatMap(({ before, after }) => [before, after]))
      return pairs
        .toSorted(byKey)
        .flatMap(({ key, before, after }) => this.#change(key, before, after, since.time, now))
    })
  }

  /** Brings `identity` up to date: only keys that changed since the last time are read. */
  async observe(identity: Identity): Promise<void> {
    const history = this.#begun()
    await this.#peek(history, async (look, live) => {
      const keys = new Set([...history.touched, ...live.keys(), ...this.#unsettled])
      const images: Images = new Map()
      for (const key of keys) images.set(key, (live.has(key) ? live.get(key) : history.present.get(key)) ?? null)
      await this.#views.read(images.values())
      for (const [key, image] of images) {
        const held = image ? { view: this.#views.of(image), expires: image.deadline !== null } : undefined
        identity.set(nameOf(key), held)
      }
      history.touched.clear()
      this.#unsettled = new Set(live.keys())
    })
  }

  /** Forgets a moment nobody will go back to. */
  release(moment: Moment): void {
    for (const key of this.#history?.release(moment) ?? []) this.#keeping.watcher.suspects.add(key)
  }

  /** Removes the keys that match one of the patterns of `only`, but none of `except` (as KEYS takes them). */
  async reset({ only = ['*'], except = [] }: ResetOptions): Promise<void> {
    const { watcher } = this.#keeping
    const doomed = new Set<string>()
    for (const pattern of only) for (const key of await this.#names(pattern)) doomed.add(key)
    for (const pattern of except) for (const key of await this.#names(pattern)) doomed.delete(key)
    const keys = [...doomed]
    for (let at = 0; at < keys.length; at += KEYS_PER_TRIP) {
      const some = keys.slice(at, at + KEYS_PER_TRIP)
      // Our own writes are not reported to us.
      for (const key of some) watcher.suspects.add(key)
      for (const reply of await watcher.trip(some.map((key) => ['UNLINK', key]))) good(reply)
    }
  }

  /** Puts the keys back to `base`, the first mark of a process that was killed, and gives how many it had to write. */
  async recover(base: ReadonlyMap<string, Image>): Promise<number> {
    this.#history = new History(base, 0, null)
    this.#keeping.watcher.suspects.addAll()
    return this.rollback(this.#history.at)
  }

  /** At first nothing is known, and so everything is suspected. */
  #begun(): History {
    if (!this.#history) {
      this.#history = new History(new Map(), -Infinity, null)
      this.#keeping.watcher.suspects.addAll()
    }
    return this.#history
  }

  /** Looks without taking: what is suspected stays so, unless it proves to be as we know it. */
  async #peek<T>(history: History, see: (look: Look, live: Images) => Promise<T>): Promise<T> {
    const look = await this.#reader.see(history)
    try {
      const { live } = look
      for (const [key, image] of live) if (image === (history.present.get(key) ?? null)) look.batch.keys.delete(key)
      return await see(look, live)
    } finally {
      this.#keeping.watcher.suspects.giveBack(look.batch)
    }
  }

  #change(key: string, before: Image | null, after: Image | null, then: number, now: number): readonly Change[] {
    const change = { key: nameOf(key), inserted: [], updated: [], deleted: [] }
    if (before === null || after === null) {
      if (after) return [{ ...change, inserted: [rowOf(this.#views.of(after))] }]
      return before ? [{ ...change, deleted: [rowOf(this.#views.of(before))] }] : []
    }
    const [was, is] = [this.#views.of(before), this.#views.of(after)]
    const sameTime = asSet(before) === asSet(after)
    // The same data in another encoding, or in another order inside: nothing that anybody can see.
    if (sameTime && isDeepStrictEqual(was, is)) return []
    const rows = rowsOf(was, is)
    if (sameTime) return [{ ...change, updated: [rows] }]
    const updated = {
      before: { ...rows.before, ttl: left(before, then) },
      after: { ...rows.after, ttl: left(after, now) },
    }
    return [{ ...change, updated: [updated] }]
  }

  async #names(pattern: string): Promise<readonly string[]> {
    const { watcher, scope } = this.#keeping
    const names: string[] = []
    for (let cursor = ''; cursor !== '0';) {
      const [reply] = await watcher.trip([['SCAN', cursor || '0', 'MATCH', bytesOf(pattern), 'COUNT', KEYS_PER_TRIP]])
      const [next, keys] = good(reply) as readonly [Reply, readonly Buffer[]]
      for (const key of keys) names.push(key.toString('latin1'))
      cursor = String(next)
    }
    return names.filter((key) => scope.holds(key))
  }
}

/** When the application let a key expire. */
function asSet({ deadline, strayed = 0 }: Image): number | null {
  return deadline === null ? null : deadline - strayed
}

function byKey(a: { key: string }, b: { key: string }): number {
  return a.key < b.key ? -1 : 1
}

/** The seconds a key had left, or null for no end. */
function left(image: Image, now: number): number | null {
  return image.deadline === null ? null : Math.round((image.deadline - now) / 1000)
}
