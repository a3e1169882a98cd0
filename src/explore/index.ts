export { act, holds } from './act.ts'
export type { Budget } from './budget.ts'
export type { Coverage } from './coverage.ts'
export { toDot } from './draw/dot.ts'
export { toHtml } from './draw/html.ts'
export { toJson } from './draw/json.ts'
export { toMermaid } from './draw/mermaid.ts'
export type { DrawOptions } from './draw/picture.ts'
export { writeReport } from './draw/write.ts'
export { explore } from './explore.ts'
export type { Level, Oracle } from './findings.ts'
export type { Call, Graph, Outcome, State, Transition } from './graph.ts'
export { ids } from './ids.ts'
export type { JourneyImports } from './journey-file.ts'
export {
  type Action,
  type Check,
  type Choice,
  type Drawn,
  type Ensured,
  from,
  type Invariant,
  type Model,
  type ModelWords,
  modelWords,
  type Moment,
  type Params,
  type Severity,
  type Traits,
  type Values,
  type View,
} from './model.ts'
export { drop, type Normalizer, round, sort, time, type TimeOptions } from './normalize.ts'
export type { ExploreOptions, Progress } from './options.ts'
export type { Culprit, Explosion } from './explosion.ts'
export type { ExploreReport, ReportedStep, Violation } from './report.ts'
export { reportText, summaryLine, violationText } from './report-text.ts'
export type { Tally } from './search.ts'
export type { FrontierView, Next, OpenState, StepInfo, Strategy, StrategyName, StrategyOption } from './strategy.ts'
export { type Difference, type Why, why } from './why.ts'
