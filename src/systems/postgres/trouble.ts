import { messageOf, VenomError, type VenomErrorCode } from '../../errors.ts'
import { type Place, placeName } from './place.ts'

/** The code of an error of the server (`55P03`) or of the connection (`ECONNREFUSED`). */
export function codeOf(error: unknown): string {
  return String((error as { code?: unknown } | undefined)?.code ?? '')
}

/** What the server adds to an error's message. */
export function detailOf(error: unknown): string {
  return String((error as { detail?: unknown } | undefined)?.detail ?? '')
}

/** Whether the connection is gone, rather than the statement refused. */
export function isLost(error: unknown): boolean {
  const code = codeOf(error)
  // What the server refuses has a severity; its text may hold any word of the user's.
  if ((error as { severity?: unknown } | undefined)?.severity !== undefined) return /^(08|57P0)/.test(code)
  return /^E[A-Z]+$/.test(code) || /terminated|not queryable|closed/i.test(messageOf(error))
}

/** The connection could not be made: in the user's names, with what to do. */
export function notConnected(place: Place, error: unknown): VenomError {
  const where = placeName(place)
  const say = (code: VenomErrorCode, what: string, means: string, fix: string): VenomError =>
    new VenomError(code, `postgres: ${what}\n${means}\n${fix}`, {
      cause: causeOf(error),
      retryable: code === 'CONNECTION_REFUSED' && !/^(28|EAUTH)/.test(codeOf(error)),
    })
  switch (codeOf(error)) {
    case '3D000':
      return say(
        'NOT_FOUND',
        `there is no database ${where}.`,
        'It was not created yet, or the URL names another server than you think.',
        `Create it, and run your migrations on it: createdb ${place.database}`,
      )
    case '28P01':
    case '28000':
      return say(
        'CONNECTION_REFUSED',
        `user "${place.user}" may not log in to ${where}: ${messageOf(error)}.`,
        'The user or the password in the URL is wrong, or pg_hba.conf does not let it in.',
        'Correct the URL, with special characters of the password percent-encoded.',
      )
    case '53300':
      return say(
        'CONNECTION_REFUSED',
        `${where} has no connection left: ${messageOf(error)}.`,
        'The application, its workers and the tests together hold as many as the server allows.',
        'Make the pools smaller, or raise max_connections.',
      )
    default:
      return say(
        'CONNECTION_REFUSED',
        `cannot connect to ${where} (${codeOf(error) || messageOf(error)}).`,
        'The server is not running, it is still starting, or the URL names another host or port.',
        'Start it, or correct the URL.',
      )
  }
}

/** The connection broke while it was used. */
export function connectionLost(place: Place, error: unknown): VenomError {
  return new VenomError(
    'CONNECTION_REFUSED',
    `postgres: the connection to ${placeName(place)} was lost (${messageOf(error)}).\n` +
      'The server was stopped or restarted, or somebody ended the connection of "venomqa".\n' +
      'Run again when it is up: the marks are in the database, and what is left of this run is undone first.',
    { cause: causeOf(error), retryable: true },
  )
}

/** A driver's error may hold its client, and with it the password: only what it says is passed on. */
export function causeOf(error: unknown): Error {
  const { code, detail, where } = error as { code?: unknown; detail?: unknown; where?: unknown }
  return Object.assign(new Error(messageOf(error)), { code, detail, where })
}
