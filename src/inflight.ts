import { stillRunning, timedOut } from './errors.ts'
import { inTime, LATE } from './in-time.ts'
import type { Awaitable } from './rollbackable.ts'

/** The user's work that has begun and not ended: nothing may be rolled back under it. */
export class InFlight {
  readonly #running = new Set<{ readonly name: string; readonly ended: Promise<void> }>()

  /** Runs `work`. After `timeout` ms its signal is aborted and `STEP_TIMEOUT` is thrown, while the work stays in flight. */
  async run<T>(name: string, work: (signal: AbortSignal) => Awaitable<T>, timeout: number): Promise<T> {
    const abort = new AbortController()
    const done = (async () => work(abort.signal))()
    const entry = { name, ended: done.then(end, end) }
    const running = this.#running
    running.add(entry)
    function end(): void {
      running.delete(entry)
    }
    const result = await inTime(done, timeout)
    if (result !== LATE) return result
    const error = timedOut(name, timeout)
    abort.abort(error)
    throw error
  }

  /** Waits until nothing runs, `grace` ms at most. Throws `STEP_STILL_RUNNING`. */
  async settled(grace: number): Promise<void> {
    if (this.#running.size === 0) return
    // At least 1 ms, as of any timer: 0 would be no end.
    await inTime(Promise.all([...this.#running].map(({ ended }) => ended)), Math.max(1, grace))
    const [still] = this.#running
    if (still) throw stillRunning(still.name, grace)
  }
}
