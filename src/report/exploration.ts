import { toDot } from '../explore/draw/dot.ts'
import { toMermaid } from '../explore/draw/mermaid.ts'
import { reportText } from '../explore/report-text.ts'
import type { ExploreReport } from '../explore/report.ts'

/** What a report shows of an exploration, as plain JSON: what a worker tells its reporter. */
export interface ExplorationStory {
  readonly verdict: ExploreReport['verdict']
  /** The report for people. */
  readonly text: string
  /** How many states were reached. */
  readonly states: number
  /** The graph of the nearest states, for Graphviz. */
  readonly dot: string
  /** The same with fewer states, for Mermaid. */
  readonly mermaid: string
}

/** How many states are drawn at most: more cannot be read. */
const DRAWN = { dot: 60, mermaid: 30 }

/** Tells an exploration. */
export function storyOf(report: ExploreReport): ExplorationStory {
  return {
    verdict: report.verdict,
    text: reportText(report),
    states: report.coverage.states,
    dot: toDot(report.graph, { max: DRAWN.dot }),
    mermaid: toMermaid(report.graph, { max: DRAWN.mermaid }),
  }
}
