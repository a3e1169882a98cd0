import type { Rollbackable, Worker } from '../rollbackable.ts'

const LINES: Readonly<Record<string, (mark: string) => string>> = {
  open: () => 'Connected',
  checkpoint: (mark) => `Created checkpoint: ${mark}`,
  rollback: (mark) => `Rolled back to checkpoint: ${mark}`,
  release: (mark) => `Released checkpoint: ${mark}`,
  reset: () => 'Reset',
  close: () => 'Disconnected',
}

/** A system that tells what is done with it, and how long that took, as notices of its worker. */
export function logged(name: string, system: Rollbackable): Rollbackable {
  const named = new Map<unknown, string>()
  let worker: Worker | undefined
  return new Proxy(system, {
    get(target, key) {
      // On the system itself, whose private fields no proxy has.
      const value: unknown = Reflect.get(target, key, target)
      if (typeof value !== 'function' || key === 'handle') return value
      const line = LINES[String(key)]
      if (!line) return value.bind(target) as unknown
      return async (given: unknown) => {
        if (key === 'open') worker = given as Worker
        const began = performance.now()
        const answer = (await value.call(target, given)) as unknown
        const took = performance.now() - began
        if (key === 'checkpoint') named.set(answer, String(given))
        worker?.notice(
          `${name}: ${line(key === 'checkpoint' ? String(given) : (named.get(given) ?? ''))} (${took.toFixed(1)} ms)`,
        )
        if (key === 'release') named.delete(given)
        return answer
      }
    },
  })
}
