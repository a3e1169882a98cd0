import { hostname } from 'node:os'
import { VenomError } from '../../errors.ts'
import type { Worker } from '../../rollbackable.ts'
import { readNote, writeNote } from './notes.ts'
import type { Session } from './session.ts'
import { text } from './sql.ts'
import type { Places } from './tracked.ts'

/** Who looks after a database, as our schema remembers it. */
export interface Run {
  /** `vitest worker 2 (pid 4711 on laptop)`. */
  readonly owner: string
  readonly begun: string
}

/** The run of this process. */
export function runOf({ id, runner }: Worker): Run {
  const who = runner === 'none' ? 'a script' : `${runner} worker ${id}`
  return { owner: `${who} (pid ${process.pid} on ${hostname()})`, begun: new Date().toISOString() }
}

/**
 * Takes the database for this session alone. The lock goes with the connection, so it outlives no process; one that was
 * just killed is waited for. Throws `LEASED`.
 */
export async function takeLease(session: Session, places: Places, wait: number): Promise<void> {
  const lock = text(places.schema)
  const [[row], [holder]] = (await session.run([
    `SELECT GET_LOCK(${lock}, ${Math.max(1, Math.ceil(wait / 1000))}) AS got`,
    `SELECT ID AS id, USER AS user, HOST AS host FROM information_schema.PROCESSLIST WHERE ID = IS_USED_LOCK(${lock})`,
  ])) as [[Record<string, string>], [Record<string, string>?]]
  if (row['got'] === '1') return
  const run = await readNote<Run>(session, places, 'run')
  const who = run
    ? `${run.owner}, since ${run.begun}`
    : `connection ${holder?.['id']} of ${holder?.['user']}@${holder?.['host']}`
  throw new VenomError(
    'LEASED',
    `mysql: the database ${places.database} is in use by ${who}.\n` +
      'Two who roll back one database would undo what the other one does.\n' +
      'Run one at a time, or give each worker a database of its own: mysql(url, { perWorker: true }).',
    { retryable: true },
  )
}

/** The statement by which others learn who we are. */
export function signed(places: Places, worker: Worker): string {
  return writeNote(places, 'run', runOf(worker))
}
