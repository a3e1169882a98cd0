import { durationText } from './duration.ts'
import { MAIN_LINE } from './line.ts'
import { labelOf, type NodeReport, type PathReport } from './report.ts'

/** What became of the test that ran a path. */
export interface PathOutcome {
  readonly report: PathReport
  readonly outcome: 'passed' | 'failed' | 'skipped' | 'todo' | 'not run'
  /** How often the runner tried it again. */
  readonly retries: number
}

/** Gives a text a look, or leaves it as it is. */
export type Paint = (look: 'green' | 'red' | 'yellow' | 'cyan' | 'dim' | 'bold', text: string) => string

/** One line of a journey: its own steps and checkpoints, and the branches with how many of those lie before each. */
interface Line {
  readonly name: string
  readonly nodes: { best: NodeReport; replays: number }[]
  readonly branches: { at: number; readonly line: Line }[]
  outcome?: PathOutcome
}

const SIGNS = { passed: '✓', failed: '✗', skipped: '○', todo: '…', 'not run': '·' } as const
const LOOKS = { passed: 'green', failed: 'red', skipped: 'yellow', todo: 'cyan', 'not run': 'dim' } as const

/** A journey as a tree of text lines: each branch under the checkpoint it starts from, with what became of it. */
export function outline(paths: readonly PathOutcome[], file: string, paint: Paint = (_, text) => text): string[] {
  const root = lineOf(paths)
  const failed = paths.filter(({ outcome }) => outcome === 'failed').length
  const count = `${paths.length} ${paths.length === 1 ? 'path' : 'paths'}${failed > 0 ? `, ${failed} failed` : ''}`
  return [` ${headOf(root, paint)} ${paint('dim', `${file} (${count})`)}`, ...body(root, '   ', paint)]
}

function body(line: Line, indent: string, paint: Paint): string[] {
  const lines: string[] = []
  let at = 0
  const forks = [...new Set(line.branches.map((branch) => branch.at))].sort((a, b) => a - b)
  for (const fork of forks) {
    if (fork > at) lines.push(indent + sequence(line.nodes.slice(at, fork), paint))
    at = Math.max(at, Math.min(fork, line.nodes.length))
    const here = line.branches.filter((branch) => branch.at === fork)
    for (const [i, branch] of here.entries()) {
      const last = i === here.length - 1 && at >= line.nodes.length && fork === forks.at(-1)
      lines.push(...limb(branch.line, indent, last, paint))
    }
  }
  if (at < line.nodes.length) {
    const signed = line.outcome && line.branches.length > 0 ? `${sign(line.outcome, paint)} ` : ''
    lines.push(indent + signed + sequence(line.nodes.slice(at), paint))
  }
  lines.push(...remarks(line, indent, paint))
  return lines
}

function limb(line: Line, indent: string, last: boolean, paint: Paint): string[] {
  const below = indent + paint('dim', last ? '   ' : '│  ')
  return [`${indent}${paint('dim', last ? '└─' : '├─')} ${headOf(line, paint)}`, ...body(line, below, paint)]
}

/** Where branches come first, the sign of the main line stands at its end. */
function headOf(line: Line, paint: Paint): string {
  const signed = line.outcome && line.branches.length === 0 ? `${sign(line.outcome, paint)} ` : ''
  return signed + paint('bold', line.name)
}

/** Why it did not run, how often it was tried, and what it changed. */
function remarks({ outcome }: Line, indent: string, paint: Paint): string[] {
  if (!outcome) return []
  const { report, retries } = outcome
  const lines: string[] = []
  if (report.skipped) lines.push(`${indent}${paint('yellow', `skipped: ${report.skipped}`)}`)
  if (retries > 0) lines.push(`${indent}${paint('yellow', `tried ${retries + 1} times`)}`)
  for (const change of report.changed?.lines ?? []) lines.push(`${indent}${paint('dim', `Δ ${change}`)}`)
  return lines
}

function sequence(nodes: Line['nodes'], paint: Paint): string {
  return nodes.map((node) => nodeText(node, paint)).join(paint('dim', ' → '))
}

function nodeText({ best, replays }: Line['nodes'][number], paint: Paint): string {
  const label = labelOf(best)
  if (best.kind === 'checkpoint') return best.state === 'failed' ? paint('red', `✗ ${label}`) : paint('cyan', label)
  if (best.state === 'not run') return paint('dim', label)
  const took = best.ms === undefined ? '' : ` ${paint('dim', durationText(best.ms))}`
  const again = replays > 0 ? ` ${paint('yellow', `(replayed ${replays}×)`)}` : ''
  return `${best.state === 'failed' ? paint('red', `✗ ${label}`) : label}${took}${again}`
}

function sign({ outcome }: PathOutcome, paint: Paint): string {
  return paint(LOOKS[outcome], SIGNS[outcome])
}

/** Puts the paths of one journey together again. */
function lineOf(paths: readonly PathOutcome[]): Line {
  const root = newLine(paths[0]?.report.names[0] ?? '')
  for (const path of paths) {
    const { names, nodes } = path.report
    const own = names.at(-1) === MAIN_LINE && names.length > 1 ? names.slice(0, -1) : names
    let line = root
    merge(line, nodes, 0)
    for (const [i, name] of own.slice(1).entries()) {
      const at = nodes.length === 0 ? line.nodes.length : nodes.filter(({ depth }) => depth === i).length
      line = branchOf(line, name, at)
      merge(line, nodes, i + 1)
    }
    line.outcome = path
  }
  return root
}

function branchOf(line: Line, name: string, at: number): Line {
  const known = line.branches.find((branch) => branch.line.name === name)
  if (known) return known.line
  const made = newLine(name)
  line.branches.push({ at, line: made })
  return made
}

const WEIGHT = { failed: 4, ran: 3, replayed: 2, kept: 1, 'not run': 0 } as const

function merge(line: Line, nodes: readonly NodeReport[], depth: number): void {
  for (const [i, node] of nodes.filter((candidate) => candidate.depth === depth).entries()) {
    const known = (line.nodes[i] ??= { best: node, replays: 0 })
    if (node.state === 'replayed') known.replays++
    if (WEIGHT[node.state] > WEIGHT[known.best.state]) known.best = node
  }
}

function newLine(name: string): Line {
  return { name, nodes: [], branches: [] }
}
