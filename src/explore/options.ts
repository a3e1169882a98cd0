import { VenomError } from '../errors.ts'
import { type Budget, milliseconds } from './budget.ts'
import { checkOptions } from './check-options.ts'
import { type Level, type Levels, LEVELS, type Oracle } from './findings.ts'
import type { JourneyImports } from './journey-file.ts'
import type { Action, Check, Invariant, Severity } from './model.ts'
import type { Normalizer } from './normalize.ts'
import type { StrategyOption } from './strategy.ts'

/** How far an exploration is. */
export interface Progress {
  readonly steps: number
  readonly states: number
  readonly transitions: number
  /** States in which something is still to be tried. */
  readonly open: number
  /** The depth of the nearest of them. */
  readonly depth: number
  readonly perSecond: number
}

/** How a model is explored. */
export interface ExploreOptions {
  /** What reports and replay tokens call it. The test's name in a runner. */
  readonly name?: string
  /** In which order states are tried. Default `'auto'`; `'bfs'` finds a shortest path first. */
  readonly strategy?: StrategyOption
  /** Default: another one each time, which the report says. `VENOMQA_SEED` goes before it. */
  readonly seed?: number
  /** Steps on a path. Default: no limit. */
  readonly maxDepth?: number
  /** When it ends at the latest. Default: 60 s; in a runner 80 % of the test's time-out. `VENOMQA_BUDGET` is its time. */
  readonly budget?: Budget
  /** Whether a broken rule ends it: the first one (default), only those at least so severe, or never. */
  readonly stopOn?: 'first' | 'never' | Severity
  /** Actions by name or tag. */
  readonly only?: readonly string[]
  readonly except?: readonly string[]
  /** What becomes of what the oracles find. */
  readonly oracles?: Partial<Record<Oracle, Level>>
  /** How many steps are walked again to find hidden state, as a share of all. Default 0.1. */
  readonly audit?: number
  /** Whether paths are made shorter. Default true. */
  readonly shrink?: boolean
  /** Makes states equal that differ in nothing that matters. */
  readonly normalize?: Normalizer | readonly Normalizer[]
  /** How long one action may take, and each `when`, `from`, `ensure` and invariant, in ms. Default 5000. */
  readonly actionTimeout?: number
  /** How many checkpoints may be alive at once. Default 40. */
  readonly maxMarks?: number
  /** Shares from 0 to 1 that must be reached: of the actions that are accepted, of the possible steps that are tried. */
  readonly coverageGoal?: { readonly actions?: number; readonly transitions?: number }
  /** The token of a failure: only that path is walked. `VENOMQA_REPLAY` goes before it. */
  readonly replay?: string
  /** A folder for paths that broke a rule; they are walked first the next time. */
  readonly corpus?: string
  /** How journey files import your world and model, and the folder they are written to. */
  readonly journey?: JourneyImports & { readonly folder?: string }
  /** Files for the report, in the form that the extension says: `.html`, `.json`, `.mmd`, `.dot`. */
  readonly write?: readonly string[]
  /** Told about twice a second. */
  onProgress?(progress: Progress): void
  readonly signal?: AbortSignal
}

/** The options with every default filled in. */
export interface Settings extends Omit<ExploreOptions, 'normalize'> {
  readonly name: string
  readonly strategy: StrategyOption
  readonly seed: number
  readonly maxDepth: number
  readonly maxMarks: number
  readonly stopOn: 'first' | 'never' | Severity
  readonly levels: Levels
  readonly audit: number
  readonly normalize: readonly Normalizer[]
  readonly actionTimeout: number
  /** In ms. */
  readonly time: number
}

const TIME = 60_000

/** Fills in the defaults and what the environment says. Throws `BAD_ARGUMENT`. */
export function settingsOf(options: ExploreOptions, env: NodeJS.ProcessEnv = process.env): Settings {
  const { VENOMQA_SEED: seed, VENOMQA_BUDGET: budget, VENOMQA_REPLAY: replay } = env
  const { normalize = [] } = options
  checkOptions(options)
  if (seed && !Number.isInteger(Number(seed))) throw notASeed(seed)
  return {
    ...options,
    ...(replay && { replay }),
    name: options.name ?? 'exploration',
    strategy: options.strategy ?? 'auto',
    seed: seed ? Number(seed) : (options.seed ?? Math.floor(Math.random() * 2 ** 31)),
    maxDepth: options.maxDepth ?? Infinity,
    maxMarks: options.maxMarks ?? 40,
    stopOn: options.stopOn ?? 'first',
    levels: { ...LEVELS, ...options.oracles },
    audit: options.audit ?? 0.1,
    normalize: typeof normalize === 'function' ? [normalize] : normalize,
    actionTimeout: options.actionTimeout ?? 5000,
    time: milliseconds(budget || (options.budget?.time ?? TIME)),
  }
}

/** The actions that `only` and `except` leave. Throws `BAD_ARGUMENT` when there are none, or when one cannot be run. */
export function actionsOf<W>(
  actions: Readonly<Record<string, Action<W>>>,
  { only, except = [] }: ExploreOptions,
): ReadonlyMap<string, Action<W>> {
  const all = Object.entries(actions).flatMap(([name, action]) => [name, ...(action?.tags ?? [])])
  for (const [option, names] of Object.entries({ only, except })) {
    const unknown = names?.find((name) => !all.includes(name))
    if (unknown !== undefined && all.length > 0) throw notInModel(option, unknown, all)
  }
  const isIn = (list: readonly string[], name: string, tags: readonly string[] = []): boolean =>
    list.includes(name) || tags.some((tag) => list.includes(tag))
  const left = Object.entries(actions).filter(
    ([name, action]) => (!only || isIn(only, name, action?.tags)) && !isIn(except, name, action?.tags),
  )
  const broken = left.find(([, action]) => typeof (action as Partial<Action<W>> | null)?.run !== 'function')
  if (broken) throw notAnAction(broken[0])
  if (left.length > 0) return new Map(left)
  throw new VenomError(
    'BAD_ARGUMENT',
    'There are no actions, so there is nothing to explore.\n' +
      `The model has ${Object.keys(actions).join(', ') || 'none'}; only and except leave none of them.\n` +
      'Give it at least one: actions: { order: action({ run: ({ api }) => … }) }.',
  )
}

/** The invariants of a model, each with its `check`. Throws `BAD_ARGUMENT`. */
export function invariantsOf<W>(
  invariants: Readonly<Record<string, Invariant<W> | Check<W>>>,
): ReadonlyMap<string, Invariant<W>> {
  return new Map(
    Object.entries(invariants).map(([name, invariant]) => {
      if (typeof invariant === 'function') return [name, { check: invariant }]
      if (typeof (invariant as Partial<Invariant<W>> | null)?.check === 'function') return [name, invariant]
      throw new VenomError(
        'BAD_ARGUMENT',
        `"${name}" is not an invariant: it is no function, and has no function check.\n` +
          'An invariant that is never asked would pass every state.\n' +
          `'${name}': invariant(({ api }) => …).`,
      )
    }),
  )
}

function notAnAction(name: string): VenomError {
  return new VenomError(
    'BAD_ARGUMENT',
    `"${name}" is not an action: it has no function run.\n` +
      'An action is an object, which may say when it is possible and what it takes.\n' +
      `${name}: action({ run: ({ api }) => … }).`,
  )
}

function notInModel(option: string, name: string, all: readonly string[]): VenomError {
  return new VenomError(
    'BAD_ARGUMENT',
    `${option} names "${name}", which is no action and no tag of one.\n` +
      `What was meant by it would ${option === 'only' ? 'not be' : 'be'} tried, without a word.\n` +
      `The model has: ${[...new Set(all)].join(', ')}.`,
  )
}

function notASeed(seed: string): VenomError {
  return new VenomError(
    'BAD_ARGUMENT',
    `VENOMQA_SEED is "${seed}", which is not a whole number.\n` +
      'The seed decides in which order things are tried; the last line of a report tells the one it had.\n' +
      'Set it to that number, or leave it unset for another one each time.',
  )
}
