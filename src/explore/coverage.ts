import type { Search, Tally } from './search.ts'

/** How much of the reachable behaviour was seen. Never more than was. */
export interface Coverage {
  readonly states: number
  readonly transitions: number
  /** Calls that were possible in a state that was reached, and were not made. */
  readonly open: number
  /** The depth of the farthest state. */
  readonly depth: number
  readonly actions: Readonly<Record<string, Tally>>
  /** Actions that were possible in no state. */
  readonly neverEnabled: readonly string[]
  /** Actions that were made and always refused or failed. */
  readonly neverAccepted: readonly string[]
  /** Actions that were made one just after the other, of all pairs. */
  readonly pairs: { readonly covered: number; readonly total: number }
  /** States that could not be reached again. */
  readonly lost: number
  /** Whether a depth limit left states without a look at what is possible there. */
  readonly cutAtDepth: boolean
}

/** Counts what a search has seen. */
export function coverageOf({ graph, tallies, lost }: Search): Coverage {
  const names = [...tallies]
  const total = names.length ** 2
  const pairs = new Set<string>()
  const seen = new Set<string>()
  let open = 0
  let depth = 0
  let cutAtDepth = false
  for (const state of graph.states) {
    depth = Math.max(depth, state.depth)
    if (!state.closed) {
      open += state.open?.length ?? 0
      cutAtDepth ||= state.open === undefined
    }
    for (const { action } of state.open ?? []) seen.add(action)
    if (pairs.size === total) continue
    const next = new Set([...state.out.values()].map(({ call }) => call.action))
    const before = new Set(state.in.map(({ call }) => call.action))
    for (const first of before) for (const second of next) pairs.add(`${first} ${second}`)
  }
  return {
    states: graph.states.length,
    transitions: graph.transitions,
    open,
    depth,
    actions: Object.fromEntries(names),
    neverEnabled: names.filter(([name, { runs }]) => runs === 0 && !seen.has(name)).map(([name]) => name),
    neverAccepted: names.filter(([, { runs, accepted }]) => runs > 0 && accepted === 0).map(([name]) => name),
    pairs: { covered: pairs.size, total },
    lost: lost.length,
    cutAtDepth,
  }
}

/** The goals that were not reached, a sentence each. */
export function missedGoals(
  { actions, transitions, open }: Coverage,
  goal: { readonly actions?: number; readonly transitions?: number },
): string[] {
  const tallies = Object.values(actions)
  const accepted = tallies.filter((tally) => tally.accepted > 0).length / tallies.length
  const tried = transitions / Math.max(1, transitions + open)
  const percent = (share: number): string => `${Math.floor(share * 100)} %`
  const sentence = (what: string, share: number, wanted = 0): string[] =>
    share >= wanted ? [] : [`coverage: ${percent(share)} of the ${what}, and the goal is ${percent(wanted)}`]
  return [
    ...sentence('actions were accepted', accepted, goal.actions),
    ...sentence('possible steps were tried', tried, goal.transitions),
  ]
}
