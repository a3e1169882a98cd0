import { beforeAll, expect, test, vi } from 'vitest'
import { JestProject, type JestRun } from '../jest-project.ts'

vi.setConfig({ testTimeout: 120_000 })

// How failures of steps are reported: one run of projects/failures, where every failure is on purpose.

let all: JestRun
const sources = new Map<string, string[]>()

beforeAll(() => {
  using project = new JestProject('failures')
  project.write('timeouts.test.ts', `${project.read('timeouts.test.ts')}${PLAIN}`)
  for (const file of ['assertions', 'frames', 'late', 'throws', 'timeouts']) {
    sources.set(file, project.read(`${file}.test.ts`).split('\n'))
  }
  all = project.run([...sources.keys()])
}, 120_000)

const PLAIN = `
import { test } from './world'
test('is slow', () => sleep(60), 30) // here: slow
test.failing('passes after all', () => {}) // here: passes
`

const lineOf = (file: string, mark: string): number =>
  sources.get(file)!.findIndex((line) => line.includes(`// here: ${mark}`)) + 1
/** The first place in the user's code that a test's failure points at. */
const frameOf = (name: string): string | undefined => /([\w-]+(?:\.test)?\.ts:\d+):\d+/.exec(messageOf(name))?.[1]
const messageOf = (name: string): string => all.messages.get(name) ?? ''

test.each([
  ['an assertion', 'assertion', 'expect(received).toBe(expected)'],
  ['after an await', 'await', 'expect(received).toEqual(expected)'],
  ['a rejection', 'rejects', 'Received promise resolved instead of rejected'],
  ['a ref off its path', 'ref', 'The value of step "later" was read before the step ran.'],
  ['after writing', 'wrote', 'it broke'],
])('%s points at the line of the user, with the path beside it', (name, mark, message) => {
  expect(messageOf(`frames ${name}`)).toContain(message)
  expect(messageOf(`frames ${name}`)).toMatch(/\npath: a step → ◆ here → ✗ \w+\n/)
  expect(frameOf(`frames ${name}`)).toBe(`frames.test.ts:${lineOf('frames', mark)}`)
})

test('in a helper, its frame comes first and then that of the step', () => {
  expect(frameOf('frames in a helper')).toBe('helper.ts:4')
  expect(messageOf('frames in a helper')).toContain(`frames.test.ts:${lineOf('frames', 'helper')}:`)
})

test('the failure of a rolled back test points at its line, and the code is printed', () => {
  expect(frameOf('a plain test')).toBe(`frames.test.ts:${lineOf('frames', 'plain')}`)
  expect(all.text).toMatch(/> \d+ \| {3}expect\(db\.size\)\.toBe\(9\)/)
})

test('no frame of this package is printed but where a promise was forgotten', () => {
  for (const [name, message] of all.messages) {
    if (!name.startsWith('forgets')) expect(message).not.toMatch(/node_modules[\\/]venomqa/)
  }
})

test('what the path changed since its last checkpoint is told', () => {
  expect(messageOf('frames after writing')).toContain(
    'changed since ◆ here:\n  db frames: 1 updated (value done → changed)\n  db new: 1 inserted',
  )
})

test('every test has the line of its journey, branch or test', () => {
  for (const [name, line] of all.lines) {
    const [, last = name] = / (?:\S.*)$/.exec(name) ?? []
    expect(line, `${name} ${last}`).toBeGreaterThan(0)
  }
  const inTimeouts = (text: string): number => sources.get('timeouts')!.findIndex((line) => line.includes(text)) + 1
  expect(all.lines.get('timeouts too slow')).toBe(inTimeouts("branch('too slow'"))
  expect(all.lines.get('is slow')).toBe(lineOf('timeouts', 'slow'))
})

test('expect.assertions and expect.hasAssertions hold for the step they stand in', () => {
  expect(all.failed.filter((name) => name.startsWith('assertions'))).toEqual([
    'assertions too few one',
    'assertions too many',
    'assertions none',
  ])
  expect(all.skipped).toContain('assertions too few two')
  expect(all.passed).toEqual(
    expect.arrayContaining(['assertions asserts nothing itself', 'assertions those of others do not count']),
  )
  expect(messageOf('assertions too few one')).toContain('Expected two assertions to be called but received one')
  expect(frameOf('assertions too few one')).toBe(`assertions.test.ts:${lineOf('assertions', 'too few')}`)
  expect(messageOf('assertions none')).toContain('Expected at least one assertion to be called but received none')
  expect(frameOf('assertions none')).toBe(`assertions.test.ts:${lineOf('assertions', 'none')}`)
})

test.each([
  ['a string', 'step "fails" threw no error at all.', 1],
  ['undefined', 'step "fails" threw undefined', 1],
  ['an object', 'step "fails" threw { status: 500, body: { a: 1 } }', 1],
  ['a frozen error', 'Error: frozen', 2],
  ['an error without a message', 'RangeError: \n\npath: a step → ◆ here → ✗ fails', 2],
])('%s thrown is reported at the step', (name, message, below) => {
  const branch = sources.get('throws')!.findIndex((line) => line.includes(`branch('${name}'`)) + 1
  expect(messageOf(`throws ${name}`)).toContain(message)
  expect(frameOf(`throws ${name}`)).toBe(`throws.test.ts:${branch + below}`)
})

test('a step that skips stops its path, and only on a condition that holds', () => {
  expect(all.skipped).toEqual(expect.arrayContaining(['skips at run time always one', 'skips at run time always two']))
  expect(all.passed).toContain('skips at run time if')
  expect(all.trace).toContain('went on')
  expect(all.text).toContain('skipped: no such feature on this machine')
})

test('a step that takes too long is aborted, and its last write is gone before the next path', () => {
  expect(messageOf('timeouts too slow')).toContain('step "writes late" timed out in 40 ms')
  expect(frameOf('timeouts too slow')).toBe(`timeouts.test.ts:${lineOf('timeouts', 'late')}`)
  expect(frameOf('timeouts stops by its signal')).toBe(`timeouts.test.ts:${lineOf('timeouts', 'signal')}`)
  expect(all.trace.filter((line) => /abort|late/.test(line))).toEqual([
    'aborted: step "writes late" timed out in 40 ms.',
    'wrote late',
    'after late after t',
    'quick, aborted: false',
  ])
})

test('what Jest itself says of a test points at the test', () => {
  expect(messageOf('passes after all')).toContain('Failing test passed even though it was supposed to fail')
  expect(frameOf('passes after all')).toBe(`timeouts.test.ts:${lineOf('timeouts', 'passes')}`)
  expect(messageOf('is slow')).toContain('timed out in 30 ms')
  expect(frameOf('is slow')).toBe(`timeouts.test.ts:${lineOf('timeouts', 'slow')}`)
})

test('what a step that never ends leaves behind stops every test that would stand on it, each at its own line', () => {
  using project = new JestProject('failures')
  const { failed, messages, trace } = project.run(['never'])
  expect(failed).toEqual([
    'never ends',
    'never comes next',
    'never comes later',
    'another',
    'a plain test',
    'a second plain test',
  ])
  expect(trace).toEqual(['before never'])
  const next =
    project
      .read('never.test.ts')
      .split('\n')
      .findIndex((line) => line.includes('here: next')) + 1
  expect(messages.get('never comes next')).toMatch(`never.test.ts:${next}:`)
  for (const name of failed.slice(1)) {
    expect(messages.get(name)).toMatch(/^VenomError: The state is unknown, so nothing more runs on it: step "hangs"/)
  }
})
