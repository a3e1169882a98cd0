import { inspect, types } from 'node:util'

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
  | 'NOT_AN_ERROR'
  // a world
  | 'BAD_CONFIG'
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
  | 'SYSTEM_FAILED'
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
  | 'MARK_LOST'
  | 'TOO_LARGE'
  // a statement, in a backend made with the kit
  | 'INTEGRITY'
  | 'OPERATIONAL'
  | 'TIMED_OUT'
  | 'DEADLOCK'
  | 'TRANSACTION'
  | 'SERIALIZATION'
  | 'QUERY'
  | 'CONVERSION'

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

/** The text of anything that was thrown, an Error (of this realm or, under Jest, another) or not. */
export function messageOf(thrown: unknown): string {
  if (thrown instanceof Error || types.isNativeError(thrown)) return thrown.message || thrown.name
  if (typeof thrown === 'string') return thrown
  return `${inspect(thrown, { breakLength: Infinity })} (thrown as it is, not as an Error)`
}

/** Throws what failed among parallel calls on several systems: one failure as it is, more as one error that lists them. */
export function throwIfAny(
  code: VenomErrorCode,
  what: string,
  systems: readonly (readonly [name: string, system: unknown])[],
  results: readonly PromiseSettledResult<unknown>[],
): void {
  const failed = results.flatMap((result, i) =>
    result.status === 'rejected' ? [{ name: systems[i]![0], reason: result.reason as unknown }] : [],
  )
  const [first] = failed
  if (!first) return
  if (failed.length === 1 && isVenomError(first.reason)) throw first.reason
  const lines = failed.map(({ name, reason }) => `${name} ${what}: ${messageOf(reason)}`)
  const cause = failed.length === 1 ? first.reason : new AggregateError(failed.map(({ reason }) => reason))
  throw new VenomError(code, lines.join('\n'), { cause })
}

/** Whether `thrown` is a VenomError of any copy of this package. */
export function isVenomError(thrown: unknown): thrown is VenomError {
  return thrown instanceof Error && thrown.name === 'VenomError' && 'code' in thrown
}

export function closedError(): VenomError {
  return new VenomError(
    'CLOSED',
    'The world is closed.\nIts systems were put back to the start and disconnected.\nOpen another one: await World.open({ systems }).',
  )
}

export function taintedError(taint: VenomError): VenomError {
  return new VenomError(
    'TAINTED',
    `The state is unknown, so nothing more runs on it: ${taint.message}\n` +
      'A run on an unknown state could pass or fail for no reason of its own.\n' +
      'await world.recover() goes back to the start and proves it; or open the world anew.',
    { cause: taint },
  )
}

export function timedOut(name: string, timeout: number): VenomError {
  return new VenomError(
    'STEP_TIMEOUT',
    `step "${name}" timed out in ${timeout} ms.\n` +
      'It waits for something that did not come, or it is slower than its time allows.\n' +
      `If it is slow, give it more: step(name, { timeout: ${timeout * 2} }, body); its \`signal\` was aborted so that it can stop.`,
  )
}

export function stillRunning(name: string, grace: number): VenomError {
  return new VenomError(
    'STEP_STILL_RUNNING',
    `step "${name}" is still running ${grace} ms after it should have ended, so nothing is rolled back under it.\n` +
      'Its late writes would land in the next path.\n' +
      'Pass its `signal` on to what it waits for, or raise grace in defineWorld().',
  )
}

export function notQuiet(name: string, moved: readonly string[]): VenomError {
  return new VenomError(
    'NOT_QUIET',
    `The checkpoint "${name}" could not be taken over all systems at once: ${moved.join(' and ')} kept changing meanwhile.\n` +
      'The application still works on what an earlier step asked for (a job, a queue, a fire-and-forget call), or by a timer.\n' +
      'Wait for its effect in the step before the checkpoint; stop the timer for the tests.',
    { retryable: true },
  )
}

export function notVerified(name: string, differing: readonly string[], tries: number): VenomError {
  return new VenomError(
    'NOT_VERIFIED',
    `After the rollback to "${name}" the state is not what it was: ${differing.join(', ')}.\n` +
      `It was tried ${tries} times: either something writes all the time, or the system cannot undo what was done.\n` +
      'If the application writes by itself (a timer, a job), stop it for the tests; else run the conformance kit on the system.',
  )
}

export function staleMark(name: string): VenomError {
  return new VenomError(
    'STALE_MARK',
    `The checkpoint "${name}" is gone: the world went back to before it, or released it.\n` +
      'A rollback forgets the checkpoints that were taken after the one it goes to.\n' +
      'Take a new checkpoint after the rollback, and go back to that one.',
  )
}

export function notAMark(given: unknown): VenomError {
  return new VenomError(
    'BAD_ARGUMENT',
    `${typeof given === 'string' ? JSON.stringify(given) : inspect(given)} is no mark.\n` +
      'A checkpoint is known by what checkpoint() returned, since two may have the same name.\n' +
      'Keep it: const mark = await world.checkpoint(name); then await world.rollback(mark).',
  )
}

export function startIsKept(): VenomError {
  return new VenomError(
    'BAD_ARGUMENT',
    'The start of the world cannot be released.\nclose() and recover() go back to it.\nRelease the marks that you took yourself.',
  )
}
