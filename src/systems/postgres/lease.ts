import { VenomError } from '../../errors.ts'
import type { Control } from './control.ts'
import { type Place, placeName } from './place.ts'
import { now, pause } from './quiet.ts'

/** The key of the advisory lock: "vnmq". The server keeps such locks apart for each database. */
export const LEASE_KEY = 0x766e6d71

/**
 * Takes the database for this connection alone, or with `beside` for all that undo nothing but their own, until the
 * connection ends. Waits up to `patience` ms: the session of a run that was
 * killed a moment ago may not have noticed yet.
 *
 * Throws `LEASED`.
 */
export async function takeLease(control: Control, patience: number, beside = false): Promise<void> {
  const deadline = now() + patience
  for (;;) {
    const [answer] = await control.query(`select pg_try_advisory_lock${beside ? '_shared' : ''}($1) as taken`, [
      LEASE_KEY,
    ])
    if (answer?.['taken'] === 't') return
    if (now() > deadline) throw leased(control.place, await holder(control))
    await pause(50)
  }
}

async function holder(control: Control): Promise<string> {
  const [found] = await control.query(
    `select a.pid, a.application_name, extract(epoch from clock_timestamp() - a.backend_start)::int as seconds
     from pg_locks l join pg_stat_activity a on a.pid = l.pid
     where l.locktype = 'advisory' and l.granted and l.objid = $1
       and l.database = (select oid from pg_database where datname = current_database())`,
    [LEASE_KEY],
  )
  if (!found) return 'another run'
  return `another run (pid ${found['pid']}, application_name "${found['application_name']}", for ${found['seconds']} s)`
}

function leased(place: Place, who: string): VenomError {
  return new VenomError(
    'LEASED',
    `postgres: ${placeName(place)} is in use by ${who}.\n` +
      "Two runs in one database would undo each other's changes: it is another worker, a watch mode, or a run that hangs.\n" +
      'Wait for it to end, or give each worker a database of its own: postgres(url, { perWorker: true }).',
    { retryable: true },
  )
}
