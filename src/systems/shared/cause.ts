import { type BackendError, backendError, type Doing, isBackendError, type Trouble } from './backend-error.ts'
import { classify } from './classify.ts'

/** There is no connection, or there is none any more. */
export const LOST: Trouble = { family: 'connection', code: 'CONNECTION_REFUSED', retryable: true }
/** There is no such database. */
export const NO_DATABASE: Trouble = { family: 'connection', code: 'NOT_FOUND' }
/** Somebody else holds what is needed. */
export const LOCKED: Trouble = { family: 'lock', code: 'LOCKED', retryable: true }

/**
 * What a driver threw as the cause of what a system throws: classified, in words that are the same for every database.
 * `otherwise` is what it is where the driver gave no code; without it such an error stays as it is.
 */
export function causeOf(thrown: unknown, doing: Doing, otherwise?: Trouble): unknown {
  if (isBackendError(thrown)) return thrown
  const trouble = classify(thrown) ?? otherwise
  return trouble ? backendError(trouble, thrown, doing) : thrown
}

/** What a driver threw as one of ours, where the same may succeed later: a lock, a time-out, a lost connection. Anything else as it is. */
export function toldIfRetryable(thrown: unknown, doing: Doing): unknown {
  return classify(thrown)?.retryable ? causeOf(thrown, doing) : thrown
}

/**
 * What the database said: the BackendError that `thrown` is, or that is its cause, or the cause of one of several;
 * undefined where no database said anything.
 */
export function backendErrorOf(thrown: unknown): BackendError | undefined {
  if (isBackendError(thrown)) return thrown
  const { cause, errors } = Object(thrown) as { readonly cause?: unknown; readonly errors?: unknown }
  for (const inner of [cause, ...(Array.isArray(errors) ? (errors as unknown[]) : [])]) {
    const found = inner === undefined || inner === thrown ? undefined : backendErrorOf(inner)
    if (found) return found
  }
  return undefined
}
