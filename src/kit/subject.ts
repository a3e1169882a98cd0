import assert from 'node:assert/strict'
import { messageOf } from '../errors.ts'
import type { Awaitable, Rollbackable } from '../rollbackable.ts'
import { World } from '../world.ts'

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

/** Opens the world of a subject; every rollback in it is proved. */
export async function openWorld({ system }: Subject): Promise<StoreWorld> {
  return World.open({ systems: { store: system }, verify: 'always' })
}

/** Runs `body` in a world over a fresh subject, then closes it and checks that the store is as it was found. */
export async function onFresh(
  open: () => Awaitable<Subject>,
  body: (subject: Subject, world: StoreWorld) => Promise<void>,
): Promise<void> {
  const subject = await open()
  let world: StoreWorld | undefined
  try {
    same(await entriesOf(subject), {}, 'openSubject() must give an empty store.')
    world = await openWorld(subject)
    await body(subject, world)
    await world.close()
    same(await entriesOf(subject), {}, 'After close() the store is not as it was found.')
    same([...((await subject.leftovers?.()) ?? [])], [], 'After close() something of ours is still in the store.')
  } finally {
    // What failed in the law is what its reader must see, not what then fails because of it.
    await world?.close().catch(() => undefined)
    await subject.dispose?.()
  }
}

/** What is in the store, as a plain object. */
export async function entriesOf(subject: Subject): Promise<Record<string, string>> {
  return { ...(await subject.all()) }
}

/** Asserts deep equality; `what` says in a sentence what it means that they differ, above the difference. */
export function same(actual: unknown, expected: unknown, what: string): void {
  try {
    assert.deepEqual(actual, expected)
  } catch (difference) {
    assert.fail(`${what}\n${messageOf(difference)}`)
  }
}
