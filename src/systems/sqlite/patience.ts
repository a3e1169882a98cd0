import { VenomError } from '../../errors.ts'

// Taken at load, so that a runner's fake timers never stop the wait.
const { setTimeout } = globalThis

/** What kept an attempt from succeeding: a write transaction, or read transactions in these slots. */
export type Obstacle = (
  | { readonly kind: 'writer' }
  | { readonly kind: 'readers'; readonly slots: readonly number[] }
) & {
  /** What SQLite said, where it said it and not the lock itself. */
  readonly cause?: unknown
}

/**
 * Attempts something until it is not in anybody's way, `settle` ms at most. Resolves at once when the first attempt
 * succeeds; otherwise this process goes on between the attempts, so that its own transactions can end.
 */
export async function patiently<T>(
  settle: number,
  attempt: () => T | Obstacle,
  giveUp: (obstacle: Obstacle) => VenomError,
): Promise<T> {
  const deadline = performance.now() + settle
  for (let wait = 1; ; wait = Math.min(2 * wait, 20)) {
    const result = attempt()
    if (!isObstacle(result)) return result
    if (performance.now() >= deadline) throw giveUp(result)
    await new Promise((resolve) => setTimeout(resolve, wait))
  }
}

/** Whether an attempt met one. */
export function isObstacle(result: unknown): result is Obstacle {
  const { kind } = Object(result) as { readonly kind?: unknown }
  return kind === 'writer' || kind === 'readers'
}
