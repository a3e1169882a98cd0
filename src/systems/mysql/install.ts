import { isDeepStrictEqual } from 'node:util'
import { capturesOf, createCapture, gateTables, logTable } from './capture.sql.ts'
import { Cascades } from './cascade.sql.ts'
import type { Trigger } from './catalog.ts'
import { dropTrigger, guarded, makeTrigger, replaceTriggers } from './guard.ts'
import { dropNote, readNote, writeNote } from './notes.ts'
import { errno } from './refusal.ts'
import type { Server } from './server.ts'
import type { Session } from './session.ts'
import { seen, type State } from './state.ts'
import { list, name, text } from './sql.ts'
import { type Places, type Tracked, type Tracking, trackingOf } from './tracked.ts'

/** What an installation stands on. */
export interface Ground {
  readonly session: Session
  readonly server: Server
  readonly places: Places
  readonly copies: true | readonly string[]
  /** How long a lock is waited for, in ms. */
  readonly settle: number
}

/** More than InnoDB can hold in one row or table. */
const TOO_WIDE = [1117, 1118, 1030, 1713]

/**
 * Makes every table's changes be remembered, and answers with what there is. What is already there from before stays,
 * so that a second time costs little. `before` is how tables came back until now.
 */
export async function install(ground: Ground, before: Tracking = new Map()): Promise<State> {
  const { session, server, places } = ground
  await session.run(gateTables(places))
  await mendGuards(ground)
  const { catalog, captures, written } = await seen(session, places.database, 'whole')
  const tracking = await withLogs(ground, (tooWide, used) => trackingOf(catalog, ground.copies, before, tooWide, used))
  const cascades = new Cascades(server.flavour, places, tracking, catalog.foreignKeys)
  for (const tracked of tracking.values()) {
    const table = tracked.table.name
    const of = (triggers: readonly Trigger[]): readonly Trigger[] =>
      triggers.filter((trigger) => trigger.table === table)
    const wanted = capturesOf(places, cascades, tracked)
    const mine = of(captures)
    const guards = of(catalog.triggers).map(guarded)
    const isThere = same(mine, wanted) && same(of(written), guards)
    if (isThere) continue
    const made = wanted.map((capture) => createCapture(places, table, capture))
    await replace(ground, table, [...mine, ...of(written)], guards, made)
  }
  await session.run([writeNote(places, 'tracking', tracking)])
  return { catalog, tracking }
}

/** Takes everything of ours away again, and the condition out of the user's triggers. */
export async function uninstall(ground: Ground): Promise<void> {
  const { session, places } = ground
  await mendGuards(ground)
  const { catalog, captures, written } = await seen(session, places.database)
  for (const { name } of catalog.tables.values()) {
    const mine = captures.filter(({ table }) => table === name)
    const own = catalog.triggers.filter(({ table }) => table === name)
    const isGuarded = !same(
      written.filter(({ table }) => table === name),
      own,
    )
    if (isGuarded) await replace(ground, name, [...mine, ...own], own, [])
    else await session.run(mine.map((trigger) => dropTrigger(places.database, trigger.name)))
  }
  await session.run([`DROP DATABASE IF EXISTS ${places.schema}`])
}

/** Replaces the triggers of one table. Between the drop and the making a note holds the user's: we may be killed there. */
async function replace(
  { session, places }: Ground,
  table: string,
  gone: readonly Trigger[],
  users: readonly Trigger[],
  ours: readonly string[],
): Promise<void> {
  if (users.length > 0) {
    await rehearse(session, places, table, users)
    await session.run([writeNote(places, 'guards', users)])
  }
  const dropped = gone.map(({ name }) => name)
  await replaceTriggers(session, places.database, places.table(table), dropped, users, ours)
  if (users.length > 0) await session.run([dropNote(places, 'guards')])
}

/** Makes the user's triggers on an empty table of ours first: none of them may be dropped that cannot be made again. */
async function rehearse(session: Session, places: Places, table: string, users: readonly Trigger[]): Promise<void> {
  const stage = places.own('stage')
  const setUp = [`DROP TABLE IF EXISTS ${stage}`, `CREATE TABLE ${stage} LIKE ${places.table(table)}`]
  await session.run([...setUp, `USE ${places.schema}`])
  try {
    for (const trigger of users) await makeTrigger(session, trigger, 'stage')
  } finally {
    await session.run([`USE ${name(places.database)}`, `DROP TABLE ${stage}`])
  }
}

/** Makes the user's triggers again that were dropped when we were killed. */
async function mendGuards({ session, places }: Ground): Promise<void> {
  const guards = await readNote<readonly Trigger[]>(session, places, 'guards')
  if (!guards) return
  const [{ table } = { table: '' }] = guards
  const names = guards.map(({ name }) => name)
  await replaceTriggers(session, places.database, places.table(table), names, guards, [])
  await session.run([dropNote(places, 'guards')])
}

/** Takes away the logs that nobody tracks any more, and what the others hold. */
export async function emptyLogs({ session, places }: Ground, { tracking }: State): Promise<void> {
  const known = new Set([...tracking.values()].map(({ number }) => `u${number}`))
  const rows = await session.query(
    `SELECT TABLE_NAME AS name FROM information_schema.TABLES WHERE TABLE_SCHEMA = ${text(places.schema)} AND TABLE_NAME REGEXP '^[uk][0-9]+$'`,
  )
  const old = rows.map((row) => row['name']!).filter((log) => !known.has(log))
  if (old.length > 0) await session.run([`DROP TABLE ${list(old.map(places.own))}`])
  await session.run([...known].map((log) => `DELETE FROM ${places.own(log)}`))
}

/** Makes the logs that are not there, and says which tables are too wide for one. */
async function withLogs(
  { session, places }: Ground,
  track: (tooWide: readonly string[], used: number) => Tracking,
): Promise<Tracking> {
  const rows = await session.query(
    `SELECT TABLE_NAME AS name FROM information_schema.TABLES WHERE TABLE_SCHEMA = ${text(places.schema)}`,
  )
  const there = new Set(rows.map(({ name }) => name!))
  const numbers = [...there].map((name) => Number(/^u(\d+)$/.exec(name)?.[1] ?? 0))
  const tooWide: string[] = []
  for (;;) {
    const tracking = track(tooWide, Math.max(0, ...numbers))
    const wide = await firstTooWide(session, places, tracking, there)
    if (wide === undefined) return tracking
    tooWide.push(wide)
  }
}

async function firstTooWide(
  session: Session,
  places: Places,
  tracking: Tracking,
  there: Set<string>,
): Promise<string | undefined> {
  for (const tracked of tracking.values()) {
    const log = `u${tracked.number}`
    if (there.has(log)) continue
    try {
      await session.run([logTable(places, tracked)])
      there.add(log)
    } catch (error) {
      if (tracked.way === 'log' && TOO_WIDE.includes(errno(error))) return tracked.table.name
      throw error
    }
  }
  return undefined
}

/** The tracked table and what it was before its definition changed, the newest first. */
export function lineage(tracked: Tracked): readonly Tracked[] {
  return tracked.previous ? [tracked, ...lineage(tracked.previous)] : [tracked]
}

interface Like {
  readonly name: string
  readonly timing: string
  readonly event: string
  readonly body: string
}

function same(one: readonly Like[], other: readonly Like[]): boolean {
  const texts = (triggers: readonly Like[]): string[] =>
    triggers.map(({ name, timing, event, body }) => JSON.stringify([name, timing, event, body])).toSorted()
  return isDeepStrictEqual(texts(one), texts(other))
}
