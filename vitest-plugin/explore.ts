import { type ExploreFunction, exploreInTest, isOtherReplay, timeoutFor } from '../src/explore/in-test.ts'
import type { View } from '../src/explore/model.ts'
import type { Lease } from '../src/lease.ts'
import type { Systems } from '../src/world.ts'
import type { TestWithWorld } from './rollback.ts'

/** Makes `explore` of a world. `isWatched` says whether somebody looks at a terminal. */
export function explorations<S extends Systems, A, C>(
  base: TestWithWorld<S, A, C>,
  lease: Lease<S, A, C>,
  isWatched: boolean,
): ExploreFunction<View<S, A, C>> {
  return (name, model, options = {}) => {
    const site = new Error('declared here')
    const timeout = timeoutFor(options)
    base(name, timeout === undefined ? {} : { timeout }, async ({ venomqaWorld: world, task, signal, skip }) => {
      if (isOtherReplay(name)) skip('VENOMQA_REPLAY is for another exploration')
      const { fullTestName: test, timeout: own } = task
      await exploreInTest(
        { world, lease, test, timeout: own, signal, isWatched, say: console, site },
        name,
        model,
        options,
      )
    })
  }
}
