import type { OpenState, StepInfo, Strategy } from '../strategy.ts'

/** How Monte Carlo tree search decides. */
export interface MctsOptions {
  /** The constant of UCB1: more goes to what was visited less. Default √2. */
  readonly exploration?: number
  /** What a step is worth. Default: 1 for a new state, 10 for a rule that breaks, else 0. */
  readonly reward?: (step: StepInfo) => number
}

interface Visits {
  readonly parent: OpenState | undefined
  readonly children: OpenState[]
  count: number
  worth: number
}

/**
 * Monte Carlo tree search by UCB1 (Kocsis and Szepesvári 2006): goes down the tree of discoveries, each time to the
 * child whose steps were worth most or that was visited least, and tries something where that leads to an open state.
 */
export function mcts({ exploration = Math.SQRT2, reward = worthOf }: MctsOptions): Strategy {
  const visits = new Map<OpenState, Visits>()
  let root: OpenState | undefined

  const visitsOf = (state: OpenState, parent?: OpenState): Visits => {
    const known = visits.get(state)
    if (known) return known
    const made: Visits = { parent, children: [], count: 0, worth: 0 }
    visits.set(state, made)
    if (parent) visitsOf(parent).children.push(state)
    return made
  }
  const score = (child: OpenState, all: number): number => {
    const { count, worth } = visitsOf(child)
    return count === 0 ? Infinity : worth / count + exploration * Math.sqrt(Math.log(all + 1) / count)
  }
  /** The best open state at `state` or below it. A child below which nothing is open is forgotten. */
  const descend = (state: OpenState): OpenState | undefined => {
    const { children, count } = visitsOf(state)
    while (children.length > 0) {
      const own = isOpen(state) ? exploration * Math.sqrt(Math.log(count + 1) + 1) : -Infinity
      const best = children.reduce((a, b) => (score(b, count) > score(a, count) ? b : a))
      if (own >= score(best, count)) return state
      const found = descend(best)
      if (found) return found
      children.splice(children.indexOf(best), 1)
    }
    return isOpen(state) ? state : undefined
  }
  return {
    next(frontier) {
      root ??= frontier.any()
      const state = (root && descend(root)) ?? frontier.any()
      const calls = state?.open ?? []
      const call = calls[frontier.random.below(calls.length)]
      return state && (call ? { state, call } : { state })
    },
    onStep(step) {
      const worth = reward(step)
      if (step.to && step.isNew) visitsOf(step.to, step.from)
      for (let at: OpenState | undefined = step.from; at; at = visitsOf(at).parent) {
        visitsOf(at).count += 1
        visitsOf(at).worth += worth
      }
    },
  }
}

function isOpen(state: OpenState): boolean {
  return (state.open?.length ?? 0) > 0
}

function worthOf({ isNew, violated }: StepInfo): number {
  return violated.length > 0 ? 10 : Number(isNew)
}
