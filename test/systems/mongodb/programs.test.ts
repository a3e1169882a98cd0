import assert from 'node:assert/strict'
import fc from 'fast-check'
import { describe, test } from 'vitest'
import type { MongodbOptions } from '../../../src/systems/mongodb/index.ts'
import { describeServer } from '../../servers/server.ts'
import { Bench, program } from './programs.ts'

const RUNS = Number(process.env['VENOMQA_FUZZ_RUNS'] ?? 25)
const WAYS: Readonly<Record<string, MongodbOptions>> = {
  'any order': {},
  'exact order': { order: 'exact' },
}

describeServer('mongodb', (url) => {
  for (const [name, options] of Object.entries(WAYS)) {
    describe(name, () => {
      const runs = name === 'any order' ? RUNS : Math.ceil(RUNS / 3)
      test('any program of any commands comes back to any mark', { timeout: runs * 10_000 }, async () => {
        await using bench = await Bench.open(url, options)
        await fc.assert(
          fc.asyncProperty(program, async (steps) => {
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
        if (runs >= 500) assert.deepEqual(bench.neverDone(), [])
      })
    })
  }
})
