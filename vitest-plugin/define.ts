import { randomBytes } from 'node:crypto'
import { inject, type TestAPI, type TestContext, test as vitestTest } from 'vitest'
import { observable } from '../src/explore/act.ts'
import type { ExploreFunction } from '../src/explore/in-test.ts'
import { type ModelWords, modelWords, type View } from '../src/explore/model.ts'
import { journeyWords } from '../src/journey/plan.ts'
import type { PathReport } from '../src/journey/report.ts'
import type { Host } from '../src/journey/walk.ts'
import type { JourneyWords } from '../src/journey/words.ts'
import type { NamedSystems } from '../src/config/systems.ts'
import { type ConfiguredOptions, openWorld } from '../src/configured.ts'
import type { ExplorationStory } from '../src/report/exploration.ts'
import type { Systems, World, WorldOptions } from '../src/world.ts'
import { Lease, type WorldContext } from '../src/lease.ts'
import { hideOwnFrames } from '../src/stack.ts'
import { explorations } from './explore.ts'
import { pathsAsTests } from './paths.ts'
import { rolledBack, type TestWithWorld } from './rollback.ts'
import { StepsOfTests } from './steps.ts'

/** What the plugin tells the workers. */
export interface RunInfo {
  readonly runId: string
  readonly changes: Host['changes']
  /** Whether somebody watches the run on a terminal. */
  readonly terminal?: boolean
  /** Whether explorations tell their graphs: a report shows them. */
  readonly graphs?: boolean
}

declare module 'vitest' {
  interface TaskMeta {
    /** How a path went. */
    venomqa?: PathReport
    /** What an exploration came to, where a report is written. */
    venomqaExploration?: ExplorationStory
  }
  interface ProvidedContext {
    'venomqa:run': RunInfo
  }
}

/** What a step sees: the world, and Vitest's own test context (`expect`, `task`, `annotate`, `skip`, `signal`, …). */
export type StepContext<S extends Systems, A, C> = WorldContext<S, A, C> & TestContext

/** The words of one world, for test files. */
export interface VitestWorld<S extends Systems, A, C>
  extends JourneyWords<StepContext<S, A, C>>, ModelWords<View<S, A, C>> {
  /** Declares an exploration as one test. */
  readonly explore: ExploreFunction<View<S, A, C>>
  /** Vitest's `test` with the world in its fixtures; what a test does is rolled back after each try. */
  readonly test: TestAPI<WorldContext<S, A, C>>
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
): VitestWorld<S, A, C>
/**
 * Defines a world whose systems the configuration names: `venomqa.config.*` and VENOMQA_* variables. For typed systems
 * name their types: `defineWorld<{ db: PostgresSystem }>()`. Opening throws `BAD_CONFIG` too.
 */
export function defineWorld<S extends Systems = NamedSystems, A = undefined, C = Record<string, unknown>>(
  options?: ConfiguredOptions<A, C>,
): VitestWorld<S, A, C>
export function defineWorld<S extends Systems, A, C>(
  options: WorldOptions<S, A, C> | ConfiguredOptions<A, C> = {},
): VitestWorld<S, A, C> {
  const run = runInfo()
  let stepTimeout: number | undefined
  const lease = new Lease<S, A, C>(async () => {
    const { VITEST_POOL_ID: id = '1' } = process.env
    const notice = (message: string): void => console.warn(`venomqa: ${message}`)
    const opened = await openWorld(options, { id, runner: 'vitest', runId: run.runId, notice }, testFile())
    stepTimeout = opened.stepTimeout
    return opened.world
  })
  const steps = new StepsOfTests()

  const base: TestWithWorld<S, A, C> = vitestTest.extend<{ venomqaWorld: World<S, A, C> }>({
    venomqaWorld: [
      // oxlint-disable-next-line no-empty-pattern -- Vitest reads the pattern to know what a fixture needs
      async ({}, use) => {
        const world = await lease.take().catch(rethrow)
        try {
          await use(world)
        } finally {
          steps.keepSnapshots()
          await lease.giveBack().catch(rethrow)
        }
      },
      { scope: 'file' },
    ],
  })

  const contextOf = (on: object): WorldContext<S, A, C> =>
    observable(lease.contextOf(options.systems, on), () => lease.world.observe())
  const declare = pathsAsTests({
    base,
    lease,
    steps,
    changes: run.changes,
    contextOf,
    ...(!options.systems && { configured: () => stepTimeout }),
  })
  return {
    ...journeyWords(declare),
    ...rolledBack(base, lease, contextOf({}), options.grace),
    ...modelWords<View<S, A, C>>(),
    explore: explorations(base, lease, run),
  }
}

function rethrow(error: unknown): never {
  throw hideOwnFrames(error)
}

/** The file whose tests run, which Vitest has no public way to tell outside a test. */
function testFile(): string | undefined {
  return (globalThis as { __vitest_worker__?: { filepath?: string } }).__vitest_worker__?.filepath
}

/** Without the plugin every worker is a run of its own. */
function runInfo(): RunInfo {
  return inject('venomqa:run') ?? { runId: randomBytes(4).toString('hex'), changes: 'failed' }
}
