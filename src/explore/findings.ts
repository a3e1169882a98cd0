import type { Call } from './graph.ts'
import type { Severity } from './model.ts'

/** Rules that need no invariant of yours. */
export type Oracle =
  | 'serverError'
  | 'rejectionMutates'
  | 'readonlyMutates'
  | 'idempotence'
  | 'nondeterminism'
  | 'hiddenState'
  | 'rollbackLeak'
  | 'deadAction'

/** What becomes of a finding of an oracle: it fails the exploration, it is told, or it is not looked for. */
export type Level = 'error' | 'warn' | 'off'

/** The level of every oracle. */
export type Levels = Readonly<Record<Oracle, Level>>

export const LEVELS: Levels = {
  serverError: 'error',
  rejectionMutates: 'warn',
  readonlyMutates: 'error',
  idempotence: 'error',
  nondeterminism: 'error',
  hiddenState: 'error',
  rollbackLeak: 'error',
  deadAction: 'warn',
}

/** A rule that does not hold after a step, or in the initial state. */
export interface Finding {
  readonly kind: 'invariant' | 'action' | 'ensure' | 'oracle'
  /** The invariant, the action, or the oracle. */
  readonly name: string
  readonly severity: Severity
  readonly message: string
  readonly level: 'error' | 'warn'
}

/** A finding and a path that leads to it. */
export interface Found {
  readonly finding: Finding
  readonly path: readonly Call[]
}

/** Whether two findings are the same rule broken by the same kind of step. */
export function sameRule(a: Finding, b: Finding): boolean {
  return a.kind === b.kind && a.name === b.name
}

/** Findings by root cause, the rule and the last action, each with its shortest path and how often it was met. */
export class Findings {
  readonly #causes = new Map<string, Found & { readonly count: number }>()

  add(finding: Finding, path: readonly Call[], count = 1): void {
    const key = `${finding.kind} ${finding.name} ${path.at(-1)?.action ?? finding.message}`
    const known = this.#causes.get(key)
    const shortest = !known || path.length < known.path.length ? { finding, path } : known
    this.#causes.set(key, { ...shortest, count: (known?.count ?? 0) + count })
  }

  /** The worst first, then the shortest. */
  get all(): readonly (Found & { readonly count: number })[] {
    return [...this.#causes.values()].toSorted(
      (a, b) => rank(a.finding) - rank(b.finding) || a.path.length - b.path.length,
    )
  }
}

/** The worst first. */
export const SEVERITIES: readonly Severity[] = ['critical', 'high', 'medium', 'low']

/** Whether `severity` is as bad as `than`, or worse. */
export function atLeast(severity: Severity, than: Severity): boolean {
  return SEVERITIES.indexOf(severity) <= SEVERITIES.indexOf(than)
}

function rank({ level, severity }: Finding): number {
  return (level === 'error' ? 0 : SEVERITIES.length) + SEVERITIES.indexOf(severity)
}
