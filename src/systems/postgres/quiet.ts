import { VenomError } from '../../errors.ts'
import { shortened } from '../shared/statements.ts'
import { type Control, SHORT_WAIT, type TextRow } from './control.ts'
import { causeOf, codeOf, WRITERS } from './trouble.ts'

// Taken at load, so that a runner's fake timers never stop us.
const { setTimeout, performance } = globalThis
/** Milliseconds that only grow. */
export const now = performance.now.bind(performance)
/** Waits. */
export const pause = (ms: number): Promise<void> => new Promise((resolve) => void setTimeout(resolve, ms))

/** How to wait for others. */
export interface Patience {
  /** How long in ms. */
  readonly settle: number
  /** Whether the sessions that are still writing then are ended. */
  readonly terminate: boolean
}

/** What the server says when somebody is in the way: a writer, a lock, a deadlock with a writer that came too late. */
const BUSY = [WRITERS, '55P03', '40P01']

/** For how long we only look whether nobody writes, before we stand in the queue, in ms: others then wait for us. */
const LOOK = 100

/**
 * Does `work` once nobody is in its way. At first it looks again and again whether somebody is; then it is told to
 * `wait`, and stands in the queue for its locks, so that writers who never pause let it through. `undone` ends the
 * sentence for those who read why it was not done: `so "paid" cannot be taken`.
 *
 * Throws `NOT_QUIET` when somebody still is after `settle` ms; the state is then as it was.
 */
export async function whenQuiet<T>(
  control: Control,
  { settle, terminate }: Patience,
  undone: string,
  work: (wait: boolean) => Promise<T>,
): Promise<T> {
  const started = now()
  let deadline = started + settle
  let mayTerminate = terminate
  for (let wait = 1; ; wait = Math.min(2 * wait, 50)) {
    try {
      return await work(now() - started > LOOK)
    } catch (error) {
      if (!BUSY.includes(codeOf(error))) throw error
      if (now() + wait < deadline) {
        await pause(wait)
        continue
      }
      const sessions = await inTheWay(control)
      if (!mayTerminate || sessions.length === 0)
        throw notQuiet(sessions, undone, settle, causeOf(error, control.place))
      await control.query('select pg_terminate_backend(pid) from unnest($1::int[]) as pid', [
        `{${sessions.flatMap(({ pid }) => pid ?? []).join(',')}}`,
      ])
      mayTerminate = false
      deadline = now() + Math.max(settle, 1000)
    }
  }
}

/**
 * The same for work that needs tables for itself: an autovacuum that is in the way is ended. The server does that for who
 * waits longer than deadlock_timeout, which we do only where nobody else is in the way.
 * https://www.postgresql.org/docs/current/routine-vacuuming.html#AUTOVACUUM
 */
export async function whenAlone<T>(
  control: Control,
  patience: Patience,
  undone: string,
  work: () => Promise<T>,
): Promise<T> {
  try {
    return await whenQuiet(control, patience, undone, work)
  } catch (error) {
    if (codeOf(error) !== 'NOT_QUIET' || !(await isOnlyAutovacuum(control))) throw error
    await control.query(LONG_WAIT)
    try {
      return await work()
    } catch {
      throw error
    } finally {
      await control.query(SHORT_WAIT)
    }
  }
}

const LONG_WAIT = `
  select set_config('lock_timeout', (setting::int + 1000)::text, false) from pg_settings where name = 'deadlock_timeout'`

async function isOnlyAutovacuum(control: Control): Promise<boolean> {
  const [found] = await control.query(
    // It belongs to nobody; its kind is shown to superusers only.
    `select from pg_stat_activity where datname = current_database() and usesysid is null limit 1`,
  )
  return found !== undefined && (await inTheWay(control)).length === 0
}

/** The sessions that have a write transaction open, the oldest first; where nobody has, those that hold a lock by reading. */
async function inTheWay(control: Control): Promise<TextRow[]> {
  const sessions = await control.query(
    `select pid, null as prepared, application_name, state, xact_start as since, query, backend_xid is not null as writes,
       round(extract(epoch from clock_timestamp() - xact_start)::numeric, 1) as seconds
     from pg_stat_activity
     where datname = current_database() and pid <> pg_backend_pid() and usesysid is not null
       and (backend_xid is not null or xact_start is not null)
     union all
     select null, gid, null, null, prepared, null, true, round(extract(epoch from clock_timestamp() - prepared)::numeric, 1)
     from pg_prepared_xacts where database = current_database()
     order by since`,
  )
  const writers = sessions.filter(({ writes }) => writes === 't')
  return writers.length > 0 ? writers : sessions
}

function notQuiet(sessions: readonly TextRow[], undone: string, settle: number, cause: unknown): VenomError {
  const [first] = sessions
  const kind = first?.['writes'] === 't' ? 'write transaction' : 'transaction'
  const count = sessions.length === 1 ? `1 ${kind} is` : `${sessions.length || 'some'} ${kind}s are`
  return new VenomError(
    'NOT_QUIET',
    `postgres: ${count} still open, ${undone}.\n` +
      `${first ? describe(first) : 'It ended before its owner could be asked for.'}\n` +
      remedy(first, settle),
    { cause, retryable: true },
  )
}

function describe(session: TextRow): string {
  const { pid, prepared, application_name, state, seconds, query } = session
  if (prepared !== null) return `It was prepared as '${prepared}' ${seconds} s ago, and waits for its second phase.`
  const since = seconds === null ? '' : ` ${seconds} s`
  return `It belongs to pid ${pid} (application_name "${application_name ?? ''}", ${state ?? 'state not visible'}${since}): ${shortened(query ?? '', 120)}`
}

function remedy(session: TextRow | undefined, settle: number): string {
  if (session?.['prepared']) return `End it: ROLLBACK PREPARED '${session['prepared']}'.`
  return `End it, or raise settle (${settle / 1000} s), or allow postgres(url, { terminate: true }).`
}
