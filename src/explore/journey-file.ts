import { hash } from 'node:crypto'
import type { Call } from './graph.ts'
import type { Finding } from './findings.ts'
import { literal, member, quoted } from './literal.ts'

/** Where a journey file finds what it needs: module specifiers as they are written in it. */
export interface JourneyImports {
  /** Exports `journey`, `step`, `checkpoint` and `branch`. Default `'./world'`. */
  readonly world?: string
  /** Exports `actions`, and `invariants` where a rule of yours breaks. Default `'./model'`. */
  readonly model?: string
}

/** The findings that a single path shows: those of the others are about how often it is walked. */
export function isJourney({ kind, name }: Finding): boolean {
  return kind !== 'oracle' || ['serverError', 'rejectionMutates', 'readonlyMutates', 'idempotence'].includes(name)
}

/** The test file that walks `path` as a journey and fails as the exploration did. */
export function journeyFile(finding: Finding, path: readonly Call[], imports: JourneyImports = {}): string {
  const isInvariant = finding.kind === 'invariant'
  const steps = path.map((call, i) => stepLine(call, i + 1, i === path.length - 1 ? promiseOf(finding) : ''))
  const rule = `step(${quoted(finding.name)}, (world) => holds(invariants${member(finding.name)}, world))`
  const end = [...steps.slice(-1), ...(isInvariant ? [rule] : [])].map((line, i, all) =>
    i === all.length - 1 ? `${line} // ← breaks here` : line,
  )
  const forks = path.length > 1
  const body = forks
    ? [
        ...steps.slice(0, -1),
        `checkpoint('just before')`,
        '',
        `branch(${quoted(path.at(-1)!.action)}, () => {`,
        ...end.map((line) => `  ${line}`),
        '})',
      ]
    : end
  return [
    importLine([steps.length > 0 && 'act', isInvariant && 'holds'], 'venomqa/explore'),
    importLine([steps.length > 0 && 'actions', isInvariant && 'invariants'], imports.model ?? './model'),
    importLine([forks && 'branch', forks && 'checkpoint', 'journey', 'step'], imports.world ?? './world'),
    '',
    `journey(${quoted(titleOf(finding))}, () => {`,
    ...body.map((line) => (line === '' ? '' : `  ${line}`)),
    '})',
    '',
  ].join('\n')
}

/** The file's name: the rule in letters that every file system takes. */
export function fileNameOf(finding: Finding, path: readonly Call[]): string {
  const title = `${titleOf(finding)} ${path.at(-1)?.action ?? ''}`
  const words = title.toLowerCase().normalize('NFKD').replaceAll('≤', 'le').replaceAll('≥', 'ge')
  const name = words
    .replaceAll(/[^a-z0-9]+/g, '-')
    .replaceAll(/^-+|-+$/g, '')
    .slice(0, 80)
  // Letters that were left out may have been all that told it from another.
  const isWhole = words.length <= 80 && !/[\p{L}\p{N}]/u.test(words.replaceAll(/[a-z0-9]/g, ''))
  return isWhole && name !== '' ? name : `${name}-${hash('sha256', title).slice(0, 8)}`.replace(/^-/, '')
}

/** What is broken, in a few words. */
export function titleOf({ kind, name }: Finding): string {
  if (kind === 'invariant') return name
  if (kind === 'oracle') return `oracle ${name}`
  return kind === 'ensure' ? `${name} does not ensure what it should` : `${name} fails`
}

function importLine(names: readonly (string | false)[], from: string): string {
  return `import { ${names.filter(Boolean).join(', ')} } from ${quoted(from)}`
}

function stepLine({ action, params }: Call, number: number, promise: string): string {
  const hasParams = Object.keys(params).length > 0
  const given = hasParams || promise !== '' ? `, ${literal(params)}` : ''
  return `step(${quoted(`${number}. ${action}`)}, (world) => act(actions${member(action)}, world${given}${promise}))`
}

function promiseOf({ kind, name }: Finding): string {
  if (kind !== 'oracle') return ''
  return name === 'serverError' ? `, 'is answered'` : `, 'changes nothing'`
}
