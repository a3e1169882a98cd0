import { expect, test, vi } from 'vitest'
import { type Format, JestProject, type JestRun } from '../jest-project.ts'

vi.setConfig({ testTimeout: 120_000 })

// The preset beside what a project has of its own: reporters, an environment, set-up files, a global set-up.

const TREE = /checkout checkout\.test\.ts \(5 paths\)\n {3}sign up [\d.]+ ms → ◆ signed up/

const OWN_REPORTER = `module.exports = class {
  onRunComplete(_, { numPassedTests }) { process.stderr.write('mine: ' + numPassedTests + ' passed') }
}`

const OWN_ENVIRONMENT = `const { TestEnvironment } = require('jest-environment-node')
module.exports = class extends TestEnvironment {
  async setup() { await super.setup(); this.global.ofTheEnvironment = 'here' }
  handleTestEvent(event) { if (event.name === 'test_skip') process.stderr.write('skipped ' + event.test.name + '\\n') }
}`

/** As jsdom is under Jest: without much of what is global in Node. */
const BARE_ENVIRONMENT = `const { TestEnvironment } = require('jest-environment-node')
module.exports = class extends TestEnvironment {
  async setup() {
    await super.setup()
    for (const name of ['setImmediate', 'clearImmediate', 'structuredClone', 'TextDecoder', 'fetch']) delete this.global[name]
  }
}`

const BARE_TEST = `import { PassThrough } from 'node:stream'
import { expect } from '@jest/globals'
import { defineWorld } from 'venomqa/jest'
import { memory } from 'venomqa/memory'
const logs = new PassThrough()
const systems = { bytes: memory(new Map<string, Uint8Array>()) }
const { journey, step, checkpoint, branch, explore, action } = defineWorld({ systems, logs })
journey('bytes', () => {
  step('write', ({ bytes }) => void bytes.set('a', new Uint8Array([1])))
  checkpoint('written')
  branch('one', () => step('overwrite', ({ bytes }) => void (bytes.get('a')![0] = 2)))
  branch('two', () => step('read', async ({ bytes }) => {
    logs.write(Buffer.from('a line of the log'))
    await new Promise((resolve) => setTimeout(resolve, 5))
    expect(bytes.get('a')![0]).toBe(3)
  }))
})
const wait = () => new Promise((resolve) => setTimeout(resolve, 20))
const add = action({ when: ({ bytes }) => bytes.size < 3, run: async ({ bytes }) => { await wait(); bytes.set('k' + bytes.size, new Uint8Array(1)) } })
explore('more bytes', { actions: { add } }, { seed: 1 })
`

test('an environment like a browser’s lacks nothing that journeys and explorations need', () => {
  using project = new JestProject('checkout', 'swc', { testEnvironment: './environment.cjs' })
  project.write('environment.cjs', BARE_ENVIRONMENT)
  project.write('bare.test.ts', BARE_TEST)
  const { failed, passed, messages } = project.run(['bare'])
  expect(failed).toEqual(['bytes two'])
  expect(messages.get('bytes two')).toMatch(/Expected: 3\s+Received: 1/)
  expect(messages.get('bytes two')).toContain('a line of the log')
  expect(passed).toEqual(['bytes one', 'more bytes'])
})

function checkoutWith(config: object, files: Record<string, string>, format: Format = 'swc'): JestRun {
  using project = new JestProject('checkout', format, config)
  for (const [file, text] of Object.entries(files)) project.write(file, text)
  return project.run()
}

test('own reporters take the place of the preset’s: the journeys run, without their tree', () => {
  const { passed, text } = checkoutWith({ reporters: ['default', './mine.cjs'] }, { 'mine.cjs': OWN_REPORTER })
  expect(passed).toHaveLength(5)
  expect(text).toContain('mine: 5 passed')
  expect(text).not.toContain('◆ signed up')
})

test.each(['swc', 'esm'] as const)(
  'own reporters with venomqa/jest-reporter among them print the tree: %s',
  (format) => {
    const reporters = ['default', 'venomqa/jest-reporter', './mine.cjs']
    const { passed, text } = checkoutWith({ reporters }, { 'mine.cjs': OWN_REPORTER }, format)
    expect(passed).toHaveLength(5)
    expect(text).toContain('mine: 5 passed')
    expect(text).toMatch(TREE)
  },
)

test('a project without the preset needs nothing but the import', () => {
  const { passed, text } = checkoutWith({ preset: null }, {})
  expect(passed).toHaveLength(5)
  expect(text).not.toContain('◆ signed up')
})

test('an own environment with handlers of its own sees what is skipped', () => {
  using project = new JestProject('failures', 'swc', { testEnvironment: './environment.cjs' })
  project.write('environment.cjs', OWN_ENVIRONMENT)
  project.write(
    'shared.test.ts',
    `${project.read('shared.test.ts')}\nif (ofTheEnvironment !== 'here') throw new Error()\n`,
  )
  const { failed, skipped, text } = project.run(['shared'])
  expect(failed).toHaveLength(1)
  expect(skipped).toHaveLength(2)
  expect(text.match(/^skipped (main line|three)$/gm)).toHaveLength(2)
  expect(text).toContain('skipped: step "breaks" failed')
})

test.each(['swc', 'esm'] as const)('own set-up files and a global set-up run beside it: %s', (format) => {
  const { passed, trace, text } = checkoutWith(
    {
      setupFiles: ['./first.cjs'],
      setupFilesAfterEnv: ['./after.cjs'],
      globalSetup: './start.cjs',
      globalTeardown: './stop.cjs',
    },
    {
      'first.cjs': 'globalThis.first = true',
      'after.cjs':
        "afterAll(() => require('node:fs').appendFileSync(process.env.TRACE, `after all, ${first}, ${process.env.STARTED}\\n`))",
      'start.cjs': "module.exports = () => void (process.env.STARTED = 'once')",
      'stop.cjs': "module.exports = () => console.log('stopped ' + process.env.STARTED)",
    },
    format,
  )
  expect(passed).toHaveLength(5)
  expect(trace.at(-1)).toBe('after all, true, once')
  expect(text).toContain('stopped once')
  expect(text).toMatch(TREE)
})

test.each(['swc', 'esm'] as const)(
  'a driver is loaded when the first path needs it, before every other hook: %s',
  (format) => {
    using project = new JestProject('hooks', format, { setupFilesAfterEnv: ['./after.cjs'] })
    project.write('driver.cjs', "exports.connect = () => 'connected'")
    project.write('after.cjs', "beforeEach(() => require('node:fs').appendFileSync(process.env.TRACE, 'hook\\n'))")
    project.write(
      'lazy.test.ts',
      `import { defineWorld } from 'venomqa/jest'
import { memory } from 'venomqa/memory'
import { trace } from './world'
const { journey, step, checkpoint, branch } = defineWorld({
  systems: { db: memory(new Map()) },
  api: async () => {
    trace('opens')
    return (await import('./driver.cjs')).connect()
  },
})
journey('lazy', () => {
  const api = step('read', ({ api }) => api)
  checkpoint('read')
  for (const name of ['left', 'right']) branch(name, () => void step(name, ({ expect }) => expect(api.value).toBe('connected')))
})
`,
    )
    const { messages, passed, trace } = project.run(['lazy'])
    expect([...messages.values()].filter(Boolean)).toEqual([])
    expect(passed).toEqual(['lazy left', 'lazy right'])
    expect(trace).toEqual(['opens', 'hook', 'hook'])
  },
)

test('projects of one run are told apart', () => {
  using project = new JestProject('several')
  const { jest } = JSON.parse(project.read('package.json')) as { jest: object }
  for (const file of ['left.test.ts', 'right.test.ts']) {
    project.write(file, project.read(file).replaceAll(/^.*inject.*$/gm, ''))
  }
  const projects = ['left', 'right'].map((name) => ({
    ...jest,
    reporters: undefined,
    displayName: name,
    testMatch: [`<rootDir>/${name}.test.ts`],
  }))
  project.write('package.json', JSON.stringify({ private: true, jest: { preset: 'venomqa', projects } }))
  const { passed, text } = project.run(['--testLocationInResults'])
  expect(passed.toSorted()).toEqual(['left journey a', 'left journey b', 'right journey a', 'right journey b'])
  expect(text).toMatch(/left journey left\.test\.ts \(2 paths\)/)
  expect(text).toMatch(/right journey right\.test\.ts \(2 paths\)/)
})
