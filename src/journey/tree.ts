/** How a runner treats a test: as the runner's own `.only`, `.skip` and `.todo`. */
export type Mode = 'run' | 'only' | 'skip' | 'todo'

/** One piece of a path that runs the user's code. */
export interface StepNode {
  readonly kind: 'step'
  readonly name: string
  readonly mode: Mode
  /** Called with what a step sees; absent for `.todo`. */
  readonly body: ((context: never) => unknown) | undefined
  readonly options: StepOptions
  /** The journey and the branches that the step was written in, outermost first. */
  readonly scope: readonly string[]
  readonly journey: JourneyNode
  readonly site: Error
}

/** A moment of a path that others can start from. */
export interface CheckpointNode {
  readonly kind: 'checkpoint'
  readonly name: string
  /** The journey and the branches that the checkpoint was written in, outermost first. */
  readonly scope: readonly string[]
  readonly site: Error
}

/** All steps and checkpoints from the journey's start to one leaf: one test of the runner. */
export interface Path {
  readonly kind: 'path'
  readonly name: string
  readonly mode: Mode
  /** The journey and the branches down to the leaf. */
  readonly names: readonly string[]
  readonly nodes: readonly (StepNode | CheckpointNode)[]
  readonly site: Error
}

/** A journey or a branch with more than one path below it. */
export interface Group {
  readonly kind: 'group'
  readonly name: string
  readonly mode: Mode
  readonly children: readonly (Group | Path)[]
  readonly site: Error
}

/** A journey as it was collected. */
export interface JourneyNode {
  readonly name: string
  /** The paths, in groups where there is more than one. */
  root: Group | Path
  /** The walk that is under way, by which `ref.value` finds its value. */
  walking?: { readonly path: Path; read(step: StepNode): { readonly value: unknown } | undefined }
}

/** The options of one step. */
export interface StepOptions {
  /** How long the step may take, in ms. Default: the test time-out of the runner. */
  readonly timeout?: number
  /** How often a failing step is tried again, each time from the state before it. Default 0. */
  readonly retry?: number
}

/** The options of a journey or branch: defaults for the steps in it. */
export interface ScopeOptions extends StepOptions {}

/** The options of a branch. */
export interface BranchOptions extends ScopeOptions {
  /** The name of an earlier checkpoint on the same line to start from. Default: the last one. */
  readonly from?: string
}

/** One body while it is collected: the journey's, or a branch's. */
export interface Line {
  readonly what: 'journey' | 'branch'
  readonly names: readonly string[]
  readonly mode: Mode
  readonly options: StepOptions
  readonly site: Error
  readonly nodes: (StepNode | CheckpointNode)[]
  /** How many of `nodes` came from the line it forked from. */
  readonly inherited: number
  /** Where the next branch starts: just after the last checkpoint. */
  fork: number
  readonly children: (Group | Path)[]
  /** What was declared here, by kind, to find a name used twice. */
  readonly declared: Set<string>
  /** Whether steps followed the last branch, so that the line itself is a path too. */
  goesOn: boolean
}
