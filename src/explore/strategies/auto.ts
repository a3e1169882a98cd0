import type { Strategy } from '../strategy.ts'
import { hybrid } from './hybrid.ts'
import { walk, WALK_LENGTH } from './walk.ts'
import type { WeightOf } from './weighted.ts'

// Three whole walks: breadth leaves the world near the start, so a walk that it comes between is cut short.
const WALK_STEPS = 3 * WALK_LENGTH
const BREADTH_STEPS = WALK_LENGTH

/**
 * Three quarters walks, one quarter breadth, on one graph: walks find long sequences soon also where much of the state
 * is noise, breadth finds the short ones for certain.
 */
export function auto(weightOf: WeightOf): Strategy {
  const walks = walk({}, weightOf)
  const breadth = hybrid(3)
  let step = 0
  return {
    next(frontier) {
      const turn = step++ % (WALK_STEPS + BREADTH_STEPS)
      return (turn < WALK_STEPS ? walks : breadth).next(frontier)
    },
  }
}
