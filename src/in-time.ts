// Taken at load, so that a runner's fake timers never stop what is waited for.
const { setTimeout, clearTimeout } = globalThis

/** The longest time of a timer in ms; a longer one would end at once. */
const LONGEST = 2 ** 31 - 1

/** What `inTime` answers when it took too long. */
export const LATE = Symbol('late')

/** The result of `work`, or LATE after `ms`, while the work goes on; never LATE for 0 and Infinity. */
export async function inTime<T>(work: Promise<T>, ms: number): Promise<T | typeof LATE> {
  if (ms === 0 || ms === Infinity) return work
  let timer: ReturnType<typeof setTimeout> | undefined
  const late = new Promise<typeof LATE>((resolve) => (timer = setTimeout(resolve, Math.min(ms, LONGEST), LATE)))
  return Promise.race([work, late]).finally(() => clearTimeout(timer))
}
