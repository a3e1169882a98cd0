import type { Strategy } from '../strategy.ts'
import { hybrid } from './hybrid.ts'
import { walk } from './walk.ts'
import type { WeightOf } from './weighted.ts'

const WALK_STEPS = 60
const BREADTH_STEPS = 20

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
