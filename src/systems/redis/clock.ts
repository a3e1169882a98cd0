import type { Images } from './history.ts'
import type { Image } from './image.ts'

interface Armed {
  /** On this clock. */
  readonly deadline: number
  /** What the server's expiry is beyond the deadline. */
  readonly offset: number
}

// The real one: a test may have a clock of its own.
const uptime = performance.now.bind(performance)

/**
 * How far a key's remaining time may be off before a rollback arms it anew, as a share of what remains.
 * It is looked at again, by a rollback or a mark, once two fifths of the shortest remaining time are over, so that no
 * key is ever more than 1 % off there.
 */
const SLACK = 1 / 200
const UNTIL = 2 / 5

/**
 * The time that expiry is measured in.
 *
 * `frozen`: a clock that a rollback sets back with the data, so that every key has the time it had left
 * at the mark. Deadlines are kept on this clock; the server's own expiry of a key is its deadline plus
 * the offset at which we or the application armed it. A key that a rollback does not touch is armed anew
 * only when it would be more than 1 % off, since that costs a write. What is little when it is left off may be much
 * when the key is about to expire: a mark then takes the time that the key really has for its deadline.
 *
 * `wallclock`: the server's clock. A key that has expired since the mark stays gone.
 */
export class Clock {
  readonly frozen: boolean
  #offset = 0
  #now = 0
  /** What our own clock showed when the server's stood at zero: at the latest, for its answer had to travel. */
  #zero: number | undefined
  readonly #armed = new Map<string, Armed>()
  /** Between these offsets, and for moments not later than `until`, no key is due. Only ever too narrow. */
  #calm = { low: -Infinity, high: Infinity, until: Infinity }
  /** No armed key expires before this, in the server's time. Only ever too early. */
  #next = Infinity

  constructor(frozen: boolean) {
    this.frozen = frozen
  }

  /** What time it is here, when it is `server` there. */
  tick(server: number): number {
    this.#now = server - this.#offset
    return this.#now
  }

  /** Notes that an answer of the server just came, which it gave at `server`. */
  heard(server: number): void {
    this.#zero = uptime() - server
    this.tick(server)
  }

  /** What time it is there, as far as can be known without asking: it may be later, by a trip and a bit. */
  get estimate(): number | undefined {
    return this.#zero === undefined ? undefined : Math.floor(uptime() - this.#zero)
  }

  /** Sets the clock to `time`. */
  rewind(time: number, server: number): void {
    if (this.frozen) this.#offset = server - time
    this.tick(server)
  }

  /** When the server must let a key with this deadline expire. */
  expires(deadline: number): number {
    return deadline + this.#offset
  }

  /**
   * The deadline of a key that the server lets expire at `expires`: the one we know, unless somebody
   * armed the key since. `precision` is how exactly the server told, in ms.
   */
  deadline(key: string, expires: number, precision: number): number {
    const armed = this.#armed.get(key)
    if (armed && Math.abs(armed.deadline + armed.offset - expires) <= precision) return armed.deadline
    return expires - this.#offset
  }

  /** Notes that the server holds this key so, and lets it expire at `expires`. */
  seen(key: string, image: Image | null, expires: number | null): void {
    if (image === null || image.deadline === null || expires === null) {
      this.#armed.delete(key)
      return
    }
    const armed = { deadline: image.deadline, offset: expires - image.deadline }
    this.#armed.set(key, armed)
    this.#next = Math.min(this.#next, expires)
    this.#narrow(armed)
  }

  /** Notes that we have just written this key. */
  written(key: string, image: Image | null): void {
    this.seen(key, image, image === null || image.deadline === null ? null : this.expires(image.deadline))
  }

  /** The keys whose remaining time is more than 1 % off what it should be now. */
  due(): readonly string[] {
    const { low, high, until } = this.#calm
    if (!this.frozen || (this.#offset >= low && this.#offset <= high && this.#now <= until)) return []
    const due: string[] = []
    this.#calm = { low: -Infinity, high: Infinity, until: Infinity }
    for (const [key, armed] of this.#armed) {
      const off = Math.abs(this.#offset - armed.offset)
      if (off > (armed.deadline - this.#now) * SLACK) due.push(key)
      else this.#narrow(armed)
    }
    // Whoever asked may yet fail to arm them.
    if (due.length > 0) this.#calm = { low: Infinity, high: -Infinity, until: -Infinity }
    return due
  }

  /**
   * Gives the keys that are due the deadline at which the server lets them expire: `images` are what a mark is about to
   * hold, `present` what it has of all others.
   */
  correct(images: Images, present: ReadonlyMap<string, Image>): void {
    for (const key of this.due()) {
      const image = images.get(key) ?? present.get(key)
      const armed = this.#armed.get(key)
      if (!image || !armed) continue
      const expires = armed.deadline + armed.offset
      const deadline = expires - this.#offset
      const corrected = { ...image, deadline, strayed: (image.strayed ?? 0) + deadline - armed.deadline }
      images.set(key, corrected)
      this.seen(key, corrected, expires)
    }
  }

  /** The keys that have expired by the server's time `now`, though it may not have removed them yet. */
  expired(now: number): readonly string[] {
    if (now < this.#next) return []
    const expired: string[] = []
    this.#next = Infinity
    for (const [key, armed] of this.#armed) {
      const expires = armed.deadline + armed.offset
      if (expires <= now) expired.push(key)
      else this.#next = Math.min(this.#next, expires)
    }
    return expired
  }

  #narrow(armed: Armed): void {
    const remaining = armed.deadline - this.#now
    const slack = remaining * SLACK
    this.#calm = {
      low: Math.max(this.#calm.low, armed.offset - slack),
      high: Math.min(this.#calm.high, armed.offset + slack),
      until: Math.min(this.#calm.until, this.#now + remaining * UNTIL),
    }
  }
}
