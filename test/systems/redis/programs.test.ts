import fc from 'fast-check'
import { test } from 'vitest'
import { describeEach } from './each.ts'
import { Bench, program } from './programs.ts'

const RUNS = Number(process.env['VENOMQA_FUZZ_RUNS'] ?? 40)

describeEach((url) => {
  test('any program of any commands comes back to any mark', { timeout: RUNS * 2000 }, async () => {
    await using bench = await Bench.open(url, 9)
    await fc.assert(
      fc.asyncProperty(program, async (steps) => {
        try {
          await bench.run(steps)
        } catch (error) {
          // The next program begins on an empty database whatever this one left.
          await bench.client.flushdb()
          throw error
        }
      }),
      { numRuns: RUNS },
    )
  })
})
