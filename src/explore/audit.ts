import type { Finding } from './findings.ts'
import type { Call, Graph, State, Transition } from './graph.ts'
import { kept } from './identity.ts'
import { type Judge, ledElsewhere, whatDiffers } from './judge.ts'
import type { Live } from './live.ts'
import { random } from './random.ts'
import type { Travel } from './travel.ts'

/** How much is audited. */
export interface AuditOptions {
  readonly steps: number
  readonly seed: number
  /** `performance.now()` when it is over. */
  readonly deadline: number
}

/** What an audit found, if anything. */
export interface Audited {
  readonly findings: readonly Finding[]
  readonly path: readonly Call[]
}

const LENGTH = 25

/**
 * Walks paths of the graph again from the start and compares every step with what the graph says. A path that comes to
 * another state proves that something decides which is not observed; done once more, it tells whether that something is
 * part of the path (`hiddenState`) or comes from outside (`nondeterminism`).
 */
export async function audit(
  live: Live,
  graph: Graph,
  travel: Travel,
  judge: Judge,
  { steps, seed, deadline }: AuditOptions,
): Promise<Audited | undefined> {
  const chance = random(seed)
  for (let left = steps; left > 0 && performance.now() < deadline;) {
    const path = randomPath(graph.root, Math.min(LENGTH, left), chance)
    if (path.length === 0) return undefined
    left -= path.length
    const odd = await follow(live, graph, travel, path)
    if (!odd) continue
    const walked = path.slice(0, odd.length)
    const findings = await blame(live, graph, travel, judge, walked, odd)
    return { findings, path: walked.map(({ call }) => call) }
  }
  return undefined
}

/**
 * Whose fault it is that a path led elsewhere: walked twice more, it comes to the same place when what decides is part of
 * the path.
 */
export async function blame(
  live: Live,
  graph: Graph,
  travel: Travel,
  judge: Judge,
  path: readonly Transition[],
  { text }: Pick<Odd, 'text'>,
): Promise<Finding[]> {
  const [first, second] = [await follow(live, graph, travel, path), await follow(live, graph, travel, path)]
  const { call } = path.at(-1)!
  if (first?.id !== second?.id) return judge.oracle('nondeterminism', ledElsewhere(call, text))
  return judge.oracle(
    'hiddenState',
    `${call.action} led elsewhere than it did from an equal state on another path: ${text} ` +
      'Something decides that is not observed, so states were taken for equal that are not.',
  )
}

interface Odd {
  readonly length: number
  readonly id: string
  readonly text: string
}

function randomPath(root: State, length: number, chance: { below(end: number): number }): Transition[] {
  const path: Transition[] = []
  for (let state = root; path.length < length;) {
    const ways = [...state.out.values()]
    const way = ways[chance.below(ways.length)]
    if (!way) break
    path.push(way)
    state = way.to
  }
  return path
}

async function follow(live: Live, graph: Graph, travel: Travel, path: readonly Transition[]): Promise<Odd | undefined> {
  await travel.home()
  let state = graph.root
  for (const [i, { call, to, outcome }] of path.entries()) {
    const done = await travel.make(call)
    if (done.outcome === 'failed') return { length: i + 1, id: 'failed', text: `it failed, ${done.error}.` }
    const seen = await live.look()
    if (seen.id !== to.content) {
      const { data } = kept(seen, live.rules.normalize)
      return { length: i + 1, id: seen.id, text: to.look ? whatDiffers(to.look.data, data) : 'another state.' }
    }
    if (done.outcome !== outcome)
      return { length: i + 1, id: done.outcome, text: `it was ${done.outcome}, not ${outcome}.` }
    state = to
  }
  travel.at = state
  return undefined
}
