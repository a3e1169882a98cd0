import { stillRunning, timedOut } from './errors.ts'
import type { Awaitable } from './rollbackable.ts'

// Taken at load, so that a runner's fake timers never stop the world.
const { setTimeout, clearTimeout } = globalThis

/** The longest time of a timer in ms; a longer one would end at once. */
const LONGEST = 2 ** 31 - 1

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
    if (timeout === Infinity || timeout === 0) return done
    let timer: ReturnType<typeof setTimeout> | undefined
    const late = new Promise<never>((_, reject) => {
      timer = setTimeout(
        () => {
          const error = timedOut(name, timeout)
          abort.abort(error)
          reject(error)
        },
        Math.min(timeout, LONGEST),
      )
    })
    return Promise.race([done, late]).finally(() => clearTimeout(timer))
  }

  /** Waits until nothing runs, `grace` ms at most. Throws `STEP_STILL_RUNNING`. */
  async settled(grace: number): Promise<void> {
    if (this.#running.size === 0) return
    let timer: ReturnType<typeof setTimeout> | undefined
    const patience = new Promise<void>((resolve) => (timer = setTimeout(resolve, Math.min(grace, LONGEST))))
    await Promise.race([Promise.all([...this.#running].map(({ ended }) => ended)), patience])
    clearTimeout(timer)
    const [still] = this.#running
    if (still) throw stillRunning(still.name, grace)
  }
}
