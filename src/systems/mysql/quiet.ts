import { VenomError } from '../../errors.ts'
import type { Ground } from './install.ts'
import { causeOf, isLockTimeout, refused } from './refusal.ts'
import type { Server } from './server.ts'
import type { Session } from './session.ts'
import { text } from './sql.ts'

/** Which open transactions are named: those that wrote or locked rows, or all that use the database. */
export type Who = 'writers' | 'all'

/** Does work on the database, and names who is in the way when a lock on a table is not given. Throws `NOT_QUIET`. */
export async function patiently<T>(
  { session, server, places, settle }: Ground,
  what: string,
  work: () => Promise<T>,
): Promise<T> {
  try {
    return await work()
  } catch (error) {
    if (isLockTimeout(error))
      throw await notQuiet(session, server, places.database, what, { settle, who: 'all', error })
    throw refused(error, session.shown, 'working on the database')
  }
}

/** The error for a lock that was not given within `settle` ms; it names who may hold it. */
export async function notQuiet(
  session: Session,
  server: Server,
  database: string,
  what: string,
  { settle, who, error }: { readonly settle: number; readonly who: Who; readonly error: unknown },
): Promise<VenomError> {
  const open = await transactions(session, server, database, who).catch(() => [])
  const named =
    open.length > 0
      ? open.map((line) => `\n  ${line}`).join('')
      : '\n  (it has ended meanwhile, or this user may not see it)'
  return new VenomError(
    'NOT_QUIET',
    `mysql: ${what}, since after ${settle} ms a transaction of somebody else is still open:${named}\n` +
      (who === 'writers'
        ? 'What it writes would be half inside the mark. The application, a worker of it or a forgotten tool has begun it and not ended it.\n'
        : 'A transaction that has only read holds the definition of its tables. The application or a forgotten tool has begun it and not ended it.\n') +
      'End it before the step ends, or wait for it longer: mysql(url, { settle: 10_000 }).',
    { cause: causeOf(error, session.shown), retryable: true },
  )
}

/** The open transactions of others, a line each. */
async function transactions(
  session: Session,
  { flavour }: Server,
  database: string,
  who: Who,
): Promise<readonly string[]> {
  const last = flavour === 'mysql' ? 's.SQL_TEXT' : 'NULL'
  const statements =
    flavour === 'mysql'
      ? `LEFT JOIN performance_schema.threads h ON h.PROCESSLIST_ID = t.trx_mysql_thread_id
         LEFT JOIN performance_schema.events_statements_current s ON s.THREAD_ID = h.THREAD_ID AND s.NESTING_EVENT_ID IS NULL`
      : ''
  const rows = await session.query(
    `SELECT t.trx_mysql_thread_id AS id, p.USER AS user, p.HOST AS host, p.DB AS db,
            GREATEST(0, TIMESTAMPDIFF(SECOND, t.trx_started, NOW())) AS age, COALESCE(t.trx_query, p.INFO, ${last}) AS statement
       FROM information_schema.INNODB_TRX t
       LEFT JOIN information_schema.PROCESSLIST p ON p.ID = t.trx_mysql_thread_id ${statements}
      WHERE t.trx_mysql_thread_id <> CONNECTION_ID() ${who === 'writers' ? 'AND t.trx_tables_locked + t.trx_rows_modified > 0' : ''}
      ORDER BY p.DB <=> ${text(database)} DESC, t.trx_started LIMIT 5`,
  )
  return rows.map(({ id, user, host, db, age, statement }) => {
    if (id === '0') return `a prepared XA transaction, ${age} s old (XA RECOVER lists it)`
    const where = db !== null && db !== database ? ` on ${db}` : ''
    const doing = statement
      ? `: ${statement.replaceAll(/\s+/g, ' ').slice(0, 120)}`
      : ', which runs nothing at the moment'
    return `connection ${id} of ${user}@${host}${where}, ${age} s old${doing}`
  })
}
