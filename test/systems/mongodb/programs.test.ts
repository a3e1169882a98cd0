import assert from 'node:assert/strict'
import fc from 'fast-check'
import { test } from 'vitest'
import type { MongodbOptions } from '../../../src/systems/mongodb/index.ts'
import { describeServer } from '../../servers/server.ts'
import { Bench, programs } from './programs.ts'

const RUNS = Number(process.env['VENOMQA_FUZZ_RUNS'] ?? 25)

/** How many programs each way of each server runs, as a part of all. */
const WAYS: readonly (readonly [server: string, name: string, part: number, options: MongodbOptions])[] = [
  ['mongodb', 'past', 1, {}],
  ['mongodb', 'past, exact order', 1 / 3, { order: 'exact' }],
  ['mongodb', 'stream', 1 / 3, { way: 'stream' }],
  ['mongodb-standalone', 'copy', 1 / 3, { way: 'copy' }],
]

for (const [server, name, part, options] of WAYS) {
  describeServer(server, (url) => {
    const runs = Math.ceil(RUNS * part)
    // A change stream does not see time series.
    const without = options.way === 'stream' ? /time series/ : undefined
    test(`any program of any commands comes back to any mark: ${name}`, { timeout: runs * 10_000 }, async () => {
      await using bench = await Bench.open(url, options)
      await fc.assert(
        fc.asyncProperty(programs(without), async (steps) => {
          try {
            await bench.run(steps)
          } catch (error) {
            // The next program begins on empty databases whatever this one left.
            await bench.clear()
            throw error
          }
        }),
        { numRuns: runs },
      )
      // With many programs each operation must have taken place, or it proves nothing.
      if (part === 1 && runs >= 500) assert.deepEqual(bench.neverDone(), [])
    })
  })
}
