import type { Db, Timestamp } from 'mongodb'
import type { ResetOptions, Worker } from '../../rollbackable.ts'
import { Moment } from './history.ts'
import { Identity } from './identity.ts'
import type { MongodbOptions } from './index.ts'
import type { FirstMark } from './lease.ts'
import { giveBack, openDatabases, type Opened } from './open.ts'
import { reset } from './reset.ts'
import { Copies } from './copies.ts'
import type { MongodbMark, Way } from './way.ts'

// Taken at load, so that a runner's fake timers never stop us.
const { setInterval, clearInterval } = globalThis
/** How often the server's past is widened to the oldest mark, in ms. */
const RENEWAL = 15_000

/** Databases while they are ours: leased, and put back should we be killed. */
export class Holding {
  readonly identity: Identity
  readonly #opened: Opened
  readonly #timer: ReturnType<typeof setInterval>
  #first: MongodbMark | undefined
  /** The time that crash recovery would go back to. */
  #noted: Timestamp | undefined

  private constructor(opened: Opened) {
    const { store, catalog, scope, log } = opened
    this.#opened = opened
    this.identity = new Identity(store, catalog, scope, log)
    this.#timer = setInterval(() => void this.#renew(), RENEWAL).unref()
  }

  /** Connects, takes the leases, and puts back what a killed process left. Throws what the parts throw. */
  static async open(url: string, options: MongodbOptions, worker: Worker): Promise<Holding> {
    return new Holding(await openDatabases(url, options, worker))
  }

  get db(): Db {
    const { steps, place } = this.#opened
    return steps.db(place.databases[0])
  }

  get url(): string {
    return this.#opened.url
  }

  get way(): Way {
    return this.#opened.way
  }

  /** What and where, for people. */
  get name(): string {
    const { scope, place } = this.#opened
    return `${scope.name} at ${place.hosts.join(', ')}`
  }

  async checkpoint(name: string): Promise<MongodbMark> {
    const mark = await this.way.checkpoint(name)
    await this.#keepPast()
    if (this.#first) return mark
    await this.#opened.leases.note(this.#noteOf(mark))
    if (mark instanceof Moment) this.#noted = mark.at
    this.#first = mark
    return mark
  }

  async rollback(mark: MongodbMark): Promise<void> {
    await this.#keepPast()
    await this.way.rollback(mark)
  }

  async reset(options: ResetOptions): Promise<void> {
    await reset(this.#opened.store, this.#opened.catalog, options)
  }

  /** Gives back what `open` took. */
  async close(): Promise<void> {
    const { store, steps, place, template, way } = this.#opened
    clearInterval(this.#timer)
    try {
      if (template !== undefined) await store.write(place.databases[0] ?? '', { dropDatabase: 1 })
      if (way instanceof Copies) await way.dropAll()
      await giveBack(this.#opened)
    } finally {
      await Promise.allSettled([store.close(), steps.close()])
    }
  }

  #noteOf(mark: MongodbMark): FirstMark {
    if (mark instanceof Moment) return { at: mark.at }
    const { driver, codec } = this.#opened.store
    return { still: new driver.Binary(mark.toBytes(codec)) }
  }

  /** Everything that was remembered must stay readable: the marks, and what crash recovery would go back to. */
  async #keepPast(): Promise<void> {
    const times = [...(this.#opened.past?.times ?? []), ...(this.#noted ? [this.#noted] : [])]
    await this.#opened.settings.keep(times.toSorted((a, b) => a.compare(b))[0])
  }

  async #renew(): Promise<void> {
    try {
      const first = this.#first
      if (first instanceof Moment && this.#noted && first.at.greaterThan(this.#noted)) {
        await this.#opened.leases.note({ at: first.at })
        this.#noted = first.at
      }
      await this.#keepPast()
    } catch {
      // The server is away. The next call finds out and says so.
    }
  }
}
