/**
 * What went wrong in the library or a backend. A user's own assertion error is never wrapped in one.
 *
 * Codes are grouped by who can mend it: the journey's author, the world's set-up, the backend.
 */
export type VenomErrorCode =
  // a journey, while it is collected or walked
  | 'OUTSIDE_JOURNEY'
  | 'NESTED_JOURNEY'
  | 'ASYNC_BODY'
  | 'DUPLICATE_NAME'
  | 'UNKNOWN_CHECKPOINT'
  | 'AMBIGUOUS_BRANCH'
  | 'EMPTY_JOURNEY'
  | 'BAD_ARGUMENT'
  | 'VALUE_OFF_PATH'
  | 'STEP_TIMEOUT'
  | 'STEP_STILL_RUNNING'
  | 'HOOK_WROTE'
  | 'CONCURRENT'
  // a world
  | 'NO_SYSTEMS'
  | 'NAME_TAKEN'
  | 'NOT_OPEN'
  | 'CLOSED'
  | 'TAINTED'
  | 'STALE_MARK'
  | 'NOT_QUIET'
  | 'OPEN_FAILED'
  | 'CHECKPOINT_FAILED'
  | 'ROLLBACK_FAILED'
  | 'NOT_VERIFIED'
  | 'SELF_TEST_FAILED'
  | 'CLOSE_FAILED'
  | 'NOT_CLONEABLE'
  | 'UNSUPPORTED'
  // a backend
  | 'DRIVER_MISSING'
  | 'NOT_FOUND'
  | 'READ_ONLY'
  | 'CONNECTION_REFUSED'
  | 'LOCKED'
  | 'LEASED'
  | 'CRASHED'
  | 'NOT_A_TEST_DATABASE'
  | 'MISSING_GRANT'
  | 'SCHEMA_CHANGED'
  | 'TOO_LARGE'

/**
 * The one error class. The message has three parts: what happened, in the user's names; what it
 * usually means; what to do, with the exact option.
 *
 * Tell errors apart by `code`, never by `instanceof`: two copies of the package may be loaded.
 */
export class VenomError extends Error {
  override readonly name = 'VenomError'
  readonly code: VenomErrorCode
  /** Whether the same call may succeed later, as it stands: a lock, a refused connection. */
  readonly retryable: boolean

  constructor(code: VenomErrorCode, message: string, options: { cause?: unknown; retryable?: boolean } = {}) {
    super(message, 'cause' in options ? { cause: options.cause } : undefined)
    this.code = code
    this.retryable = options.retryable ?? false
  }
}

/** The text of anything that was thrown, an Error or not. */
export function messageOf(thrown: unknown): string {
  if (thrown instanceof Error) return thrown.message || thrown.name
  if (typeof thrown === 'string') return thrown
  return `${JSON.stringify(thrown) ?? String(thrown)} (thrown as it is, not as an Error)`
}
