import { titleOf } from './journey-file.ts'
import { literal } from './literal.ts'
import type { ExploreReport, ReportedStep, Violation } from './report.ts'

/** A report for people. */
export function reportText(report: ExploreReport): string {
  const { violations, warnings, missed } = report
  return [
    ...violations.map(violationText),
    ...warnings.map(violationText),
    ...missed,
    summaryLine(report),
    ...truncation(report),
  ].join('\n\n')
}

/** A violation for people: the path with what each step changed, and how to see it again. */
export function violationText(violation: Violation): string {
  const { severity, message, path, minimal, count, replay, file, reproduced } = violation
  const width = Math.max(0, ...path.map((step) => label(step).length))
  const kinds = {
    proved: 'no shorter path breaks it',
    shrunk: 'no step can be left out',
    raw: 'as it was found',
  }
  return [
    `✗ ${titleOf(violation)}   [${severity}]   ${path.length} step${path.length === 1 ? '' : 's'}, ${kinds[minimal]}${count > 1 ? `, ×${count}` : ''}`,
    `  ${message}`,
    '',
    ...(path.length === 0 ? ['   in the initial state'] : path.flatMap((step, i) => stepLines(step, i + 1, width))),
    ...(reproduced
      ? []
      : ['', '  It did not break when the path was walked from the start: something decides that is not observed.']),
    '',
    ...(file === undefined ? [] : [`  as a test:  ${file}`]),
    `  again:      VENOMQA_REPLAY=${replay}`,
  ].join('\n')
}

/** One line: `exhausted: 546 states, 2211 transitions, depth 8`. */
export function summaryLine({ verdict, coverage, cost, seed, sampled, maxDepth }: ExploreReport): string {
  const { states, transitions, open, depth, cutAtDepth } = coverage
  const rate = cost.ms > 0 ? Math.round((cost.steps / cost.ms) * 1000) : 0
  const seen = `${count(states, 'state')}, ${count(transitions, 'transition')}, depth ${depth}`
  const left = open > 0 ? `, ${open} not tried` : ''
  const within = verdict === 'exhausted' && cutAtDepth ? ` within ${count(maxDepth, 'step')}` : ''
  const drawn = verdict === 'exhausted' && sampled ? ' for the values that were drawn' : ''
  return `${verdict}${within}${drawn}: ${seen}${left} (${(cost.ms / 1000).toFixed(1)} s, ${rate}/s, seed ${seed})`
}

/** What a reader must not overlook: that not everything was tried, and what never happened. */
function truncation({ verdict, ended, coverage, explosion }: ExploreReport): string[] {
  const lines: string[] = []
  if (verdict === 'budget' && ended !== 'replay') {
    const why = { time: 'the time was over', steps: 'the steps were spent', states: 'there were enough states' }
    const reason = why[ended as keyof typeof why] ?? 'the strategy had enough'
    const lost = coverage.lost > 0 ? `, ${count(coverage.lost, 'state')} could not be reached again` : ''
    lines.push(
      `NOT EVERYTHING WAS TRIED: ${reason}${lost}. ${coverage.open} possible steps are open, so nothing is proved about them.`,
    )
  }
  if (explosion) lines.push(explosion.text)
  if (coverage.neverEnabled.length > 0) lines.push(`never possible: ${coverage.neverEnabled.join(', ')}`)
  if (coverage.neverAccepted.length > 0) lines.push(`never accepted: ${coverage.neverAccepted.join(', ')}`)
  return lines
}

function stepLines(step: ReportedStep, number: number, width: number): string[] {
  const { status, changed } = step
  const [first = 'changes nothing', ...others] = changed ?? ['']
  const start = `  ${String(number).padStart(2)}. ${label(step).padEnd(width)}  ${String(status ?? '').padEnd(3)}  `
  const shown = others.slice(0, SHOWN_CHANGES).map((line) => ' '.repeat(start.length) + line)
  const hidden = others.length - shown.length
  return [
    (start + first).trimEnd(),
    ...shown,
    ...(hidden > 0 ? [`${' '.repeat(start.length)}… and ${hidden} more`] : []),
  ]
}

const SHOWN_CHANGES = 3

function label({ action, params }: ReportedStep): string {
  return Object.keys(params).length === 0 ? action : `${action} ${literal(params)}`
}

function count(number: number, noun: string): string {
  return `${number} ${noun}${number === 1 ? '' : 's'}`
}
