import assert from 'node:assert/strict'
import fc from 'fast-check'
import { test } from 'vitest'
import { describeServer } from '../../servers/server.ts'
import { closing, destroying, growing, type Operation, reshapings, streaming, writes } from './operations.ts'
import { Bench, programs } from './programs.ts'

const RUNS = Number(process.env['VENOMQA_FUZZ_RUNS'] ?? 6)

interface Kind {
  readonly part: number
  /** Several at once; those of documents when not given. */
  readonly writes?: Readonly<Record<string, Operation>>
  readonly others: Readonly<Record<string, Operation>>
  readonly options?: object
  readonly dynamic?: boolean
  readonly streams?: boolean
  readonly tree?: boolean
}

/** How many programs each kind runs, as a part of all. */
const KINDS: Readonly<Record<string, Kind>> = {
  'to any mark': { part: 1, others: reshapings, tree: true },
  'mappings that grow': { part: 1 / 2, others: { ...reshapings, ...growing }, dynamic: true, tree: true },
  'indices that are closed': { part: 1 / 3, others: { ...reshapings, ...closing } },
  copies: { part: 1 / 3, others: { ...growing, ...destroying }, options: { way: 'copies' }, dynamic: true },
  snapshots: {
    part: 1 / 3,
    writes: { ...writes, ...streaming },
    others: { ...growing, ...destroying },
    options: { way: 'snapshot' },
    dynamic: true,
    streams: true,
  },
}

describeServer('elasticsearch', (url) => {
  test('an index that a write made is compared, whatever its mapping is', async () => {
    await using bench = await Bench.open(url, {}, { ...writes, ...reshapings })
    const made = { name: 'create by a write', seed: 1_188_726_358 }
    await bench.run([
      { do: 'run', operations: [made] },
      { do: 'checkpoint' },
      { do: 'rollback', which: 1, forget: false },
    ])
  })

  for (const [name, kind] of Object.entries(KINDS)) {
    const { part, others, options = {}, tree = false, ...indices } = kind
    const operations = kind.writes ?? writes
    const runs = Math.ceil(RUNS * part)
    test(`any program of any requests comes back to its marks: ${name}`, { timeout: runs * 20_000 }, async () => {
      await using bench = await Bench.open(url, options, { ...operations, ...others }, indices)
      await fc.assert(
        fc.asyncProperty(programs(operations, others, tree), async (steps) => {
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
      if (process.env['VENOMQA_FUZZ_RUNS'])
        console.log(
          `${name}: ${bench.refused} of ${runs} programs refused by name; never done: ${bench.neverDone().join(', ')}`,
        )
    })
  }
})
