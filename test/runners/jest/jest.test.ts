import { describe, expect, test, vi } from 'vitest'
import { type Format, JestProject, runJest } from '../jest-project.ts'

vi.setConfig({ testTimeout: 120_000 })

// The journeys that Vitest runs in test/runners/vitest, in the real Jest, with the same outcomes.

const PATHS = ['refund again', 'refund receipt', 'cancel', 'leave', 'main line'].map((path) => `checkout ${path}`)
const BEGINNINGS: Record<string, string> = {
  signup: '',
  order: 'signup',
  refund: 'signup order',
  again: 'signup order refund',
  receipt: 'signup order refund',
  cancel: 'signup order',
  leave: 'signup',
  ship: 'signup order',
}

function expectOwnBeginnings(trace: readonly string[]): void {
  expect(trace.length).toBeGreaterThan(0)
  for (const line of trace) {
    const [step = ''] = line.split(' ')
    expect(line).toBe(`${step} after ${BEGINNINGS[step]}`)
  }
}

test.each(['swc', 'babel', 'esm'] as const satisfies readonly Format[])(
  'every path runs, and shared steps run once: %s',
  (format) => {
    const { passed, trace, text } = runJest('checkout', [], format)
    expect(passed.toSorted()).toEqual(PATHS.toSorted())
    expect(trace.map((line) => line.split(' ')[0] ?? '').toSorted()).toEqual(Object.keys(BEGINNINGS).toSorted())
    expectOwnBeginnings(trace)
    expect(text).toMatch(/checkout checkout\.test\.ts \(5 paths\)\n {3}sign up [\d.]+ ms → ◆ signed up\n {3}├─ ✓ leave/)
  },
)

test('-t runs one path with the steps before it', () => {
  const { passed, skipped, trace } = runJest('checkout', ['-t', 'receipt'])
  expect(passed).toEqual(['checkout refund receipt'])
  expect(skipped).toHaveLength(4)
  expect(trace.map((line) => line.split(' ')[0])).toEqual(['signup', 'order', 'refund', 'receipt'])
})

test.each([1, 2, 3])('randomized with seed %i, every step finds its own beginning', (seed) => {
  const { passed, trace } = runJest('checkout', ['--randomize', `--seed=${seed}`])
  expect(passed.toSorted()).toEqual(PATHS.toSorted())
  expectOwnBeginnings(trace)
})

test.each(['swc', 'esm'] as const)('the clock of Jest is rolled back: %s', (format) => {
  const { passed, failed, text } = runJest('jest-clock', [], format)
  expect(failed, text).toEqual([])
  expect(passed).toHaveLength(2)
})

test('without injected globals', () => {
  using project = new JestProject('checkout', 'swc', { injectGlobals: false })
  expect(project.run().passed.toSorted()).toEqual(PATHS.toSorted())
})

test('.only, .skip, .todo, .each, skipIf and runIf', () => {
  const all = runJest('modes')
  expect(all.failed).toEqual([])
  const ran = (pattern: RegExp): string[] => all.trace.filter((line) => pattern.test(line))
  expect(all.passed).toContain('the only journey')
  expect(all.skipped).toEqual(
    expect.arrayContaining([
      'the other journey',
      'one branch the other branch',
      'one branch main line',
      'one step not through it',
    ]),
  )
  expect(all.passed).toEqual(
    expect.arrayContaining(['one step through it on the left', 'one step through it on the right']),
  )
  expect(all.skipped).toEqual(expect.arrayContaining(['skips with a skipped step depends on it']))
  expect(all.text).toContain('skipped: step "not now" is marked skip')
  expect(ran(/depends on|to write|other one|another step/)).toEqual([])
  expect(all.todo).toEqual(
    expect.arrayContaining(['a journey to write', 'todos a branch to write', 'todos with a step to write']),
  )
  expect(ran(/^(card|cash)/)).toEqual(['card 1 after ', 'cash 2 after '])
  expect(all.passed).toEqual(expect.arrayContaining(['runIf(true)', 'conditions skipIf(empty)']))
})

describe('a shared step that fails', () => {
  test('is reported once, with the user’s own error at the user’s line; the others are skipped and say why', () => {
    using project = new JestProject('failures')
    const { failed, skipped, passed, messages, text, trace } = project.run(['shared'])
    expect(failed).toHaveLength(1)
    expect(passed).toEqual(['shared sound', 'shared sound as well'])
    expect(skipped).toHaveLength(2)
    expect(trace.filter((line) => line === 'breaks')).toHaveLength(1)
    const message = messages.get(failed[0]!)!
    const line =
      project
        .read('shared.test.ts')
        .split('\n')
        .findIndex((one) => one.includes('here: shared')) + 1
    expect(message).toContain('the shared step broke\n\npath: a step → ◆ here → ✗ breaks')
    expect(message).toContain(`shared.test.ts:${line}:`)
    expect(message).not.toMatch(/node_modules[\\/]venomqa/)
    expect(text).toContain(`skipped: step "breaks" failed, reported by "${failed[0]}"`)
  })

  test('is one short line for each of the others where Jest cannot skip', () => {
    using project = new JestProject('failures')
    project.write('jest.setup.js', "delete globalThis[Symbol.for('EVENT_HANDLERS')]")
    const { failed, messages } = project.run(['shared', '--setupFilesAfterEnv=./jest.setup.js'])
    expect(failed).toHaveLength(3)
    const [, ...others] = failed
    for (const name of others) {
      expect(messages.get(name)).toBe(`step "breaks" failed, reported by "${failed[0]}"`)
    }
  })

  test('is tried again with the test that reported it: retryTimes', () => {
    using project = new JestProject('failures')
    const source = project.read('shared.test.ts')
    project.write(
      'shared.test.ts',
      `jest.retryTimes(1)\n${source.replace("trace('breaks')", "trace('breaks')\n      if (tries++ > 0) return").replace('journey(', 'let tries = 0\njourney(')}`,
    )
    const { failed, passed, trace } = project.run(['shared'])
    expect(failed).toEqual([])
    expect(passed).toHaveLength(5)
    expect(trace.filter((line) => line === 'breaks')).toHaveLength(2)
  })
})

describe('what a project of Jest uses', () => {
  test('snapshots, assertions, fake timers, skips, tests and hooks', () => {
    using project = new JestProject('jest')
    const all = project.run()
    expect(all.failed.toSorted()).toEqual(['a slow test', 'assertions too few'])
    expect(all.messages.get('a slow test')).toContain('step "a slow test" timed out in 40 ms')
    expect(all.messages.get('assertions too few')).toContain('Expected two assertions to be called')
    expect(all.skipped).toEqual(['skips at run time'])
    expect(all.todo).toEqual(['a test to write'])
    expect(all.text).toContain('skipped: no such feature')
    expect(all.trace.filter((line) => /seed|left|right/.test(line))).toEqual([
      'seeded after seed, but the context had ',
      'left after seed seeded, but the context had seeded',
      'seeded after seed, but the context had ',
      'right after seed seeded, but the context had seeded',
      'left',
    ])
    expect(snapshots(project)).toEqual([
      'snapshots left its step 1',
      'snapshots right its step 1',
      'snapshots shared 1',
    ])
    for (const filter of ['right', 'left']) {
      const { failed, text } = project.run(['--ci', '-t', `snapshots ${filter}`])
      expect(failed).toEqual([])
      expect(text).not.toMatch(/obsolete|not written/)
    }
  })
})

/** The names of the snapshots that were written. */
function snapshots(project: JestProject): string[] {
  const written = project.read('__snapshots__/shop.test.ts.snap')
  return [...written.matchAll(/^exports\[`(.*)`\]/gm)].map(([, name]) => name ?? '')
}
