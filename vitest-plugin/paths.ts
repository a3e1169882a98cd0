import { afterAll, describe, type TestContext, TestRunner } from 'vitest'
import { reportOf } from '../src/journey/report.ts'
import type { JourneyNode, Mode, Path } from '../src/journey/tree.ts'
import { type Host, Walk } from '../src/journey/walk.ts'
import { declareJourney, type Runner } from '../src/runner.ts'
import { type Place, placeIn, pointTo } from '../src/stack.ts'
import type { Systems, World } from '../src/world.ts'
import type { Lease, WorldContext } from '../src/lease.ts'
import type { TestWithWorld } from './rollback.ts'
import { type Suite, StepsOfTests } from './steps.ts'

type Task = TestContext['task']

/** What a world gives to the tests that run its paths. */
export interface PathsOptions<S extends Systems, A, C> {
  readonly base: TestWithWorld<S, A, C>
  readonly lease: Lease<S, A, C>
  readonly steps: StepsOfTests
  readonly changes: Host['changes']
  /** The time-out of steps that have none, in ms, where a configuration says it: known once the world is open. */
  readonly configured?: () => number | undefined
  /** What a step sees, on top of the context of its test. */
  contextOf(test: TestContext): WorldContext<S, A, C>
}

/** A path as it was declared: in which suite its journey stands, and the time-out of an outer `describe`. */
interface Declared {
  readonly path: Path
  readonly journey: JourneyNode
  readonly outer: Suite | undefined
  readonly timeout: number | undefined
}

/** How long Vitest waits for a path beside the steps' own time-outs: opening, checkpoints and rollbacks have limits of their own. */
const MARGIN_MS = 60_000

/** Makes the function that declares a journey's paths as Vitest tests. */
export function pathsAsTests<S extends Systems, A, C>(options: PathsOptions<S, A, C>): (journey: JourneyNode) => void {
  const { lease, steps } = options
  const paths = new WeakMap<Task, Declared>()
  const walks = new WeakMap<JourneyNode, { readonly world: object; readonly walk: Walk }>()

  const walkOf = (journey: JourneyNode, world: World<S, A, C>): Walk => {
    const known = walks.get(journey)
    if (known?.world === world) return known.walk
    const walk = new Walk(journey, world as unknown as World<Systems, unknown, unknown>)
    walks.set(journey, { world, walk })
    return walk
  }

  const test = options.base.extend<{ venomqaPath: void }>({
    venomqaPath: [
      async ({ venomqaWorld, task }, use) => {
        const { path, journey } = paths.get(task)!
        const walk = walkOf(journey, venomqaWorld)
        if (walk.blocked(path, task.fullTestName) !== undefined) return use()
        lease.enter(task.fullTestName)
        try {
          await walk.begin(path).catch((error: Error) => {
            throw pointTo(path.site, error)
          })
          await use()
          await walk.settled()
        } finally {
          lease.leave(task.fullTestName)
        }
        // A single path has no group whose end could do this; after a failed beginning the world tells more by itself.
        if (journey.root.kind === 'path') await walk.end()
      },
      { auto: true },
    ],
  })

  const run = async (context: TestContext): Promise<void> => {
    const { task } = context
    const { path, journey, outer, timeout } = paths.get(task)!
    const walk = walkOf(journey, lease.world)
    const report = reportOf(path)
    task.meta.venomqa = report
    const reason = walk.blocked(path, task.fullTestName)
    if (reason !== undefined) {
      report.skipped = reason
      context.skip(reason)
    }
    const host: Host = {
      name: task.fullTestName,
      timeout: timeout ?? options.configured?.() ?? stepTimeout(timeout),
      hooks: hasHooks(task),
      changes: options.changes,
      context: (signal) =>
        Object.defineProperty(options.contextOf(context), 'signal', {
          value: AbortSignal.any([signal, context.signal]),
        }),
      asStep: (step, work) => steps.run(step, context, outer, work),
      kept: (nodes) => steps.keep(nodes.filter((node) => node.kind === 'step')),
      isSkip,
    }
    try {
      await walk.run(path, report, host)
      if (config().expect?.requireAssertions) steps.requireAssertions(context, path)
    } catch (error) {
      if (isSkip(error)) report.skipped = error.note ?? 'skipped by a step'
      throw error instanceof Error ? pointTo(path.site, error) : error
    }
  }

  const declarePath = (path: Path, journey: JourneyNode): void => {
    const collector = TestRunner.getCurrentSuite()
    const declare: Record<Mode, typeof test.only> = {
      run: test,
      only: test.only,
      skip: test.skip,
      todo: test.todo as typeof test.only,
    }
    const { timeout } = collector.options ?? {}
    declare[path.mode](
      path.name,
      {
        concurrent: false,
        timeout: timeoutOf(path, options.configured ? 0 : stepTimeout(timeout)),
        meta: { venomqa: reportOf(path) },
      },
      async ({ task }) => run(task.context),
    )
    const task = collector.tasks.at(-1)
    if (task?.type !== 'test') return
    const outer = outerOf(task, path)
    paths.set(task, { path, journey, outer, timeout })
    for (const node of path.nodes) if (node.kind === 'step') steps.expectKey(node, outer)
    locate(task, path.site)
  }

  const runnerOf = (journey: JourneyNode): Runner => ({
    group(name, mode, site, body) {
      const declare: Record<Mode, typeof describe.only> = {
        run: describe,
        only: describe.only,
        skip: describe.skip,
        todo: describe.todo,
      }
      declare[mode](name, { concurrent: false }, body)
      const group = TestRunner.getCurrentSuite().tasks.at(-1)
      if (group?.type === 'collector' && group.suite) locate(group.suite, site)
    },
    path: (path) => declarePath(path, journey),
    afterGroup: (end) => afterAll(end),
  })

  return (journey) => {
    try {
      declareJourney(journey, runnerOf(journey), async () => walks.get(journey)?.walk.end())
    } catch (error) {
      throw pointTo(journey.root.site, error as Error)
    }
  }
}

/** Paths are declared when the journey's body has ended, so Vitest would not find the line of a branch by itself. */
function locate(task: Task | Suite, site: Error): void {
  if (!config().includeTaskLocation) return
  const place = placeIn(task.file.filepath, site)
  if (place) (task as { location?: Place }).location = place
}

/** The time-out of a step that has none, in ms: the describe's, else the one configured (which `vi.setConfig` may change). */
function stepTimeout(inherited: number | undefined): number {
  return inherited ?? config().testTimeout ?? 5000
}

/** Whether Vitest's way of skipping a running test was thrown. */
function isSkip(thrown: unknown): thrown is Error & { readonly note?: string } {
  return (thrown as { code?: unknown } | null)?.code === 'VITEST_PENDING'
}

/** The worker's own configuration, which Vitest has no public way to read. */
function config(): {
  readonly testTimeout?: number
  readonly includeTaskLocation?: boolean
  readonly expect?: { readonly requireAssertions?: boolean }
} {
  return (globalThis as { __vitest_worker__?: { config?: object } }).__vitest_worker__?.config ?? {}
}

/** The runner's time-out for a whole path, in ms; 0 where a step has none. */
function timeoutOf(path: Path, inherited: number): number {
  let sum = MARGIN_MS
  for (const node of path.nodes) {
    if (node.kind === 'checkpoint') continue
    const { timeout = inherited, retry = 0 } = node.options
    if (timeout === 0 || timeout === Infinity) return 0
    sum += timeout * (retry + 1)
  }
  return sum
}

/** The suite that the journey of `path` stands in. */
function outerOf(task: Task, path: Path): Suite | undefined {
  let suite = task.suite
  for (let depth = 1; depth < path.names.length; depth++) suite = suite?.suite
  return suite
}

/** Whether the user's own hooks run before the body of `task`. */
function hasHooks(task: Task): boolean {
  for (let suite: Suite | Task['file'] | undefined = task.suite ?? task.file; suite; suite = suite.suite ?? undefined) {
    if (TestRunner.getSuiteHooks(suite).beforeEach.length > 0) return true
    if (TestRunner.getSuiteHooks(suite).aroundEach.length > 0) return true
  }
  return TestRunner.getSuiteHooks(task.file).beforeEach.length > 0
}
