import { spawn } from 'node:child_process'
import { setTimeout as sleep } from 'node:timers/promises'
import { expect, test, vi } from 'vitest'
import { JestProject } from '../jest-project.ts'

vi.setConfig({ testTimeout: 120_000 })

// What is run, how often and in which process, in the real Jest: with the outcomes of test/runners/vitest.

test('the shards of a run have each path once', () => {
  using project = new JestProject('modes')
  const whole = project.run()
  const shards = ['1/2', '2/2'].map((shard) => project.run([`--shard=${shard}`]))
  expect(shards.map(({ status }) => status)).toEqual([0, 0])
  expect(shards.every(({ passed }) => passed.length > 0)).toBe(true)
  expect(shards.flatMap(({ passed }) => passed).toSorted()).toEqual(whole.passed.toSorted())
})

test('--bail runs no file after the first that failed', () => {
  using project = new JestProject('failing')
  // The smaller file comes later.
  project.write('later.test.ts', "import { trace } from './world'\ntest('later', () => trace('later'))")
  const { status, text, trace } = project.run(['--bail', '--runInBand'])
  expect(status).toBe(1)
  expect(trace).toContain('left')
  expect(trace).not.toContain('later')
  expect(text).toMatch(/first failing\.test\.ts \(3 paths, 1 failed\)/)
})

test('--onlyFailures runs the files that failed, each path from its beginning', () => {
  using project = new JestProject('failing')
  project.write('sound.test.ts', project.read('failing.test.ts').replace("broken('breaks')", "did('sound')"))
  expect(project.run().failed).toEqual(['first breaks'])
  const again = project.run(['--onlyFailures'])
  expect(again).toMatchObject({ failed: ['first breaks'], passed: ['first works', 'first comes after', 'second'] })
  expect(again.trace.filter((line) => /^first|^breaks/.test(line))).toEqual(['first after ', 'breaks after first'])
  project.write('mended', '')
  expect(project.run(['--onlyFailures'])).toMatchObject({ status: 0, failed: [] })
})

test('--json prints nothing but the results', () => {
  using project = new JestProject('checkout')
  const { stdout, stderr } = project.spawn(['--json'])
  expect(JSON.parse(stdout)).toMatchObject({ success: true, numPassedTests: 5 })
  expect(stderr).toContain('◆ signed up')
})

test.each([
  ['processes', [], true],
  ['threads', ['--workerThreads'], false],
])('files in worker %s share the id of the run', (_, args, isMainThread) => {
  using project = new JestProject('several')
  for (const file of ['left.test.ts', 'right.test.ts']) {
    const source = project
      .read(file)
      .replace(/^import \{ inject.*$/m, "import { isMainThread } from 'node:worker_threads'")
    const told = 'trace(`run ${process.env.VENOMQA_JEST_RUN} ${process.env.JEST_WORKER_ID} ${isMainThread}`)'
    project.write(file, source.replace(/^trace\(`run.*$/m, told))
  }
  const { passed, trace, text } = project.run([...args, '--maxWorkers=2'])
  expect(passed).toHaveLength(4)
  const told = trace.filter((line) => line.startsWith('run')).map((line) => line.split(' '))
  expect(new Set(told.map(([, run]) => run)).size).toBe(1)
  expect(told.map(([, , id, main]) => `${id} ${main}`).toSorted()).toEqual([`1 ${isMainThread}`, `2 ${isMainThread}`])
  expect(text).toMatch(/left journey left\.test\.ts \(2 paths\)/)
})

test('resetModules: a world stays the one it was, and a step loads modules anew', () => {
  using project = new JestProject('checkout', 'swc', { resetModules: true })
  project.write('counter.js', 'exports.count = 0')
  project.write(
    'sqlite.test.ts',
    `import { expect } from '@jest/globals'
import Database from 'better-sqlite3'
import { sqlite } from 'venomqa/sqlite'
import { defineWorld } from 'venomqa/jest'
new Database('./shop_test.db').exec('create table if not exists users (name)')
const { journey, step, checkpoint, branch } = defineWorld({ systems: { db: sqlite('./shop_test.db') } })
journey('reset', () => {
  step('write', ({ db }) => void db.exec("insert into users values ('ada')"))
  checkpoint('here')
  for (const name of ['left', 'right']) {
    branch(name, () => void step('count', async ({ changes }) => {
      expect(++require('./counter.js').count).toBe(1)
      expect((await changes()).db).toEqual([])
    }))
  }
})
`,
  )
  const { passed, messages } = project.run()
  expect([...messages.values()].filter(Boolean)).toEqual([])
  expect(passed).toHaveLength(7)
})

test('jest.retryTimes(1) tries a path again from its last checkpoint, and a shared failure with it', () => {
  using project = new JestProject('again', 'swc', { setupFilesAfterEnv: ['<rootDir>/setup.js'] })
  project.write('setup.js', 'jest.retryTimes(1)')
  const { passed, failed, trace, text } = project.run(['retry'])
  expect(failed).toEqual(['step retry gives up'])
  expect(passed).toHaveLength(6)
  expect(trace.filter((line) => !/before|^b | b$/.test(line))).toEqual([
    'collected',
    'start after ',
    'first after start',
    'flaky after start first',
    'first after start',
    'flaky after start first',
    'last sees try 2 after start first flaky',
    'shared after start',
    'shared after start',
    'left after start shared',
    'right after start shared',
    'plain after ',
    'plain after',
  ])
  expect(text).toContain('tried 2 times')
})

test('jest.retryTimes(1, { entireDescribe: true }) runs a failed journey again from its beginning', () => {
  using project = new JestProject('again', 'swc', { setupFilesAfterEnv: ['<rootDir>/setup.js'] })
  project.write('setup.js', 'jest.retryTimes(1, { entireDescribe: true })')
  const { passed, failed, skipped, trace } = project.run(['retry'])
  expect({ passed: passed.length, failed, skipped }).toEqual({
    passed: 6,
    failed: ['step retry gives up'],
    skipped: [],
  })
  expect(trace).toContain('right after start shared')
  for (const line of trace) expect(line).not.toMatch(/^start after ./)
})

test('watch: an edit runs the journey again, from its beginning', async () => {
  using project = new JestProject('checkout')
  const [command, args, options] = project.command(['--watchAll'])
  const watch = spawn(command, args, { ...options, stdio: ['pipe', 'pipe', 'pipe'] })
  try {
    let text = ''
    watch.stderr.on('data', (chunk: Buffer) => void (text += chunk))
    const settled = async (): Promise<string> => {
      while (!/^Ran all test suites/m.test(text)) await sleep(50)
      const round = text
      text = ''
      return round
    }
    expect(await settled()).toContain('cancel it')
    project.write('checkout.test.ts', project.read('checkout.test.ts').replace('cancel it', 'cancel again'))
    expect(await settled()).toMatch(/cancel again[^]*5 passed/)
    const trace = project.read('trace').split('\n')
    expect(trace.filter((line) => line === 'signup after ')).toHaveLength(2)
    expect(trace.filter((line) => line === 'cancel after signup order')).toHaveLength(2)
  } finally {
    watch.kill()
  }
})
