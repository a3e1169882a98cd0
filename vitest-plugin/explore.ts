import {
  exploreFunction,
  type ExploreFunction,
  exploreInTest,
  isOtherReplay,
  timeoutFor,
} from '../src/explore/in-test.ts'
import type { View } from '../src/explore/model.ts'
import type { ExploreReport } from '../src/explore/report.ts'
import type { Lease } from '../src/lease.ts'
import { storyOf } from '../src/report/exploration.ts'
import type { Systems } from '../src/world.ts'
import type { RunInfo } from './define.ts'
import type { TestWithWorld } from './rollback.ts'

// Taken at load, so that a test's fake clock does not count.
const now = Date.now

/** Makes `explore` of a world. */
export function explorations<S extends Systems, A, C>(
  base: TestWithWorld<S, A, C>,
  lease: Lease<S, A, C>,
  { terminal = false, graphs = false }: Pick<RunInfo, 'terminal' | 'graphs'>,
): ExploreFunction<View<S, A, C>> {
  const modes = { run: base, only: base.only, skip: base.skip }
  return exploreFunction((mode) => (name, model, options = {}) => {
    const site = new Error('declared here')
    const timeout = timeoutFor(options)
    const given = { concurrent: false, ...(timeout !== undefined && { timeout }) }
    modes[mode](name, given, async ({ venomqaWorld: world, task, signal, skip }) => {
      if (isOtherReplay(name)) skip('VENOMQA_REPLAY is for another exploration')
      const { fullTestName: test, timeout: own, result } = task
      const spent = now() - (result?.startTime ?? now())
      const tell = (report: ExploreReport): void => {
        if (graphs) task.meta.venomqaExploration = storyOf(report)
      }
      await exploreInTest(
        { world, lease, test, timeout: own, spent, signal, isWatched: terminal, say: console, tell, site },
        name,
        model,
        options,
      )
    })
  })
}
