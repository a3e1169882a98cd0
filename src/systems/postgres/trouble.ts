import { messageOf, VenomError, type VenomErrorCode } from '../../errors.ts'
import { backendError, type Doing } from '../shared/backend-error.ts'
import { causeOf as classified, LOCKED, LOST } from '../shared/cause.ts'
import { classify } from '../shared/classify.ts'
import { type Place, placeName, quoted } from './place.ts'

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
  const { family, retryable = false } = classify(error) ?? {}
  return family === 'connection' && retryable
}

/** The connection could not be made: in the user's names, with what to do. */
export function notConnected(place: Place, error: unknown): VenomError {
  const where = placeName(place)
  const known = classify(error) ?? LOST
  const trouble = known.code === 'OPERATIONAL' ? LOST : known
  const { retryable = false } = trouble
  const say = (code: VenomErrorCode, what: string, means: string, fix: string): VenomError =>
    new VenomError(code, `postgres: ${what}\n${means}\n${fix}`, {
      cause: backendError(trouble, bare(error), doingAt(place)),
      retryable,
    })
  if (trouble.code === 'NOT_FOUND') {
    return say(
      'NOT_FOUND',
      `there is no database ${where}.`,
      'It was not created yet, or the URL names another server than you think.',
      `Create it, and run your migrations on it: createdb ${place.database}`,
    )
  }
  if (trouble.family === 'connection' && !retryable) {
    return say(
      'CONNECTION_REFUSED',
      `user "${place.user}" may not log in to ${where}: ${messageOf(error)}.`,
      'The user or the password in the URL is wrong, or pg_hba.conf does not let it in.',
      'Correct the URL, with special characters of the password percent-encoded.',
    )
  }
  if (trouble.code === 'MISSING_GRANT') {
    return say(
      'MISSING_GRANT',
      `user "${place.user}" may not connect to ${where}: ${messageOf(error)}.`,
      'The right to connect was taken from PUBLIC, and this user was not given it.',
      `Have its owner run: GRANT CONNECT ON DATABASE ${quoted(place.database)} TO ${quoted(place.user)};`,
    )
  }
  if (codeOf(error) === '55000') {
    return say(
      'CONNECTION_REFUSED',
      `${where} takes no connections: ${messageOf(error)}.`,
      'It was closed for a while, as for a copy or a restore, or it is a template.',
      `Open it again: ALTER DATABASE ${quoted(place.database)} ALLOW_CONNECTIONS true;`,
    )
  }
  if (codeOf(error) === '53300') {
    return say(
      'CONNECTION_REFUSED',
      `${where} has no connection left: ${messageOf(error)}.`,
      'The application, its workers and the tests together hold as many as the server allows.',
      'Make the pools smaller, or raise max_connections.',
    )
  }
  return say(
    'CONNECTION_REFUSED',
    `cannot connect to ${where} (${codeOf(error) || messageOf(error)}).`,
    'The server is not running, it is still starting, or the URL names another host or port.',
    'Start it, or correct the URL.',
  )
}

/** The connection broke while it was used. */
export function connectionLost(place: Place, error: unknown): VenomError {
  return new VenomError(
    'CONNECTION_REFUSED',
    `postgres: the connection to ${placeName(place)} was lost (${messageOf(error)}).\n` +
      'The server was stopped or restarted, or somebody ended the connection of "venomqa".\n' +
      'Run again when it is up: the marks are in the database, and what is left of this run is undone first.',
    { cause: causeOf(error, place, LOST), retryable: true },
  )
}

/** What the server's functions of ours say when somebody else is writing. */
export const WRITERS = 'VQ001'

/**
 * A driver's error as the cause of one of ours, classified as for every database. It may hold its client, and with it
 * the password: only what it says is passed on.
 */
export function causeOf(error: unknown, place: Place, otherwise?: typeof LOST): unknown {
  if (codeOf(error) === WRITERS) return backendError(LOCKED, bare(error), doingAt(place))
  return classified(bare(error), doingAt(place), otherwise)
}

function bare(error: unknown): Error {
  const { code, detail, where } = Object(error) as { code?: unknown; detail?: unknown; where?: unknown }
  return Object.assign(new Error(messageOf(error)), { code, detail, where })
}

const doingAt = (place: Place): Doing => ({ backend: 'postgres', where: placeName(place) })
