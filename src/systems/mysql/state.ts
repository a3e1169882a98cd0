import { type Catalog, catalogOf, type Trigger } from './catalog.ts'
import type { Counters } from './counters.ts'
import { CAPTURE, isCapture, unguarded } from './guard.ts'
import type { Session } from './session.ts'
import type { Tracked, Tracking } from './tracked.ts'

/** What there is in the database, and how each table comes back. Never changed: another schema is another state. */
export interface State {
  readonly catalog: Catalog
  readonly tracking: Tracking
}

/** One moment of the database. */
export interface Mark {
  readonly name: string
  /** The moment: every entry of a log that is higher came later. */
  readonly seq: bigint
  /** When the database was last at this moment: the mark itself, or the last rollback to it. */
  since: bigint
  readonly state: State
  counters: Counters
  /** The copies of tables that have no log, by name. */
  readonly copies: ReadonlyMap<string, number>
  /** About how many entries of each log nobody needs since rollbacks to the mark. */
  readonly dead: Map<number, bigint>
}

/** Whether a table was written to since `seq`. A log that the server knows nothing of counts as written. */
export function isWritten({ number }: Tracked, { logs }: Counters, seq: bigint): boolean {
  return (logs.get(number) ?? seq + 1n) > seq
}

/** What there is in the database, with the triggers as their author wrote them, and ours apart: by name, or `whole`. */
export async function seen(
  session: Session,
  database: string,
  captures: 'named' | 'whole' = 'named',
): Promise<{ readonly catalog: Catalog; readonly captures: readonly Trigger[]; readonly written: readonly Trigger[] }> {
  const catalog = await catalogOf(session, database, captures === 'named' ? CAPTURE : undefined)
  const users = catalog.triggers.filter((trigger) => !isCapture(trigger))
  return {
    catalog: { ...catalog, triggers: users.map(unguarded) },
    captures: catalog.triggers.filter(isCapture),
    written: users,
  }
}
