import { accessSync, constants, realpathSync, statSync } from 'node:fs'
import { dirname, resolve } from 'node:path'
import { VenomError } from '../../errors.ts'
import { backendError } from '../shared/backend-error.ts'
import { causeOf, NO_DATABASE } from '../shared/cause.ts'
import { isTestPath, requireTestDatabase, type SafetyOptions } from '../../safety.ts'

/**
 * The real path of the database file that `path` means.
 *
 * Throws `BAD_ARGUMENT`, `NOT_FOUND`, `NOT_A_TEST_DATABASE`, `READ_ONLY`.
 */
export function databaseFile(path: string, { allowDatabase }: SafetyOptions): string {
  if (path === '' || path === ':memory:' || path.startsWith('file:')) {
    throw new VenomError(
      'BAD_ARGUMENT',
      `sqlite: ${JSON.stringify(path)} is not the path of a file.\n` +
        'A database in memory is seen by nobody but the connection that made it.\n' +
        'Pass that connection itself, sqlite(db), or the plain path of a file.',
    )
  }
  const absolute = resolve(path)
  const found = statSync(absolute, { throwIfNoEntry: false })
  if (!found?.isFile()) {
    const what = found ? `"${absolute}" is not a file` : `there is no file "${absolute}"`
    throw new VenomError(
      'NOT_FOUND',
      `sqlite: ${what}.\n` +
        "Most often the path is another than the application's, or the database has not been made yet.\n" +
        'Run the migrations before the world opens, and give the path that the application opens.',
      { cause: backendError(NO_DATABASE, what, { backend: 'sqlite', where: absolute }) },
    )
  }
  const real = realpathSync(absolute)
  const isAllowed = allowDatabase !== undefined && realPath(resolve(allowDatabase)) === real
  const allowed = isAllowed ? { allowDatabase: real } : {}
  requireTestDatabase({ system: 'sqlite', database: real, proved: isTestPath(real) }, allowed)
  try {
    accessSync(real, constants.R_OK | constants.W_OK)
    accessSync(dirname(real), constants.W_OK)
  } catch (cause) {
    throw readOnly(real, cause)
  }
  return real
}

function realPath(path: string): string {
  try {
    return realpathSync(path)
  } catch {
    return path
  }
}

/** What to throw when a database cannot be written. */
export function readOnly(path: string, cause: unknown): VenomError {
  return new VenomError(
    'READ_ONLY',
    `sqlite: "${path}" cannot be written by this user.\n` +
      'SQLite writes the file and, beside it, its log; a rollback writes both.\n' +
      'Give this user write access to the file and its folder, or copy the file to a folder where it has.',
    { cause: causeOf(cause, { backend: 'sqlite', where: path }, { family: 'operational', code: 'READ_ONLY' }) },
  )
}

/** What to throw when a file is something else than a database. */
export function notADatabase(path: string, cause: unknown): VenomError {
  return new VenomError(
    'BAD_ARGUMENT',
    `sqlite: "${path}" is not a SQLite database.\n` +
      'It is another kind of file, it is encrypted, or it is damaged.\n' +
      'Give the path of the file that the application opens.',
    { cause: causeOf(cause, { backend: 'sqlite', where: path }) },
  )
}
