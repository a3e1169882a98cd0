import { isVenomError, messageOf, VenomError } from '../../errors.ts'

/** The server's number of an error, 0 where there is none. https://mariadb.com/kb/en/mariadb-error-codes/ */
export function errno(error: unknown): number {
  const { errno } = Object(error) as { readonly errno?: unknown }
  return typeof errno === 'number' ? errno : 0
}

/** A lock was not given in time, or at once. */
export const isLockTimeout = (error: unknown): boolean => [1205, 3572].includes(errno(error))

/** InnoDB ended one of two transactions that waited for each other. The loser may simply try again. */
export const isDeadlock = (error: unknown): boolean => errno(error) === 1213

const LOGIN = [1045, 1698, 1862, 3118]
const GRANT = [1044, 1142, 1143, 1227, 1370, 1410, 3879]
const UNREACHABLE = [
  'ECONNREFUSED',
  'ECONNRESET',
  'ENOENT',
  'ENOTFOUND',
  'ETIMEDOUT',
  'EHOSTUNREACH',
  'EPIPE',
  'PROTOCOL_CONNECTION_LOST',
]

/** An error of the server as one of ours, with what to do; any other error as it is. */
export function refused(error: unknown, shown: string, doing = 'connecting'): unknown {
  if (isVenomError(error)) return error
  const number = errno(error)
  const { code } = Object(error) as { readonly code?: string }
  const said = messageOf(error)
  if (number === 1049) {
    return new VenomError(
      'NOT_FOUND',
      `mysql: the database of ${shown} does not exist.\n` +
        'The system makes no databases: it would not know their tables.\n' +
        'Create it and run your migrations first.',
      { cause: error },
    )
  }
  if (LOGIN.includes(number)) {
    return new VenomError(
      'CONNECTION_REFUSED',
      `mysql: the server does not let us in: ${said}\nThe user, the password or the host that the user may come from is wrong.\nCheck ${shown}.`,
      { cause: error },
    )
  }
  if (number === 1419) return missingBinlogTrust(error)
  if (GRANT.includes(number)) return missingGrant(said, doing, error)
  if (number === 1290 || number === 1836 || number === 1792) {
    return new VenomError(
      'READ_ONLY',
      `mysql: ${shown} is read-only: ${said}\nIt is a replica, or an operator set read_only.\nGive the URL of a server that takes writes.`,
      { cause: error },
    )
  }
  const isEnded = said.includes('connection is in closed state')
  if (isEnded || (code !== undefined && UNREACHABLE.includes(code))) {
    return new VenomError(
      'CONNECTION_REFUSED',
      `mysql: no answer from ${shown} while ${doing} (${code ?? 'the connection was ended'}).\nThe server does not run, listens elsewhere, or has gone.\nStart it, or correct the URL.`,
      { cause: error, retryable: true },
    )
  }
  return error
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
    { cause },
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
