import { execFileSync } from 'node:child_process'
import { mkdirSync, readFileSync, symlinkSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import type { Bench } from './bench.ts'
import type { Timing } from './row.ts'

const root = fileURLToPath(new URL('..', import.meta.url))

/**
 * What a journey costs over plain tests: 1,000 branches in Vitest, each with a step and a checkpoint, over a system in
 * memory, against 1,000 plain tests that set the same state up by hand and do the same work.
 */
export async function run({ quick, measure, row, scratch }: Bench): Promise<void> {
  const count = quick ? 200 : 1000
  const folder = scratch()
  mkdirSync(join(folder, 'node_modules'))
  symlinkSync(root, join(folder, 'node_modules/venomqa'))
  symlinkSync(join(root, 'node_modules/vitest'), join(folder, 'node_modules/vitest'))
  writeFileSync(join(folder, 'package.json'), '{ "type": "module" }')
  writeFileSync(join(folder, 'vitest.config.js'), 'export default {}')
  writeFileSync(join(folder, 'journey.test.js'), journeyFile(count))
  writeFileSync(join(folder, 'plain.test.js'), plainFile(count))

  const whole = async (file: string): Promise<Timing> =>
    measure({ runs: quick ? 3 : 9, warmUp: 1, run: () => vitest(folder, file, count) })
  const plain = await whole('plain.test.js')
  const ours = await whole('journey.test.js')
  row({
    id: 'P9',
    work: `${count} checkpoints, the whole command`,
    ours: { name: 'journey', ms: ours },
    peers: { 'plain tests': plain },
    figure: 'ratio',
    goal: { atMost: 1.3 },
    correct: true,
  })
  row({
    work: `${count} checkpoints, the tests alone`,
    ours: { name: 'journey', ms: vitest(folder, 'journey.test.js', count) },
    peers: { 'plain tests': vitest(folder, 'plain.test.js', count) },
    figure: 'ratio',
    correct: true,
  })
}

/** Runs one file, checks that every test passed, and says how long the tests took, in ms. */
function vitest(folder: string, file: string, count: number): number {
  const report = join(folder, 'report.json')
  const args = [join(root, 'node_modules/vitest/vitest.mjs'), 'run', file, '--reporter=json', `--outputFile=${report}`]
  execFileSync(process.execPath, args, { cwd: folder, stdio: ['ignore', 'ignore', 'inherit'] })
  const { numPassedTests, testResults } = JSON.parse(readFileSync(report, 'utf8')) as Report
  if (numPassedTests !== count) throw new Error(`${file}: ${numPassedTests} of ${count} tests passed`)
  const [{ startTime, endTime }] = testResults
  return endTime - startTime
}

interface Report {
  readonly numPassedTests: number
  readonly testResults: readonly [{ readonly startTime: number; readonly endTime: number }]
}

/** Both files do this work, so that only the checkpoints differ. */
const WORK = `
const store = new Map()
const setUp = () => { for (let i = 0; i < 20; i++) store.set('user ' + i, { id: i, name: 'name ' + i }) }
const change = (i) => {
  if (store.size !== 20) throw new Error('another branch leaked: ' + store.size)
  store.set('order ' + i, { user: i % 20, total: i })
  store.delete('user ' + (i % 20))
}
`

function journeyFile(count: number): string {
  return `
import { defineWorld } from 'venomqa/vitest'
import { memory } from 'venomqa/memory'
${WORK}
const { journey, step, checkpoint, branch } = defineWorld({ systems: { store: memory(store) } })
journey('journey', () => {
  step('set up', () => setUp())
  checkpoint('set up')
  for (let i = 0; i < ${count}; i++) {
    branch('branch ' + i, () => {
      step('change', () => change(i))
      checkpoint('changed')
    })
  }
})`
}

function plainFile(count: number): string {
  return `
import { describe, test } from 'vitest'
${WORK}
describe('plain', () => {
  for (let i = 0; i < ${count}; i++) {
    test('test ' + i, () => {
      store.clear()
      setUp()
      change(i)
    })
  }
})`
}
