import type { FrontierView, OpenState, Strategy } from '../strategy.ts'

/**
 * Between breadth and depth: on from where the world stands, or from the open state that it came by last, unless that
 * is more than `slack` steps deeper than the nearest open state. 0 is breadth, `Infinity` is depth.
 */
export function hybrid(slack: number): Strategy {
  return {
    next(frontier) {
      const state = near(frontier, slack)
      return state && { state }
    },
  }
}

/** A state that is cheap to reach and at most `slack` steps deeper than the nearest. */
export function near(frontier: FrontierView, slack: number): OpenState | undefined {
  for (const first of frontier.nearest()) {
    const last = frontier.last()
    return last && last.depth <= first.depth + slack ? last : first
  }
  return undefined
}
