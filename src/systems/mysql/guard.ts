import type { Trigger } from './catalog.ts'
import { inModes } from './modes.ts'
import { foreignAuthor, isForeignAuthor } from './refusal.ts'
import type { Session } from './session.ts'
import { name } from './sql.ts'

/*
 * A rollback deletes and inserts rows, and MySQL cannot switch triggers off for one session. So the body of each
 * trigger of the user is put behind a condition that holds for every session but ours, and taken out again at the end.
 */
const BEFORE = 'IF @vq IS NULL THEN\n'
const AFTER = '\n; END IF'

/** The names of our triggers that remember changes. */
export const CAPTURE = /^vq_\d+[iubd]$/

/** A trigger of ours that remembers changes. */
export function isCapture({ name }: Trigger): boolean {
  return CAPTURE.test(name)
}

/** Whether the trigger stands behind our condition. */
export function isGuarded({ body }: Trigger): boolean {
  return body.startsWith(BEFORE) && body.endsWith(AFTER)
}

/** The trigger as the user wrote it. */
export function unguarded(trigger: Trigger): Trigger {
  return isGuarded(trigger) ? { ...trigger, body: trigger.body.slice(BEFORE.length, -AFTER.length) } : trigger
}

/** The trigger behind our condition. */
export function guarded(trigger: Trigger): Trigger {
  return isGuarded(trigger) ? trigger : { ...trigger, body: `${BEFORE}${trigger.body}${AFTER}` }
}

/** What drops a trigger. */
export function dropTrigger(database: string, trigger: string): string {
  return `DROP TRIGGER IF EXISTS ${name(database)}.${name(trigger)}`
}

/**
 * Makes a trigger of the user anew, with its author, its modes and its character set, in the database that is in use: its
 * name is no part of the text that MariaDB keeps.
 */
export async function makeTrigger(session: Session, trigger: Trigger, on = trigger.table): Promise<void> {
  const { timing, event, body, definer } = trigger
  const made = `CREATE DEFINER = ${account(definer)} TRIGGER ${name(trigger.name)}`
  try {
    await inModes(session, trigger, `${made} ${timing} ${event} ON ${name(on)} FOR EACH ROW ${body}`)
  } catch (error) {
    if (!isForeignAuthor(error)) throw error
    throw foreignAuthor(
      `the trigger ${trigger.name} on ${trigger.table} belongs to ${definer}, and this user may not make triggers for another.`,
      'While the system is open, triggers of yours stand behind a condition, so that they do not fire when a rollback puts rows back; for that they are made anew.',
      error,
    )
  }
}

/** Puts triggers of one table in the place of others, so that the application never finds the table without them. */
export async function replaceTriggers(
  session: Session,
  database: string,
  table: string,
  gone: readonly string[],
  users: readonly Trigger[],
  ours: readonly string[],
): Promise<void> {
  if (gone.length + users.length + ours.length === 0) return
  try {
    await session.run([`LOCK TABLES ${table} WRITE`, ...gone.map((trigger) => dropTrigger(database, trigger))])
    for (const trigger of users) await makeTrigger(session, trigger)
    await session.run(ours)
  } finally {
    await session.run(['UNLOCK TABLES'])
  }
}

/** `root@localhost` as SQL. A role of MariaDB has no host. */
function account(definer: string): string {
  const at = definer.lastIndexOf('@')
  return at < 0 ? name(definer) : `${name(definer.slice(0, at))}@${name(definer.slice(at + 1))}`
}
