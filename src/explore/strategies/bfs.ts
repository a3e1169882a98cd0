import type { Strategy } from '../strategy.ts'

/** The nearest open state first: the first path that breaks a rule is a shortest one. */
export function bfs(): Strategy {
  return {
    next(frontier) {
      for (const state of frontier.nearest()) return { state }
      return undefined
    },
  }
}
