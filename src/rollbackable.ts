/** A value, or a promise of it: a system may answer either way. */
export type Awaitable<T> = T | PromiseLike<T>

/**
 * A backend whose state can be remembered and put back: the one contract that journeys and
 * exploration stand on. Three members make a system; everything else is optional and declared.
 *
 * `World` is the only caller. It calls one member of a system at a time, and it alone knows
 * which marks still hold, so a system never needs to check that.
 */
export interface Rollbackable<Mark = unknown, Handle = unknown> {
  /** Remembers the present state. `name` is for humans: never build an identifier from it. */
  checkpoint(name: string): Awaitable<Mark>

  /**
   * Puts the state back to `mark`, any number of times for one mark. Marks made after it are
   * gone (`kind: 'stack'`) or stay (`kind: 'tree'`).
   */
  rollback(mark: Mark): Awaitable<void>

  /** The state as plain data, equal if and only if the state is equal: for identity and reports. */
  observe?(): Awaitable<Observation>

  /** Whether a rollback forgets the marks made after the one it goes to. Default `'stack'`. */
  readonly kind?: 'stack' | 'tree'

  /** What a rollback brings back. A promise: the conformance kit fails a system that does not keep it. */
  readonly restores?: Restores

  /** The way back that was chosen and why, for people: `"wal: rewinds the write-ahead log"`. */
  readonly way?: string

  /** What a step sees under the system's name. Without it, the step sees the system itself. */
  readonly handle?: Handle

  /** Where the application of this worker must connect, when the system made a place of its own for it. */
  readonly url?: string | undefined

  /** Called once before the first checkpoint: connect, install, take the lease. */
  open?(worker: Worker): Awaitable<void>

  /** What was inserted, updated and deleted since `since`; nothing when the state is as it was. */
  changes?(since: Mark): Awaitable<readonly Change[]>

  /** Called for a mark that nobody will go back to. Marks made after it were released before it. */
  release?(mark: Mark): Awaitable<void>

  /** Empties the state. */
  reset?(options?: ResetOptions): Awaitable<void>

  /** Whether the backend answers. */
  ping?(): Awaitable<Health>

  /**
   * Proves once, before the first step of a run, that a rollback works here: writes something
   * harmless the way a step would, rolls it back, and throws if it is still there.
   */
  selfTest?(): Awaitable<void>

  /** Called once, with the state as it is. Gives back what `open` took and leaves nothing of ours behind. */
  close?(): Awaitable<void>
}

/** Who opens a system: one runner worker, or a script. */
export interface Worker {
  /** The runner's number of this worker, `'1'` for a script. Reused by later files of the same run. */
  readonly id: string
  readonly runner: 'vitest' | 'jest' | 'none'
  /** The same for all workers of one run, different for every run. */
  readonly runId: string
  /** Tells the user something they must know, such as a crash that was repaired. */
  notice(message: string): void
}

/** What a rollback brings back beside the data itself. Absent means: not promised. */
export interface Restores {
  readonly data: true
  /** Sequences, AUTO_INCREMENT, sqlite_sequence: the same insert gets the same id again. */
  readonly generatedIds?: boolean
  /** Altered tables, mappings, validators. */
  readonly schema?: boolean
  /** Tables, collections or indices made since the mark are gone again. */
  readonly createdObjects?: boolean
  /** The time left before a key expires. */
  readonly expiry?: boolean
}

/** One row, document or key as its columns, fields or parts. */
export type Row = Readonly<Record<string, unknown>>

/** What changed in one table, collection, index or key: exactly one of the four names it. */
export interface Change {
  readonly table?: string
  readonly collection?: string
  readonly index?: string
  readonly key?: string
  readonly inserted: readonly Row[]
  /** `key` identifies the row where the backend knows one; `before` and `after` may hold only what differs. */
  readonly updated: readonly { readonly key?: Row; readonly before: Row; readonly after: Row }[]
  readonly deleted: readonly Row[]
}

/** The state of a system as plain data. */
export interface Observation {
  readonly system: string
  /** The identity: strings, numbers, booleans, null, bigint, Date, Buffer, arrays, Map, Set and plain objects of them. */
  readonly data: unknown
  /** For reports only, never part of the identity. */
  readonly metadata?: Readonly<Record<string, unknown>>
}

/** Makes an observation: `data` is the identity, `metadata` is only for reports. */
export function observation(system: string, data: unknown, metadata?: Readonly<Record<string, unknown>>): Observation {
  return metadata === undefined ? { system, data } : { system, data, metadata }
}

/** Which tables, collections or keys to empty. Without `only`, all but the migration tables. */
export interface ResetOptions {
  readonly only?: readonly string[]
  readonly except?: readonly string[]
}

/** The answer to a ping. */
export interface Health {
  readonly ok: boolean
  readonly latencyMs: number
  readonly detail?: string
}
