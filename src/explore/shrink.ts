import { type Finding, type Found, sameRule } from './findings.ts'
import type { Call, Graph } from './graph.ts'
import type { Live } from './live.ts'
import { shrinkParams } from './params.ts'
import type { Trail } from './trail.ts'

/** What shrinking stands on. */
export interface ShrinkOptions {
  readonly live: Live
  readonly trail: Trail
  readonly graph: Graph
  /** `performance.now()` when the shortest path so far has to do. */
  readonly deadline: number
}

/**
 * Makes the path to a finding as short as possible: leaves out ever smaller pieces as long as every call that is left is
 * possible where it comes and the same rule breaks. Then makes drawn parameters as small as possible.
 *
 * Delta debugging (Zeller and Hildebrandt 2002), from the end, so that candidates share their beginnings; what the graph
 * knows already is not run.
 */
export async function shrink({ finding, path }: Found, options: ShrinkOptions): Promise<readonly Call[]> {
  const { live, trail, graph, deadline } = options
  const tried = new Set<string>()
  const isOver = (): boolean => performance.now() >= deadline

  /** The candidate up to where the rule breaks; `undefined` when it does not. */
  const fires = async (candidate: readonly Call[]): Promise<readonly Call[] | undefined> => {
    const key = candidate.map((call) => call.key).join(' ')
    if (tried.has(key) || isOver()) return undefined
    tried.add(key)
    const known = knownLength(graph, finding, candidate)
    if (known !== undefined) return known > 0 ? candidate.slice(0, known) : undefined
    const { strides } = await trail.walk(candidate, ({ findings }) =>
      findings.some((other) => sameRule(other, finding)),
    )
    return strides.at(-1)?.findings.some((other) => sameRule(other, finding))
      ? strides.map(({ asked }) => asked)
      : undefined
  }

  let best = path
  let size = Math.max(1, path.length >> 1)
  for (;;) {
    let shorter = false
    for (let at = best.length - size; at >= 0; at -= Math.max(1, size >> 1)) {
      const found = await fires([...best.slice(0, at), ...best.slice(at + size)])
      if (!found) continue
      best = found
      shorter = true
      at = Math.min(at, best.length - size + Math.max(1, size >> 1))
    }
    if (isOver() || (size === 1 && !shorter)) break
    size = Math.max(1, size >> 1)
  }
  for (const at of best.keys()) {
    const call = best[at]
    if (!call?.drawn || isOver()) continue
    const smaller = await shrinkParams(live.rules.actions.get(call.action)!, call, async (candidate) => {
      const found = await fires(best.with(at, candidate))
      return found?.length === best.length
    })
    best = best.with(at, smaller)
  }
  return best
}

/** Where the graph knows that an invariant breaks on the path: its length, 0 for nowhere, `undefined` if it does not know. */
function knownLength(graph: Graph, finding: Finding, path: readonly Call[]): number | undefined {
  let state = graph.root
  for (const [i, { key, picks, drawn }] of path.entries()) {
    const transition = state.out.get(key)
    // What was chosen from a list is chosen anew where the list is shorter, and of arbitraries some values were tried
    // of many, so the graph knows nothing of them.
    const isFixed = Object.keys(picks).length === 0 && !drawn
    if (!transition) return isFixed && graph.isRuledOut(state, key) ? 0 : undefined
    state = transition.to
    if (finding.kind === 'invariant' && state.broken.includes(finding.name)) return i + 1
  }
  return finding.kind === 'invariant' ? 0 : undefined
}
