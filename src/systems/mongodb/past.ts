import type { Timestamp } from 'mongodb'
import { VenomError } from '../../errors.ts'
import type { Change } from '../../rollbackable.ts'
import { Alignment } from './align.ts'
import type { Catalog } from './catalog.ts'
import { Differences } from './differences.ts'
import { Dirty, foreign, type Log } from './dirty.ts'
import { History, type Moment } from './history.ts'
import type { Quiet } from './quiet.ts'
import { Restore } from './restore.ts'
import type { Store } from './store.ts'

/** How often a rollback is amended when somebody wrote meanwhile. */
const TRIES = 3
/** A mark's time is moved on when it is older than this, in seconds, so that the server need not keep its past for long. */
const OLD = 10
/** And when it was gone back to so often: a read in the past goes through all that was written to a document since. */
const OFTEN = 100

/** What the past needs to know. */
export interface PastOptions {
  readonly store: Store
  readonly catalog: Catalog
  readonly log: Log
  readonly quiet: Quiet
  readonly exactOrder: boolean
}

/**
 * Goes back by the server's own past: a mark is a time, the log says which documents changed since, and the server puts
 * them back from a read at that time into the present. Nothing is copied, and values never come here.
 */
export class Past {
  readonly #history = new History()
  readonly #options: PastOptions
  /** A read in the past waits until that past is on disk; this pushes it there while nobody waits. */
  #flushed: Promise<unknown> = Promise.resolve()

  constructor(options: PastOptions) {
    this.#options = options
  }

  /** Throws `NOT_QUIET`. */
  async checkpoint(name: string): Promise<Moment> {
    const time = await this.#options.quiet.moment(`the checkpoint "${name}"`)
    const moment = this.#history.mark(name, time)
    this.#flush()
    return moment
  }

  /** Throws `NOT_QUIET`, `MARK_LOST`, `LOCKED`. */
  async rollback(moment: Moment): Promise<void> {
    const { store, log } = this.#options
    const { dirty, now } = await this.#dirty(moment)
    let left: Dirty | undefined = dirty
    let since = now
    for (let tries = 0; left && !left.isClean; tries += 1) {
      if (tries === TRIES || (tries > 0 && left.isReshaped)) throw keepsWriting(moment, left)
      const { whole, least } = await this.#putBack(moment, left)
      const written = store.written?.greaterThan(since) ? store.written : since
      // Each entry of the log takes a tick of the server's clock: when all of them are ours, nobody else wrote.
      const isOurs = ticks(since, written) === least
      const told = isOurs ? { entries: [], upTo: written } : await log.read(since, written, whole)
      since = told.upTo
      left = foreign(told.entries, left)
    }
    this.#arrive(moment, since)
  }

  /** What differs from a moment. */
  async changes(moment: Moment): Promise<readonly Change[]> {
    const { store, catalog, log } = this.#options
    const { dirty } = await Dirty.along(this.#history.path(moment), log)
    if (dirty.isClean) return []
    await this.#flushed
    return new Differences(store, catalog, moment.at).list(dirty)
  }

  /** The log is read while the server is asked who writes. What is written after that read is seen when all is put back. */
  async #dirty(moment: Moment): Promise<Awaited<ReturnType<typeof Dirty.along>>> {
    const read = (): ReturnType<typeof Dirty.along> => Dirty.along(this.#history.path(moment), this.#options.log)
    const reading = read()
    const asking = this.#options.quiet.wait(`the rollback to "${moment.name}"`)
    const [found, waited] = await Promise.all([reading, asking, this.#flushed])
    return waited ? read() : found
  }

  /** The times that must stay readable. */
  get times(): readonly Timestamp[] {
    return Array.from(this.#history.live, ({ at }) => at)
  }

  async release(moment: Moment): Promise<void> {
    this.#history.forget(moment)
  }

  /** Answers with the uuids of the collections that were put back whole, and with how many entries the log has got by it at least. */
  async #putBack(moment: Moment, dirty: Dirty): Promise<{ readonly whole: readonly string[]; readonly least: number }> {
    const { store, catalog, exactOrder } = this.#options
    const alignment = dirty.isReshaped ? new Alignment(store, catalog, moment.at, dirty) : undefined
    await alignment?.begin()
    const place = { store, catalog, at: moment.at, exactOrder }
    const counts = await Promise.all(
      [...dirty.collections].map(([uuid, touched]) => new Restore(place, uuid, touched).run()),
    )
    await alignment?.finish()
    const whole = [...dirty.collections].flatMap(([uuid, { rows }]) => (rows === 'all' ? [catalog.last(uuid)] : []))
    return { whole, least: alignment ? Number.NaN : counts.reduce((sum, count) => sum + count, 0) }
  }

  #arrive(moment: Moment, since: Timestamp): void {
    this.#history.arrive(moment, since)
    moment.returns += 1
    if (since.t - moment.at.t <= OLD && moment.returns < OFTEN) return
    moment.at = since
    moment.returns = 0
    this.#flush()
  }

  #flush(): void {
    // When it fails the server is away, which the next command finds out.
    this.#flushed = this.#options.store.flush().catch(() => undefined)
  }
}

/** How many ticks the server's clock made; it counts anew each second. */
function ticks(after: Timestamp, upTo: Timestamp): number {
  return upTo.t === after.t ? upTo.i - after.i : Number.POSITIVE_INFINITY
}

function keepsWriting(moment: Moment, left: Dirty): VenomError {
  const names = [...new Set([...left.collections.values()].map(({ ns }) => ns)), ...left.shapes]
  return new VenomError(
    'NOT_QUIET',
    `mongodb: while the rollback to "${moment.name}" ran, somebody kept writing to ${names.slice(0, 3).join(', ')}.\n` +
      'A worker, a timer or a request that was not awaited is still at work; its writes belong to no step.\n' +
      'Await it or stop it before the rollback, or leave its collection out: mongodb(url, { except }).',
    { retryable: true },
  )
}
