import type { Awaitable, Rollbackable } from '../rollbackable.ts'
import type { World } from '../world.ts'

/** One write transaction of the application that stays open until it is ended, on a connection of its own. */
export interface Transaction {
  put(key: string, value: string): Awaitable<void>
  commit(): Awaitable<void>
  rollback(): Awaitable<void>
}

/**
 * One system over one empty store, and the way in by which the kit writes and reads: as the application does, through
 * connections of its own, committed when the call returns.
 *
 * Keys are up to 200 characters, values up to a megabyte of any text without NUL. The first four members make a
 * subject; each other verb adds the laws that need it.
 */
export interface Subject {
  readonly system: Rollbackable
  /** Inserts or updates one entry. */
  put(key: string, value: string): Awaitable<void>
  /** Deletes one entry; nothing happens when there is none. */
  remove(key: string): Awaitable<void>
  /** Every entry there is. */
  all(): Awaitable<Readonly<Record<string, string>>>
  /** Writes many entries at once; without it the kit calls `put` for each, which may be slow. */
  putMany?(entries: Readonly<Record<string, string>>): Awaitable<void>
  /** Does something that the store refuses, such as a duplicate key, and throws the refusal. */
  fail?(): Awaitable<unknown>
  /** A second process or connection of the application. */
  readonly other?: Pick<Subject, 'put' | 'remove'>
  /** Begins a write transaction on another connection and leaves it in flight. */
  begin?(): Awaitable<Transaction>
  /** An application that wrote and is killed before it could commit. */
  crash?(): Awaitable<void>
  /** Which connections the application holds, as text that stays the same as long as none was dropped. */
  connections?(): Awaitable<string>
  /** Changes the schema of what is there: adds a column, a mapping, a validator. */
  reshape?(): Awaitable<void>
  /** Makes a table, collection or index that was not there, with a row in it. */
  create?(): Awaitable<void>
  /** The schema and the names of all objects, as text. Without it, `reshape` and `create` must be refused when done twice. */
  shape?(): Awaitable<string>
  /** Inserts a row outside of `all()` and returns the id that the store gave it. */
  generate?(): Awaitable<string>
  /** Entries that go by themselves. */
  readonly expire?: Expiry
  /** The names of anything of ours that is still in the store after `close`. */
  leftovers?(): Awaitable<readonly string[]>
  /** Called at the end of each law, whether it held or not: closes the application's connections, drops the store. */
  dispose?(): Awaitable<void>
}

/** Entries that go by themselves after a time. */
export interface Expiry {
  /** Gives the entry `ms` milliseconds from now. */
  set(key: string, ms: number): Awaitable<void>
  /** The milliseconds that the entry has left, undefined when it stays for ever. */
  left(key: string): Awaitable<number | undefined>
}

/** The world that a law runs in. */
export type StoreWorld = World<{ readonly store: Rollbackable }>
