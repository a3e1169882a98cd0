import { durationText } from './duration.ts'
import { type Limb, treeOf, isBranch, partsOf, type PathOutcome, type Shown } from './limbs.ts'
import { labelOf } from './report.ts'

/** Gives a text a look, or leaves it as it is. */
export type Paint = (look: 'green' | 'red' | 'yellow' | 'cyan' | 'dim' | 'bold', text: string) => string

/** A sign for each outcome. */
export const SIGNS = { passed: '✓', failed: '✗', skipped: '○', todo: '…', 'not run': '·' } as const
const LOOKS = { passed: 'green', failed: 'red', skipped: 'yellow', todo: 'cyan', 'not run': 'dim' } as const

/** A journey as a tree of text lines: each branch under the checkpoint it starts from, with what became of it. */
export function outline(paths: readonly PathOutcome[], file: string, paint: Paint = (_, text) => text): string[] {
  const root = treeOf(paths)
  const failed = paths.filter(({ outcome }) => outcome === 'failed').length
  const count = `${paths.length} ${paths.length === 1 ? 'path' : 'paths'}${failed > 0 ? `, ${failed} failed` : ''}`
  return [` ${headOf(root, paint)} ${paint('dim', `${file} (${count})`)}`, ...body(root, '   ', paint)]
}

function body(own: Limb, indent: string, paint: Paint): string[] {
  const lines: string[] = []
  const parts = partsOf(own)
  for (const [i, part] of parts.entries()) {
    const isLast = i === parts.length - 1
    if (isBranch(part)) {
      lines.push(...limb(part, indent, isLast, paint))
      continue
    }
    const signed = isLast && own.outcome && own.branches.length > 0 ? `${sign(own.outcome, paint)} ` : ''
    lines.push(indent + signed + sequence(part, paint))
  }
  lines.push(...remarks(own, indent, paint))
  return lines
}

function limb(own: Limb, indent: string, last: boolean, paint: Paint): string[] {
  const below = indent + paint('dim', last ? '   ' : '│  ')
  return [`${indent}${paint('dim', last ? '└─' : '├─')} ${headOf(own, paint)}`, ...body(own, below, paint)]
}

/** Where branches come first, the sign of the main line stands at its end. */
function headOf({ name, outcome, branches }: Limb, paint: Paint): string {
  const signed = outcome && branches.length === 0 ? `${sign(outcome, paint)} ` : ''
  return signed + paint('bold', name)
}

/** Why it did not run, how often it was tried, and what it changed. */
function remarks({ outcome }: Limb, indent: string, paint: Paint): string[] {
  if (!outcome) return []
  const { report, retries } = outcome
  const lines: string[] = []
  if (report.skipped) lines.push(`${indent}${paint('yellow', `skipped: ${report.skipped}`)}`)
  if (retries > 0) lines.push(`${indent}${paint('yellow', `tried ${retries + 1} times`)}`)
  for (const change of report.changed?.lines ?? []) lines.push(`${indent}${paint('dim', `Δ ${change}`)}`)
  return lines
}

function sequence(nodes: readonly Shown[], paint: Paint): string {
  return nodes.map((node) => nodeText(node, paint)).join(paint('dim', ' → '))
}

function nodeText({ best, replays }: Shown, paint: Paint): string {
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
