import { beforeAll, describe, expect, test, vi } from 'vitest'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { root } from '../package.ts'
import { PATIENCE, type Run, run } from '../project.ts'

vi.setConfig(PATIENCE)

// How failures of steps are reported: one run of projects/failures, where every failure is on purpose.
describe.each(['vitest5', 'sources', 'vitest4'] as const)('%s', (origin) => {
  let all: Run
  beforeAll(async () => {
    all = await run('failures', ['--no-isolate'], { origin })
  })

  /** What is printed for one test, without what follows. */
  const printed = (file: string, names: string): string => {
    const parts = all.text.split(/^ FAIL  /m).slice(1)
    const of = (part: string): boolean =>
      part.split('\n')[0]!.replace(/:\d+(:\d+)?/, '') === `${file}.test.ts > ${names}`
    return parts.filter((part, i) => of(part) || (/^.*\n$/.test(part) && of(parts[i + 1] ?? ''))).join('\n')
  }
  /** The place that the reader is pointed at. */
  const frameOf = (text: string): string | undefined => /❯ .*?([\w-]+(?:\.test)?\.ts:\d+):\d+/.exec(text)?.[1]

  test('no frame of this package is printed anywhere', () => {
    expect(all.text).not.toMatch(/❯ .*(node_modules\/venomqa|vitest-plugin\/|src\/)/)
  })

  test.each([
    ['an assertion', 'assertion', 'expected 1 to be 7'],
    ['after an await', 'await', 'expected { a: 1 } to deeply equal { a: 2 }'],
    ['a rejection', 'rejects', 'promise resolved "1" instead of rejecting'],
    ['with a cause', 'cause', 'Caused by: Error: inner'],
    ['a ref off its path', 'ref', 'The value of step "later" was read before the step ran.'],
    ['after writing', 'wrote', 'it broke'],
  ])('%s points at the line of the user, with the path beside it', (name, mark, message) => {
    const text = printed('frames', `frames > ${name}`)
    expect(text).toContain(message)
    expect(text).toMatch(/\npath: a step → ◆ here → ✗ \w+\n/)
    expect(frameOf(text)).toBe(`frames.test.ts:${lineOf('frames', mark)}`)
  })

  test('in a helper, its frame comes first and then that of the step', () => {
    const text = printed('frames', 'frames > in a helper')
    expect(frameOf(text)).toBe('helper.ts:4')
    expect(text).toContain(`❯ frames.test.ts:${lineOf('frames', 'helper')}`)
  })

  test('what the path changed since its last checkpoint is told', () => {
    const text = printed('frames', 'frames > after writing')
    expect(text).toContain('changed since ◆ here:\n  db frames: 1 updated (value done → changed)\n  db new: 1 inserted')
  })

  test('a shared step that fails is reported once, and not tried again by other paths', () => {
    expect(all.failed.filter((name) => name.startsWith('shared'))).toEqual(['shared rotten one'])
    expect(all.passed).toEqual(expect.arrayContaining(['shared sound', 'shared sound as well']))
    for (const name of ['shared rotten two three', 'shared rotten main line']) {
      expect(all.tests.get(name)?.status).toBe('skipped')
      expect(all.tests.get(name)?.meta.venomqa?.skipped).toBe(
        'step "breaks" failed, reported by "shared > rotten > one"',
      )
    }
    expect(all.trace.filter((line) => line === 'breaks')).toHaveLength(1)
    expect(frameOf(printed('shared', 'shared > rotten > one'))).toBe(`shared.test.ts:${lineOf('shared', 'shared')}`)
    expect(all.text).toContain('skipped: step "breaks" failed, reported by "shared > rotten > one"')
  })

  test('expect.soft in a shared step: the path goes on, the step is reported once', () => {
    expect(all.failed.filter((name) => name.startsWith('soft'))).toEqual([
      'soft in a shared step one',
      'soft with the global expect',
    ])
    expect(all.tests.get('soft in a shared step two')?.meta.venomqa?.skipped).toMatch(/"fails softly" failed/)
    expect(all.passed).toContain('soft sound')
    expect(all.trace.filter((line) => /soft|^goes on/.test(line))).toEqual([
      'soft after ',
      'fails softly',
      'goes on after soft',
      'one after soft goes on',
      'goes on globally after soft',
      'sound after soft',
    ])
    expect(all.text).toContain('✗ fails softly')
    const text = printed('soft', 'soft > in a shared step > one')
    expect(text).toContain('expected 1 to be 2')
    expect(text).toContain("expected 'a' to be 'b'")
    expect(frameOf(text)).toBe(`soft.test.ts:${lineOf('soft', 'soft')}`)
    expect(frameOf(printed('soft', 'soft > with the global expect'))).toBe(
      `soft.test.ts:${lineOf('soft', 'soft global')}`,
    )
  })

  test('expect.assertions and expect.hasAssertions hold for the step they stand in', () => {
    expect(all.failed.filter((name) => name.startsWith('assertions'))).toEqual([
      'assertions too few one',
      'assertions too many',
      'assertions none',
    ])
    expect(all.tests.get('assertions too few two')?.meta.venomqa?.skipped).toMatch(/"promises two" failed/)
    expect(all.passed).toEqual(
      expect.arrayContaining(['assertions asserts nothing itself', 'assertions those of others do not count']),
    )
    const few = printed('assertions', 'assertions > too few > one')
    expect(few).toContain('expected number of assertions to be 2, but got 1')
    expect(frameOf(few)).toBe(`assertions.test.ts:${lineOf('assertions', 'too few') - 1}`)
    const none = printed('assertions', 'assertions > none')
    expect(none).toContain('expected any number of assertion, but got none')
    expect(frameOf(none)).toBe(`assertions.test.ts:${lineOf('assertions', 'none')}`)
  })

  test.each([
    ['a string', 'step "fails" threw no error at all.', 1],
    ['undefined', 'step "fails" threw undefined', 1],
    ['an object', 'step "fails" threw { status: 500, body: { a: 1 } }', 1],
    ['a frozen error', 'Error: frozen', 2],
    ['an error without a message', 'RangeError: \n\npath: a step → ◆ here → ✗ fails', 2],
    ['an error of another realm', 'Error: elsewhere\n\npath:', 3],
  ])('%s thrown is reported at the step', (name, message, below) => {
    const text = printed('throws', `throws > ${name}`)
    expect(text).toContain(message)
    expect(frameOf(text.replace(/ ❯ evalmachine.*\n/, ''))).toBe(
      `throws.test.ts:${lineOf('throws', `branch('${name}'`) + below}`,
    )
  })

  test('an error that is thrown twice has each time one path beside it', () => {
    expect(printed('throws', 'throws > the same error again').match(/path:/g)).toHaveLength(1)
  })

  test('a step that skips itself skips every path through it, each with the reason', () => {
    for (const name of ['one', 'two']) {
      const skipped = all.tests.get(`skips at run time always ${name}`)
      expect(skipped?.status).toBe('skipped')
      expect(skipped?.meta.venomqa?.skipped).toBe('no such feature on this machine')
    }
    expect(all.passed).toContain('skips at run time if')
    expect(all.trace).toContain('went on')
    expect(all.trace.filter((line) => line.includes('after a skip'))).toEqual([])
  })

  test('a step that takes too long: named, aborted, and awaited before the next path', () => {
    expect(all.failed.filter((name) => name.startsWith('timeouts'))).toEqual([
      'timeouts too slow',
      'timeouts stops by its signal',
    ])
    const late = printed('timeouts', 'timeouts > too slow')
    expect(late).toContain('step "writes late" timed out in 40 ms.')
    expect(late).toContain('give it more: step(name, { timeout: 80 }, body)')
    expect(frameOf(late)).toBe(`timeouts.test.ts:${lineOf('timeouts', 'late')}`)
    expect(frameOf(printed('timeouts', 'timeouts > stops by its signal'))).toBe(
      `timeouts.test.ts:${lineOf('timeouts', 'signal')}`,
    )
    expect(all.trace.filter((line) => /^(t |aborted|wrote|after late|quick)/.test(line))).toEqual([
      't after ',
      'aborted: step "writes late" timed out in 40 ms.',
      'wrote late',
      'after late after t',
      'quick, aborted: false',
    ])
  })

  test('after a step that never ends nothing runs, and every test says which step it was', () => {
    const after = ['never comes next', 'never comes later', 'another', 'a plain test', 'a second plain test']
    expect(all.failed).toEqual(expect.arrayContaining(['never ends', ...after]))
    for (const name of after) {
      expect(all.tests.get(name)?.failureMessages[0]).toContain(
        'step "hangs" is still running 60 ms after it should have ended',
      )
    }
    expect(all.trace.filter((line) => /never/.test(line))).toEqual(['before never'])
    expect(frameOf(printed('never', 'never > ends'))).toBe(`never.test.ts:${lineOf('never', 'hangs')}`)
    expect(frameOf(printed('never', 'never > comes next'))).toBe(`never.test.ts:${lineOf('never', 'next')}`)
  })

  test('a write that was not awaited is rolled back with the path in which it landed', () => {
    expect(all.passed).toContain('forgets to await a write that comes in time')
    expect(all.trace).toContain('next path finds forgets')
  })

  test('an assertion that was not awaited belongs to its step', () => {
    expect(all.failed).toContain('forgets to await an assertion one')
    expect(all.tests.get('forgets to await an assertion two')?.meta.venomqa?.skipped).toMatch(/"does not wait" failed/)
    const text = printed('late', 'forgets > to await an assertion > one')
    expect(text).toContain('expected 1 to be 2')
    expect(frameOf(text)).toBe(`late.test.ts:${lineOf('late', 'forgotten')}`)
  })

  test('a rejection that nobody heard fails the run', () => {
    expect(all.text).toContain('Unhandled Rejection')
    expect(all.text).toContain(`late.test.ts:${lineOf('late', 'unheard')}`)
    expect(all.status).toBe(1)
  })
})

test('expect.requireAssertions counts the assertions of steps whose state came back', async () => {
  const { failed, passed, text } = await run('failures', ['assertions', '--expect.requireAssertions'])
  expect(passed).toContain('assertions asserts nothing itself')
  expect(passed.filter((name) => name.startsWith('mixed'))).toHaveLength(2)
  expect(failed).toContain('no assertions none at all')
  expect(text).toMatch(new RegExp(`got none\n ❯ assertions.test.ts:${lineOf('assertions', "branch('none at all'")}:`))
})

/** The line of projects/failures/FILE.test.ts with a comment `here: MARK`, or with the text itself. */
function lineOf(file: string, mark: string): number {
  const lines = readFileSync(join(root, 'test/runners/projects/failures', `${file}.test.ts`), 'utf8').split('\n')
  const marked = lines.findIndex((line) => line.endsWith(`// here: ${mark}`))
  return (marked < 0 ? lines.findIndex((line) => line.includes(mark)) : marked) + 1
}
