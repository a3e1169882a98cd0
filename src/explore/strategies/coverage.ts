import type { Call } from '../graph.ts'
import type { Strategy } from '../strategy.ts'
import { near } from './hybrid.ts'

/** What was done least often first, in a state that is cheap to reach. */
export function coverage(): Strategy {
  const runs = new Map<string, number>()
  const count = ({ action }: Call): number => runs.get(action) ?? 0
  return {
    next(frontier) {
      const state = near(frontier, 2)
      const [first, ...others] = state?.open ?? []
      if (!state) return undefined
      if (!first) return { state }
      return { state, call: others.reduce((least, call) => (count(call) < count(least) ? call : least), first) }
    },
    onStep({ call }) {
      runs.set(call.action, count(call) + 1)
    },
  }
}
