import type { Lease } from '../lease.ts'
import { at } from '../stack.ts'
import type { Systems, World } from '../world.ts'
import { milliseconds } from './budget.ts'
import { explore } from './explore.ts'
import type { Model, View } from './model.ts'
import type { ExploreOptions, Progress } from './options.ts'
import type { ExploreReport } from './report.ts'
import { reportText } from './report-text.ts'
import { recordedIn } from './token.ts'

/** Declares an exploration as one test, which fails when a rule breaks or a goal of coverage is missed. */
export type ExploreCall<W> = (name: string, model: Model<W>, options?: ExploreOptions) => void

/** The same, and what runners let their tests be. */
export interface ExploreFunction<W> extends ExploreCall<W> {
  readonly only: ExploreCall<W>
  readonly skip: ExploreCall<W>
  skipIf(condition: unknown): ExploreCall<W>
}

/** `explore` of what declares one as such a test. */
export function exploreFunction<W>(declare: (mode: 'run' | 'only' | 'skip') => ExploreCall<W>): ExploreFunction<W> {
  const [run, only, skip] = [declare('run'), declare('only'), declare('skip')]
  return Object.assign(run, { only, skip, skipIf: (condition: unknown) => (condition ? skip : run) })
}

/** The test that an exploration is. */
export interface ExploringTest<S extends Systems, A, C> {
  readonly world: World<S, A, C>
  readonly lease: Lease<S, A, C>
  /** Its full name. */
  readonly test: string
  /** Its time-out in ms; 0 or infinite where it has none. */
  readonly timeout: number
  /** How much of that is over already, in ms: opening the world takes its time. */
  readonly spent: number
  readonly signal?: AbortSignal
  /** Whether somebody watches on a terminal. */
  readonly isWatched: boolean
  /** How the runner shows a text beside the test. */
  readonly say: Readonly<Record<'info' | 'warn', (text: string) => void>>
  /** Told what it came to, for reports of the run. */
  readonly tell?: (report: ExploreReport) => void
  /** Where it was declared: failures show that line. */
  readonly site: Error
}

/** How much of a test's time an exploration may take, so that it reports what it saw and never runs into the time-out. */
const SHARE = 0.8

/** How long a runner waits beyond the budget, in ms: paths are shrunk and walked once more after it. */
const MARGIN = 60_000

/** The time-out that a test needs for an exploration whose time was asked for, in ms. */
export function timeoutFor(options: ExploreOptions): number | undefined {
  const asked = process.env['VENOMQA_BUDGET'] || options.budget?.time
  return asked ? milliseconds(asked) + MARGIN : undefined
}

/** Whether VENOMQA_REPLAY asks for another exploration than the one of this name. */
export function isOtherReplay(name: string): boolean {
  const { VENOMQA_REPLAY: token } = process.env
  return token !== undefined && token !== '' && recordedIn(token).name !== name
}

/** Explores within a test, and throws the report when a rule broke. */
export async function exploreInTest<S extends Systems, A, C>(
  { world, lease, test, timeout, spent, signal, isWatched, say, tell, site }: ExploringTest<S, A, C>,
  name: string,
  model: Model<View<S, A, C>>,
  options: ExploreOptions,
): Promise<void> {
  lease.enter(test)
  try {
    if (world.tainted) await world.recover()
    const report = await explore(world, model, {
      name,
      ...(signal && { signal }),
      ...(isWatched && { onProgress: printer(name, say.info) }),
      ...options,
      budget: { ...options.budget, time: options.budget?.time ?? budgetOf(timeout, spent) },
    })
    tell?.(report)
    const text = reportText(report)
    if (report.verdict === 'violated' || report.missed.length > 0) throw at(site, new Error(`\n${text}`))
    if (report.verdict === 'budget' || report.warnings.length > 0) say.warn(`${name}\n${text}`)
  } finally {
    lease.leave(test)
  }
}

/** 60 s where the test has no time-out. */
function budgetOf(timeout: number, spent: number): number {
  return timeout > 0 && Number.isFinite(timeout) ? Math.max(1, timeout - spent) * SHARE : 60_000
}

/** A line every two seconds. */
function printer(name: string, say: (text: string) => void): (progress: Progress) => void {
  let told = performance.now()
  return ({ states, transitions, depth, open, perSecond }) => {
    if (performance.now() - told < 2000) return
    told = performance.now()
    say(`${name}: ${states} states, ${transitions} transitions, depth ${depth}, ${open} open, ${perSecond}/s`)
  }
}
