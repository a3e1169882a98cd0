import { beforeAll, describe, expect, test, vi } from 'vitest'
import { PATIENCE, type Run, run } from '../project.ts'

vi.setConfig(PATIENCE)

// Ordinary tests that are rolled back, and journeys beside them: one run of projects/rollback.
describe.each(['vitest5', 'vitest4'] as const)('%s', (origin) => {
  let all: Run
  const traceOf = (pattern: RegExp): string[] => all.trace.filter((line) => pattern.test(line))

  beforeAll(async () => {
    all = await run('rollback', ['--no-isolate'], { origin })
  })

  test('only what is to fail fails', () => {
    expect(all.failed.toSorted()).toEqual(['second of two', 'times out'])
    expect(all.passed).toHaveLength(24)
  })

  test('the fixture rolls a test back, after its afterEach hooks and with or without naming a system', () => {
    expect(traceOf(/^fixture/)).toEqual(['fixture finds ', 'fixture finds ', 'fixture finds '])
    expect(all.trace).toEqual(expect.arrayContaining(['afterEach finds one', 'afterEach finds unnamed']))
  })

  test('test.each, test.for and each try of a retry begin clean', () => {
    expect(traceOf(/^(each|for|try)/)).toEqual([
      'each 1 finds ',
      'each 2 finds ',
      'for 1 finds ',
      'for 2 finds ',
      'try finds ',
      'try finds ',
    ])
  })

  test('fixtures of the user stand on ours, and are rolled back after their teardown', () => {
    expect(traceOf(/^(extended|teardown)/)).toEqual([
      'extended finds user',
      'teardown finds user of ada',
      'extended for ada finds user',
      'teardown finds user',
    ])
  })

  test('useRollback rolls back plain tests in its scope, with what beforeEach wrote', () => {
    expect(traceOf(/^useRollback/)).toEqual(['useRollback finds seeded before, before'])
  })

  test('journeys and tests of a file leave each other a clean state', () => {
    expect(traceOf(/^j\d/)).toEqual(['j1 after ', 'j2 after j1', 'j3 after j1', 'j4 after ', 'j5 after '])
  })

  test('test.concurrent is refused with both names, and the tests after it run', () => {
    const [message] = all.tests.get('second of two')?.failureMessages ?? []
    expect(message).toContain('"second of two" cannot run while "first of two" uses the same systems.')
    expect(message).toContain('Take .concurrent away from them, or sequence.concurrent from the configuration')
    expect(message).not.toContain('node_modules/venomqa')
    expect(traceOf(/ran$/)).toEqual(['first of two ran', 'after them ran'])
  })
})

test('with sequence.concurrent journeys still run one after the other', async () => {
  const { passed, failed, trace } = await run('checkout', ['--sequence.concurrent'])
  expect(failed).toEqual([])
  expect(passed).toHaveLength(5)
  expect(trace).toContain('ship after signup order')
})
