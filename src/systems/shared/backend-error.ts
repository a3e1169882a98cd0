import { isVenomError, messageOf, VenomError, type VenomErrorCode } from '../../errors.ts'
import { shortened } from './statements.ts'

/** What an error of a database is about. Its `code` says it closer: a family has one or several. */
export type ErrorFamily =
  | 'connection' // CONNECTION_REFUSED, NOT_FOUND
  | 'integrity' // INTEGRITY
  | 'operational' // TIMED_OUT, READ_ONLY, MISSING_GRANT, OPERATIONAL
  | 'lock' // LOCKED, DEADLOCK
  | 'transaction' // TRANSACTION, SERIALIZATION, MARK_LOST
  | 'query' // QUERY, UNSUPPORTED
  | 'conversion' // CONVERSION

/** Which rule a row broke. */
export type Constraint = 'unique' | 'not null' | 'foreign key' | 'check' | 'exclusion'

/** What an error of a driver is. */
export interface Trouble {
  readonly family: ErrorFamily
  readonly code: VenomErrorCode
  readonly constraint?: Constraint
  /** Whether the same may succeed later, as it stands. */
  readonly retryable?: boolean
}

/** What was being done when a driver threw. */
export interface Doing {
  /** How messages call the backend. */
  readonly backend: string
  /** The statement; its parameters are never shown. */
  readonly sql?: string
  /** The settings without their secrets. */
  readonly where?: string
}

/**
 * An error of a database in words that are the same for all of them. It is a `VenomError`: tell it by `isBackendError`
 * and its `code`. The driver's own error is its `cause`.
 */
export class BackendError extends VenomError {
  readonly family: ErrorFamily
  readonly backend: string
  readonly constraint: Constraint | undefined

  constructor(trouble: Trouble, message: string, options: { readonly backend: string; readonly cause?: unknown }) {
    const { retryable = false } = trouble
    super(trouble.code, message, 'cause' in options ? { cause: options.cause, retryable } : { retryable })
    this.family = trouble.family
    this.backend = options.backend
    this.constraint = trouble.constraint
  }
}

/** Whether `thrown` is a BackendError of any copy of this package, and of one of the families, if any are named. */
export function isBackendError(thrown: unknown, ...families: readonly ErrorFamily[]): thrown is BackendError {
  if (!isVenomError(thrown) || !('family' in thrown)) return false
  return families.length === 0 || families.includes(thrown.family as ErrorFamily)
}

/** The error of a driver as one of ours. */
export function backendError(
  trouble: Trouble,
  cause: unknown,
  { backend, sql, where = 'the database' }: Doing,
): BackendError {
  const [what, means, fix] = wordsFor(trouble, where)
  const said = messageOf(cause).trim()
  const at = sql === undefined ? '' : `\n  in: ${shortened(sql, 200)}`
  return new BackendError(trouble, `${backend}: ${what}: ${said}${at}\n${means}\n${fix}`, { backend, cause })
}

function wordsFor({ family, code, constraint, retryable }: Trouble, where: string): readonly [string, string, string] {
  switch (family) {
    case 'connection':
      if (code === 'NOT_FOUND') {
        return [
          'the database does not exist',
          'It was not created yet, or the settings name another server than you think.',
          `Create it and run your migrations first; this is where it was looked for: ${where}`,
        ]
      }
      return retryable
        ? [
            'there is no connection',
            'The server does not run, listens elsewhere, has no connection left, or has gone.',
            `Start it, or correct ${where}`,
          ]
        : [
            'the server does not let us in',
            'The user, the password or the host that the user may come from is wrong.',
            `Correct ${where}`,
          ]
    case 'integrity':
      return [
        `a row breaks ${constraint === undefined ? 'a constraint' : RULES[constraint]}`,
        'Either the data of the step is wrong, or the application does not check what the database does.',
        "If that is what the step is to show, expect it: isBackendError(error, 'integrity').",
      ]
    case 'lock':
      return code === 'DEADLOCK'
        ? [
            'two transactions waited for each other, and this one was given up',
            'They took the same rows in another order.',
            'Run the whole transaction again, or take rows in one order everywhere.',
          ]
        : [
            'another transaction holds what this needs',
            'It is still at work, or was left open.',
            'End it, or wait for longer; the statement may be run again.',
          ]
    case 'transaction':
      return code === 'SERIALIZATION'
        ? [
            'another transaction changed what this one has read',
            'At this isolation level one of the two must begin again.',
            'Run the whole transaction again.',
          ]
        : [
            'the transaction is not in a state for this',
            'It was ended, aborted by an earlier error, or never begun; a COMMIT by hand also ends the savepoints in it.',
            'Roll back to where it still held, and begin and end transactions with transaction() only.',
          ]
    case 'query':
      return [
        'the server does not understand the statement',
        'It is misspelt, or it names a table or column that there is not, or not yet.',
        'Correct it, or run your migrations first.',
      ]
    case 'conversion':
      return [
        'a value does not fit its column or type',
        'It is of another type, too long, or out of range.',
        'Give a value that fits, or a codec that makes one: types.with(name, codec).',
      ]
    case 'operational':
      return operational(code)
  }
}

function operational(code: VenomErrorCode): readonly [string, string, string] {
  if (code === 'TIMED_OUT') {
    return [
      'the statement took too long',
      'It waits for something, or there is more data than it was written for.',
      'Give it more time (queryTimeoutMs, or the setting of the server), or an index.',
    ]
  }
  if (code === 'MISSING_GRANT') {
    return [
      'this user may not do that',
      'The privileges of the user in the settings do not reach that far.',
      'Grant what the message names, or log in as another user.',
    ]
  }
  if (code === 'READ_ONLY') {
    return [
      'nothing can be written here',
      'The transaction is read-only, or the server is a replica, or an operator made it so.',
      'Write in another transaction, or give the settings of a server that takes writes.',
    ]
  }
  return [
    'the server could not do it',
    'It lacks memory, disk or another resource, or it met a fault of its own.',
    'See what the server logged at this time.',
  ]
}

const RULES: Readonly<Record<Constraint, string>> = {
  unique: 'a unique key',
  'not null': 'a NOT NULL',
  'foreign key': 'a foreign key',
  check: 'a CHECK',
  exclusion: 'an exclusion constraint',
}
