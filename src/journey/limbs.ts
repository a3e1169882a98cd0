import { MAIN_LINE } from './line.ts'
import type { NodeReport, PathReport } from './report.ts'

/** What became of the test that ran a path. */
export interface PathOutcome {
  readonly report: PathReport
  readonly outcome: 'passed' | 'failed' | 'skipped' | 'todo' | 'not run'
  /** How often the runner tried it again. */
  readonly retries: number
}

/** A step or checkpoint of a line, as the path tells it that ran it best, and how often others had to run it again. */
export interface Shown {
  best: NodeReport
  replays: number
}

/** One line of a journey: its own steps and checkpoints, and the branches with how many of those lie before each. */
export interface Limb<P extends PathOutcome = PathOutcome> {
  readonly name: string
  readonly nodes: Shown[]
  readonly branches: { at: number; readonly limb: Limb<P> }[]
  /** The path that ends here. */
  outcome?: P
}

/** Puts the paths of one journey together again. */
export function treeOf<P extends PathOutcome>(paths: readonly P[]): Limb<P> {
  const root = newLimb<P>(paths[0]?.report.names[0] ?? '')
  for (const path of paths) {
    const { names, nodes } = path.report
    const own = names.at(-1) === MAIN_LINE ? names.slice(0, -1) : names
    let limb = root
    merge(limb, nodes, 0)
    for (const [i, name] of own.slice(1).entries()) {
      const at = nodes.filter(({ depth }) => depth === i).length
      limb = branchOf(limb, name, at)
      merge(limb, nodes, i + 1)
    }
    limb.outcome = path
  }
  return root
}

/** What a line is made of, in the order of the file: nodes in a row, or a branch. */
export function partsOf<P extends PathOutcome>({ nodes, branches }: Limb<P>): (readonly Shown[] | Limb<P>)[] {
  const parts: (readonly Shown[] | Limb<P>)[] = []
  let at = 0
  for (const branch of branches.toSorted((a, b) => a.at - b.at)) {
    if (branch.at > at) parts.push(nodes.slice(at, branch.at))
    at = branch.at
    parts.push(branch.limb)
  }
  return at < nodes.length ? [...parts, nodes.slice(at)] : parts
}

/** Whether a part of a line is a branch. */
export function isBranch<P extends PathOutcome>(part: readonly Shown[] | Limb<P>): part is Limb<P> {
  return !Array.isArray(part)
}

function branchOf<P extends PathOutcome>(limb: Limb<P>, name: string, at: number): Limb<P> {
  const known = limb.branches.find((branch) => branch.limb.name === name)
  if (known) return known.limb
  const made = newLimb<P>(name)
  limb.branches.push({ at, limb: made })
  return made
}

const WEIGHT = { failed: 4, ran: 3, replayed: 2, kept: 1, 'not run': 0 } as const

function merge(limb: Limb, nodes: readonly NodeReport[], depth: number): void {
  for (const [i, node] of nodes.filter((candidate) => candidate.depth === depth).entries()) {
    const known = (limb.nodes[i] ??= { best: node, replays: 0 })
    if (node.state === 'replayed') known.replays++
    if (WEIGHT[node.state] > WEIGHT[known.best.state]) known.best = node
  }
}

function newLimb<P extends PathOutcome>(name: string): Limb<P> {
  return { name, nodes: [], branches: [] }
}
