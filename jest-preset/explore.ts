import { expect, test as jestTest } from '@jest/globals'
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
import type { Systems, World } from '../src/world.ts'
import type { Circus } from './circus.ts'
import type { Stories } from './story.ts'

// Taken at load, so that a test's fake clock does not count.
const now = performance.now.bind(performance)

/** Makes `explore` of a world. */
export function explorations<S extends Systems, A, C>(
  open: () => Promise<World<S, A, C>>,
  lease: Lease<S, A, C>,
  circus: Circus,
  stories: Stories | undefined,
): ExploreFunction<View<S, A, C>> {
  const modes = { run: jestTest, only: jestTest.only, skip: jestTest.skip }
  return exploreFunction((mode) => (name, model, options = {}) => {
    const site = new Error('declared here')
    const timeout = timeoutFor(options)
    const body = async (): Promise<void> => {
      // Where jest-circus does not let a test be skipped while it runs, it passes without a word.
      if (isOtherReplay(name)) return
      const began = now()
      const world = await open()
      const spent = now() - began
      const test = expect.getState().currentTestName ?? name
      const isWatched = process.stdout.isTTY ?? false
      const own = timeout ?? circus.testTimeout
      const tell = (report: ExploreReport): void => {
        const { testPath } = expect.getState()
        if (stories?.wanted.graphs && testPath !== undefined)
          stories.tell(testPath, { test, exploration: storyOf(report) })
      }
      await exploreInTest(
        { world, lease, test, timeout: own, spent, isWatched, say: console, tell, site },
        name,
        model,
        options,
      )
    }
    circus.watch(body, {
      site,
      skips: () => (isOtherReplay(name) ? 'VENOMQA_REPLAY is for another exploration' : undefined),
    })
    modes[mode](name, body, timeout)
  })
}
