import type { Strategy } from '../strategy.ts'
import { type WeightOf, weighted } from './weighted.ts'

/** Any open state, any call in it, by weight. */
export function randomly(weightOf: WeightOf): Strategy {
  return {
    next(frontier) {
      const state = frontier.any()
      const call = state && weighted(state.open ?? [], weightOf, frontier.random)
      return state && (call ? { state, call } : { state })
    },
  }
}
