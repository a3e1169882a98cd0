import type { Call, Outcome } from './graph.ts'

/** An open state as a strategy sees it. */
export interface OpenState {
  readonly id: string
  /** Steps from the initial state, on the shortest way known. */
  readonly depth: number
  /** What was not tried here yet. */
  readonly open: readonly Call[] | undefined
}

/** What a strategy chooses from. */
export interface FrontierView {
  readonly size: number
  /** Where the world stands; going on from there costs nothing. */
  readonly current: OpenState | undefined
  /** The seeded randomness of the run. */
  readonly random: { next(): number; below(end: number): number }
  /** The open states from the nearest to the farthest. */
  nearest(): Iterable<OpenState>
  farthest(): OpenState | undefined
  /** Any open state, each as likely as the others. */
  any(): OpenState | undefined
  /** The nearest open state on the shortest way known to where the world stands. */
  ancestor(): OpenState | undefined
  /** The open state that the world came by last: often where it stands, else mostly one rollback away. */
  last(): OpenState | undefined
}

/** What a strategy wants tried next: a call that is open in an open state; without one, the first. */
export interface Next {
  readonly state: OpenState
  readonly call?: Call
}

/** One step that was made. */
export interface StepInfo {
  readonly from: OpenState
  /** None when the action failed. */
  readonly to: OpenState | undefined
  readonly call: Call
  readonly outcome: Outcome | 'failed'
  /** Whether `to` was not known before. */
  readonly isNew: boolean
  /** The names of what does not hold. */
  readonly violated: readonly string[]
}

/** Decides the order in which open states are tried. Nothing else: every strategy works on every kind of system. */
export interface Strategy {
  /** `undefined` ends the exploration, although something is open. */
  next(frontier: FrontierView): Next | undefined
  onStep?(step: StepInfo): void
}

/** The strategies by their names. */
export type StrategyName = 'auto' | 'bfs' | 'dfs' | 'walk' | 'random' | 'coverage' | 'mcts'

/** What `strategy` of the options may be. */
export type StrategyOption =
  | StrategyName
  | { readonly kind: 'walk'; readonly length?: number; readonly swarm?: boolean }
  | { readonly kind: 'hybrid'; readonly slack: number }
  | { readonly kind: 'mcts'; readonly exploration?: number; readonly reward?: (step: StepInfo) => number }
  | Strategy
