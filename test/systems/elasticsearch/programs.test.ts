import assert from 'node:assert/strict'
import fc from 'fast-check'
import { test } from 'vitest'
import { describeServer } from '../../servers/server.ts'
import { closing, destroying, growing, type Operation, reshapings, writes } from './operations.ts'
import { Bench, programs } from './programs.ts'

const RUNS = Number(process.env['VENOMQA_FUZZ_RUNS'] ?? 6)

interface Kind {
  readonly part: number
  readonly others: Readonly<Record<string, Operation>>
  readonly options?: object
  readonly dynamic?: boolean
  readonly tree?: boolean
}

/** How many programs each kind runs, as a part of all. */
const KINDS: Readonly<Record<string, Kind>> = {
  'to any mark': { part: 1, others: reshapings, tree: true },
  'mappings that grow': { part: 1 / 2, others: { ...reshapings, ...growing }, dynamic: true, tree: true },
  'indices that are closed': { part: 1 / 3, others: { ...reshapings, ...closing } },
  copies: { part: 1 / 3, others: { ...growing, ...destroying }, options: { way: 'copies' }, dynamic: true },
}

describeServer('elasticsearch', (url) => {
  test('an index that a write made is compared, whatever its mapping is', async () => {
    await using bench = await Bench.open(url, {}, { ...writes, ...reshapings }, {})
    const made = { name: 'create by a write', seed: 1_188_726_358 }
    await bench.run([
      { do: 'run', operations: [made] },
      { do: 'checkpoint' },
      { do: 'rollback', which: 1, forget: false },
    ])
  })

  for (const [name, { part, others, options = {}, dynamic = false, tree = false }] of Object.entries(KINDS)) {
    const runs = Math.ceil(RUNS * part)
    test(`any program of any requests comes back to its marks: ${name}`, { timeout: runs * 20_000 }, async () => {
      await using bench = await Bench.open(url, options, { ...writes, ...others }, { dynamic })
      await fc.assert(
        fc.asyncProperty(programs(writes, others, tree), async (steps) => {
          try {
            await bench.run(steps)
          } catch (error) {
            // The next program begins on indices made anew, whatever this one left.
            await bench.clear()
            throw error
          }
        }),
        { numRuns: runs },
      )
      // With many programs each operation must have taken place, or it proves nothing.
      if (runs >= 300) assert.deepEqual(bench.neverDone(), [])
      if (process.env['VENOMQA_FUZZ_RUNS']) console.log(`${name}: ${bench.refused} of ${runs} programs refused by name`)
    })
  }
})
