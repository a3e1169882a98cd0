import type { Call } from '../graph.ts'
import type { FrontierView, Next, OpenState, Strategy } from '../strategy.ts'
import { type WeightOf, weighted } from './weighted.ts'

/** Steps before a walk starts anew, by default. */
export const WALK_LENGTH = 40

/** How a walk goes. */
export interface WalkOptions {
  /** Steps before it starts anew. Default 40. */
  readonly length?: number
  /** Every second walk does without some actions, so that the others get longer runs. Default true. */
  readonly swarm?: boolean
}

/**
 * Walks that never try the same call in the same state twice: where nothing is left to try, the walk goes back to the
 * last state where something is. Half of them start at the initial state, half anywhere.
 *
 * Swarm: Groce et al., Swarm Testing, ISSTA 2012.
 */
export function walk({ length = WALK_LENGTH, swarm = true }: WalkOptions, weightOf: WeightOf): Strategy {
  let left = 0
  let walks = 0
  let muted: ReadonlyMap<string, boolean> = new Map()
  let start: OpenState | undefined

  const isMuted = (action: string, frontier: FrontierView): boolean => {
    if (!swarm || walks % 2 === 0) return false
    let is = muted.get(action)
    if (is === undefined) {
      is = frontier.random.next() < 1 / 3
      muted = new Map([...muted, [action, is]])
    }
    return is
  }
  const from = (state: OpenState, frontier: FrontierView): Next => {
    const calls: readonly Call[] = state.open ?? []
    const wanted = calls.filter(({ action }) => !isMuted(action, frontier))
    const call = weighted(wanted.length > 0 ? wanted : calls, weightOf, frontier.random)
    return call ? { state, call } : { state }
  }
  return {
    next(frontier) {
      if (left-- > 0) {
        const state = frontier.ancestor()
        if (state) return from(state, frontier)
      }
      left = length
      walks += 1
      muted = new Map()
      const any = frontier.any()
      if (!any) return undefined
      start ??= any
      const first = start.open?.length && frontier.random.next() < 0.5 ? start : any
      return from(first, frontier)
    },
  }
}
