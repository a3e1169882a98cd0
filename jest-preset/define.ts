import { randomBytes } from 'node:crypto'
import { afterAll, beforeEach, afterEach, expect, jest } from '@jest/globals'
import { observable } from '../src/explore/act.ts'
import type { ExploreFunction } from '../src/explore/in-test.ts'
import { type ModelWords, modelWords, type View } from '../src/explore/model.ts'
import { journeyWords } from '../src/journey/plan.ts'
import type { JourneyWords } from '../src/journey/words.ts'
import { Lease, type WorldContext } from '../src/lease.ts'
import type { NamedSystems } from '../src/config/systems.ts'
import { type ConfiguredOptions, openWorld } from '../src/configured.ts'
import type { Systems, World, WorldOptions } from '../src/world.ts'
import { Circus } from './circus.ts'
import { explorations } from './explore.ts'
import { pathsAsTests } from './paths.ts'
import { type RolledBackTest, rolledBackTest, Rollback } from './rollback.ts'
import { StepsOfTests } from './steps.ts'
import { Stories } from './story.ts'
import { needsJest30 } from './version.ts'

export type { RolledBackTest } from './rollback.ts'

/** What a step sees: the world, and what a step needs of Jest. */
export type StepContext<S extends Systems, A, C> = WorldContext<S, A, C> & {
  readonly expect: typeof expect
  /** Aborted when the step's time is over. */
  readonly signal: AbortSignal
  /** Skips the path from here. */
  skip(reason?: string): never
  /** Skips the path from here if `condition` holds. */
  skip(condition: boolean, reason?: string): void
}

/** The words of one world, for test files. */
export interface JestWorld<S extends Systems, A, C>
  extends JourneyWords<StepContext<S, A, C>>, ModelWords<View<S, A, C>> {
  /** Declares an exploration as one test. */
  readonly explore: ExploreFunction<View<S, A, C>>
  /** Jest's `test`, whose function gets the world; what a test does is rolled back after it. */
  readonly test: RolledBackTest<WorldContext<S, A, C>>
  /** Rolls back every plain test in its scope. What it returns may be read inside tests and hooks. */
  useRollback(): WorldContext<S, A, C>
}

/**
 * Defines a world once, for all test files: its systems, what speaks to the application, the context.
 *
 * The systems are opened when the first test of a file needs them, and closed after the file's last.
 */
export function defineWorld<const S extends Systems, A = undefined, C = Record<string, unknown>>(
  options: WorldOptions<S, A, C>,
): JestWorld<S, A, C>
/**
 * Defines a world whose systems the configuration names: `venomqa.config.*` and VENOMQA_* variables. For typed systems
 * name their types: `defineWorld<{ db: PostgresSystem }>()`. Opening throws `BAD_CONFIG` too.
 */
export function defineWorld<S extends Systems = NamedSystems, A = undefined, C = Record<string, unknown>>(
  options?: ConfiguredOptions<A, C>,
): JestWorld<S, A, C>
export function defineWorld<S extends Systems, A, C>(
  options: WorldOptions<S, A, C> | ConfiguredOptions<A, C> = {},
): JestWorld<S, A, C> {
  needsJest30(jest)
  const stories = Stories.ofWorker()
  let stepTimeout: number | undefined
  const lease = new Lease<S, A, C>(async () => {
    const { JEST_WORKER_ID: id = '1' } = process.env
    const runId = stories?.runId ?? randomBytes(4).toString('hex')
    const notice = (message: string): void => console.warn(`venomqa: ${message}`)
    const opened = await openWorld(options, { id, runner: 'jest', runId, notice }, expect.getState().testPath)
    stepTimeout = opened.stepTimeout
    return opened.world
  })
  const circus = new Circus()
  const steps = new StepsOfTests()

  let opened: Promise<World<S, A, C>> | undefined
  const open = (): Promise<World<S, A, C>> => {
    opened ??= lease.take().catch((error: unknown) => {
      opened = undefined
      throw error
    })
    return opened
  }
  afterAll(async () => {
    steps.keepSnapshots()
    if (!opened) return
    opened = undefined
    await lease.giveBack()
  })

  const contextOf = (on: object): WorldContext<S, A, C> =>
    observable(lease.contextOf(options.systems, on), () => lease.world.observe())
  const rollback = new Rollback(open, lease)
  const declare = pathsAsTests({
    open,
    lease,
    steps,
    circus,
    stories,
    contextOf,
    ...(!options.systems && { configured: () => stepTimeout }),
  })
  const context = contextOf({})
  return {
    ...journeyWords(declare),
    ...modelWords<View<S, A, C>>(),
    explore: explorations(open, lease, circus, stories),
    test: rolledBackTest(rollback, circus, context),
    useRollback() {
      beforeEach(() => rollback.begin(expect.getState().currentTestName ?? 'a test'))
      afterEach(() => rollback.end())
      return context
    },
  }
}
