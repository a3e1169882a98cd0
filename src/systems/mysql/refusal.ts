import { isVenomError, messageOf, VenomError } from '../../errors.ts'
import { causeOf as classified, toldIfRetryable } from '../shared/cause.ts'
import { classify } from '../shared/classify.ts'

/** The server's number of an error, 0 where there is none. https://mariadb.com/kb/en/mariadb-error-codes/ */
export function errno(error: unknown): number {
  const { errno } = Object(error) as { readonly errno?: unknown }
  return typeof errno === 'number' ? errno : 0
}

/** A lock was not given in time, or at once. */
export const isLockTimeout = (error: unknown): boolean => classify(error)?.code === 'LOCKED'

/** InnoDB ended one of two transactions that waited for each other. The loser may simply try again. */
export const isDeadlock = (error: unknown): boolean => classify(error)?.code === 'DEADLOCK'

/** An error of the server as one of ours, with what to do; any other error as it is. */
export function refused(error: unknown, shown: string, doing = 'connecting'): unknown {
  const trouble = isVenomError(error) ? undefined : classify(error)
  if (!trouble) return error
  const say = (what: string, means: string, fix: string): VenomError =>
    new VenomError(trouble.code, `mysql: ${what}\n${means}\n${fix}`, {
      cause: causeOf(error, shown),
      retryable: trouble.retryable ?? false,
    })
  const said = messageOf(error)
  switch (trouble.code) {
    case 'NOT_FOUND':
      return say(
        `the database of ${shown} does not exist.`,
        'The system makes no databases: it would not know their tables.',
        'Create it and run your migrations first.',
      )
    case 'CONNECTION_REFUSED':
      if (!trouble.retryable) {
        return say(
          `the server does not let us in: ${said}`,
          'The user, the password or the host that the user may come from is wrong.',
          `Check ${shown}.`,
        )
      }
      return say(
        `no answer from ${shown} while ${doing} (${networkCode(error)}).`,
        'The server does not run, listens elsewhere, has no connection left, or has gone.',
        'Start it, or correct the URL.',
      )
    case 'MISSING_GRANT':
      if (errno(error) === 1419) return missingBinlogTrust(causeOf(error, shown))
      return missingGrant(said, doing, causeOf(error, shown))
    case 'READ_ONLY':
      return say(
        `${shown} is read-only: ${said}`,
        'It is a replica, or an operator set read_only.',
        'Give the URL of a server that takes writes.',
      )
    default:
      return toldIfRetryable(error, { backend: 'mysql', where: shown })
  }
}

/** What mysql2 threw as the cause of one of ours, classified as for every database. */
export function causeOf(error: unknown, shown: string): unknown {
  return classified(error, { backend: 'mysql', where: shown })
}

function networkCode(error: unknown): string {
  const { code } = Object(error) as { readonly code?: unknown }
  return typeof code === 'string' ? code : 'the connection was ended'
}

function missingBinlogTrust(cause: unknown): VenomError {
  return new VenomError(
    'MISSING_GRANT',
    'mysql: the server refuses our triggers, since it writes a binary log and this user has not the privilege SUPER.\n' +
      'A row change is remembered by triggers, and MySQL asks an administrator to trust their authors first.\n' +
      'Run once as an administrator: SET GLOBAL log_bin_trust_function_creators = 1; or put log_bin_trust_function_creators = 1 under [mysqld].',
    { cause },
  )
}

/** Something may not be made in the name of its author. */
export const isForeignAuthor = (error: unknown): boolean => [1227, 1044, 3879].includes(errno(error))

/** The error for what belongs to another account and must be made anew. */
export function foreignAuthor(what: string, means: string, cause: unknown): VenomError {
  return new VenomError(
    'MISSING_GRANT',
    `mysql: ${what}\n${means}\n` +
      'Run once as an administrator: GRANT SET USER ON *.* TO … (MariaDB), GRANT SET_ANY_DEFINER ON *.* TO … (MySQL 8.2 and newer), GRANT SET_USER_ID ON *.* TO … (MySQL 8.0).',
    { cause: causeOf(cause, 'the database') },
  )
}

/** What a user of ours must be allowed. */
export function grants(database: string): string {
  return (
    `GRANT PROCESS ON *.* TO …; GRANT ALL ON \`${database.replaceAll('`', '``')}\`.* TO …; ` +
    'GRANT ALL ON `vq\\_%`.* TO …;'
  )
}

function missingGrant(said: string, doing: string, cause: unknown): VenomError {
  return new VenomError(
    'MISSING_GRANT',
    `mysql: this user lacks a privilege for ${doing}: ${said}\n` +
      'Rows are remembered in a schema of our own (vq_…), counters are read from information_schema.INNODB_…\n' +
      `Run once as an administrator: ${grants('your_database')}`,
    { cause },
  )
}
