import { VenomError } from '../../errors.ts'
import type { Awaitable, Change, Worker } from '../../rollbackable.ts'
import { type Connection, type Driver, isBusy, refusal } from './connection.ts'
import { inTheWay } from './holders.ts'
import { type Obstacle, patiently } from './patience.ts'
import { notADatabase, readOnly } from './place.ts'

/** How marks are taken and gone back to; what a system does beside that is the same for every way. */
export interface Way<Mark = SqliteMark> {
  /** For people: what it does, and what it cannot here. */
  readonly says: string
  /** What a step sees. */
  readonly handle: Connection
  /** Reads the present state, and writes when the tables are emptied. */
  readonly connection: Connection
  checkpoint(name: string): Awaitable<Mark>
  rollback(mark: Mark): Awaitable<void>
  release(mark: Mark): Awaitable<void>
  changes?(since: Mark): Awaitable<readonly Change[]>
  close(): Awaitable<void>
}

/** A moment of a database. */
export interface SqliteMark {
  readonly name: string
}

/** What a way is opened on. */
export interface Opening {
  readonly driver: Driver
  /** The real path of the database file. */
  readonly path: string
  /** The user's own connection, if that is what they gave. */
  readonly given: Connection | undefined
  readonly worker: Worker
  readonly settle: number
  /** What to do with a database that a killed run left changed. */
  readonly recover: 'rollback' | 'accept'
}

/** What was opened so far, to be closed in the opposite order: all of it, whatever fails. */
export class Closing {
  readonly #steps: (() => void)[] = []

  add(step: () => void): void {
    this.#steps.push(step)
  }

  /** For what must be closed after all that was opened so far. */
  before(step: () => void): void {
    this.#steps.unshift(step)
  }

  /** Opens a connection, which is closed with the rest. */
  connect({ driver, path }: Opening): Connection {
    const connection = said(path, () => driver.open(path))
    this.add(() => connection.close())
    return connection
  }

  run(): void {
    const errors: unknown[] = []
    for (const step of this.#steps.splice(0).toReversed()) {
      try {
        step()
      } catch (error) {
        errors.push(error)
      }
    }
    if (errors.length > 0) throw errors.length === 1 ? errors[0] : new AggregateError(errors)
  }
}

/** Runs `work` on the database at `path`, and says in its words what SQLite refused in codes. Locks are left as they are. */
export function said<T>(path: string, work: () => T): T {
  try {
    return work()
  } catch (error) {
    if (isBusy(error)) throw error
    const code = refusal(error)
    if (code === 'NOTADB' || code === 'CORRUPT') throw notADatabase(path, error)
    if (code === 'READONLY' || code === 'CANTOPEN') throw readOnly(path, error)
    throw error
  }
}

/** Runs `work`, with nobody writing when `control` is given, waiting for those who have a lock. Throws `LOCKED`. */
export function unlocked<T>(
  { path, settle }: Opening,
  control: Connection | undefined,
  what: string,
  work: () => T,
): Promise<T> {
  const attempt = (): { readonly done: T } | Obstacle => {
    try {
      return said(path, () => {
        control?.exec('begin immediate')
        try {
          return { done: work() }
        } finally {
          control?.exec('commit')
        }
      })
    } catch (error) {
      if (isBusy(error)) return { kind: 'writer', cause: error }
      throw error
    }
  }
  return patiently(settle, attempt, (obstacle) => inTheWay(path, what, obstacle, settle)).then(({ done }) => done)
}

/** What to throw when a killed run left changes that cannot be undone. */
export function crashed(path: string, pid: number, name: string | undefined): VenomError {
  return new VenomError(
    'CRASHED',
    `sqlite: a run that was killed (pid ${pid}) left "${path}" changed, and it cannot be put back${name === undefined ? '' : ` to "${name}"`} any more.\n` +
      'Meanwhile SQLite copied its log into the database: the application went on working, or closed it.\n' +
      "Make the file anew; or, if its present state will do to begin with, open it once with sqlite(path, { recover: 'accept' }).",
  )
}

/** What to tell when what a killed run left changed was undone. */
export function restored(path: string, pid: number, name: string): string {
  return `sqlite: a run that was killed (pid ${pid}) left "${path}" changed; it is back at "${name}", where that run began.`
}

/** What to throw when a mark is not one of those that hold. */
export function notHeld({ name }: SqliteMark): VenomError {
  return new VenomError(
    'STALE_MARK',
    `sqlite: the mark "${name}" is gone.\nIt was released, or a rollback went to before it.\nTake a new checkpoint.`,
  )
}

/** Throws `NOT_QUIET` when a step left a transaction open on its handle. */
export function requireNoTransaction(handle: Connection, what: string): void {
  if (!handle.inTransaction) return
  throw new VenomError(
    'NOT_QUIET',
    `sqlite: a transaction is open on the handle, so ${what}.\n` +
      'A step began it and did not end it, or an error came in between.\n' +
      'End it in the same step: commit, or rollback in a finally.',
  )
}
