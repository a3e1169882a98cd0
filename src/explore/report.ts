import type { Coverage } from './coverage.ts'
import type { Explosion } from './explosion.ts'
import type { Finding } from './findings.ts'
import type { Graph } from './graph.ts'
import type { Severity, Values } from './model.ts'

/** One step of a path that breaks a rule. */
export interface ReportedStep {
  readonly action: string
  readonly params: Values
  /** What a response said. */
  readonly status: number | undefined
  /** What it changed, a line a table or key; unknown of a path that was not walked once more. */
  readonly changed: readonly string[] | undefined
}

/** A rule that does not hold, with the shortest path to where it breaks: one for each root cause. */
export interface Violation {
  readonly kind: Finding['kind']
  /** The invariant, the action, or the oracle. */
  readonly name: string
  readonly severity: Severity
  /** Whether it fails the exploration. */
  readonly level: Finding['level']
  readonly message: string
  readonly path: readonly ReportedStep[]
  /**
   * `proved`: no shorter path breaks it. `shrunk`: no step of it can be left out, as far as time allowed.
   * `raw`: as it was found.
   */
  readonly minimal: 'proved' | 'shrunk' | 'raw'
  /** Whether the path broke the rule once more when it was walked from the start. */
  readonly reproduced: boolean
  /** In how many other ways the same action broke the same rule. */
  readonly count: number
  /** For `VENOMQA_REPLAY`: walks this path and nothing else. */
  readonly replay: string
  /** A test file that fails in the same way; absent for what a single path cannot show. */
  readonly journey: string | undefined
  /** Where that file was written, if `journey.folder` said so. */
  readonly file: string | undefined
}

/** What an exploration came to. */
export interface ExploreReport {
  readonly name: string
  /**
   * `exhausted`: everything was tried that the options allow. `budget`: it ended before that. `violated`: a rule does
   * not hold, whether or not everything was tried.
   */
  readonly verdict: 'exhausted' | 'budget' | 'violated'
  /** Why it did not end by itself. */
  readonly ended: 'time' | 'steps' | 'states' | 'strategy' | 'stopped' | 'replay' | undefined
  /** What made states become ever more, where it ended for that. */
  readonly explosion?: Explosion
  readonly violations: readonly Violation[]
  /** What oracles found at the level `warn`. */
  readonly warnings: readonly Violation[]
  readonly coverage: Coverage
  /** Goals of the options that were not reached, a sentence each. */
  readonly missed: readonly string[]
  readonly graph: Graph
  readonly cost: {
    readonly ms: number
    /** Calls that were new. */
    readonly steps: number
    /** All calls: those to get somewhere, to shrink and to audit as well. */
    readonly actions: number
    readonly observations: number
    readonly checkpoints: number
    readonly rollbacks: number
  }
  readonly seed: number
  /** Whether `exhausted` is only meant for the values that were drawn of arbitraries. */
  readonly sampled: boolean
  readonly maxDepth: number
}
