import type { Strategy } from '../strategy.ts'

/** On from where the world stands, else back to the last open state: few rollbacks, long paths. */
export function dfs(): Strategy {
  return {
    next(frontier) {
      const state = frontier.last() ?? frontier.farthest()
      return state && { state }
    },
  }
}
