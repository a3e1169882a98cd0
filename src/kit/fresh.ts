import assert from 'node:assert/strict'
import { copy } from '../copy.ts'
import { messageOf } from '../errors.ts'
import { inTime, LATE } from '../in-time.ts'
import type { Awaitable, Change } from '../rollbackable.ts'
import { World, type WorldMark } from '../world.ts'
import type { StoreWorld, Subject } from './subject.ts'

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

/** Asserts what is in the store, and shows the entries that differ, long values cut. */
export async function holds(subject: Subject, expected: Readonly<Record<string, string>>, what: string): Promise<void> {
  const actual = await entriesOf(subject)
  const keys = Object.keys({ ...actual, ...expected }).filter((key) => actual[key] !== expected[key])
  if (keys.length === 0) return
  const shown = (entries: Readonly<Record<string, string>>): Record<string, string> =>
    Object.fromEntries(keys.slice(0, SHOWN).flatMap((key) => (key in entries ? [[key, cut(entries[key] ?? '')]] : [])))
  same(shown(actual), shown(expected), keys.length > SHOWN ? `${what} The first ${SHOWN} of ${keys.length}:` : what)
  assert.fail(`${what}\nThese differ where they are too long to show: ${keys.join(', ')}`)
}

const SHOWN = 10

function cut(value: string): string {
  return value.length > 60 ? `${value.slice(0, 60)}… (${value.length} characters)` : value
}

/** Writes many entries, at once where the subject can. */
export async function putAll(s: Subject, entries: Readonly<Record<string, string>>): Promise<void> {
  if (s.putMany) return s.putMany(entries)
  for (const [key, value] of Object.entries(entries)) await s.put(key, value)
}

/** What changed in the store since `mark`. */
export async function changesOf(world: StoreWorld, mark: WorldMark): Promise<readonly Change[]> {
  return (await world.changes(mark)).store ?? []
}

/** How the store looks. A copy, since a simple system may hand out its own live data. */
export async function look(world: StoreWorld): Promise<unknown> {
  return copy((await world.observe())['store']?.data)
}

/** Whether `work` ended within `ms`. */
export async function within(ms: number, work: Promise<unknown>): Promise<boolean> {
  return (await inTime(work, ms)) !== LATE
}
