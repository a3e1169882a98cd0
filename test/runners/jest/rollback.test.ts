import { beforeAll, describe, expect, test, vi } from 'vitest'
import { JestProject, type JestRun, runJest } from '../jest-project.ts'

vi.setConfig({ testTimeout: 120_000, hookTimeout: 120_000 })

// Hooks, and tests that are rolled back, with the outcomes of test/runners/vitest.

const matching = (run: JestRun, pattern: RegExp): string[] => run.trace.filter((line) => pattern.test(line))

describe('hooks beside journeys', () => {
  let all: JestRun
  beforeAll(() => void (all = runJest('hooks')))

  test('a beforeEach that writes does so before each path, at the beginning of all its steps', () => {
    const path = (step: string): string[] => [
      'hook finds ',
      'one after hook',
      `${step} after hook one`,
      `after hook finds hook one ${step}`,
    ]
    expect(matching(all, /^(hook|after|one|left|right|end|single)/)).toEqual([
      ...path('left'),
      ...path('right'),
      ...path('end'),
      'hook finds ',
      'single after hook',
      'after hook finds hook single',
    ])
  })

  test('a beforeEach that only reads costs no replay', () => {
    expect(matching(all, /^read one/)).toEqual(['read one after '])
    expect(matching(all, /^reading/)).toEqual(['reading hook finds ', 'reading hook finds read one'])
  })

  test('a beforeEach that writes before some paths only is refused, and harms no other path', () => {
    expect(all.failed).toEqual(['a hook writes sometimes right'])
    expect(all.messages.get('a hook writes sometimes right')).toMatch(/^VenomError: A beforeEach hook wrote[^]*:13:/)
    expect(matching(all, /^sometimes third/)).toEqual(['sometimes third after sometimes one'])
  })

  test('beforeAll of an outer describe seeds the start of its journeys and tests', () => {
    expect(matching(all, /^(s\d|plain|d\d|w\d) finds/)).toEqual([
      's1 finds seed',
      's2 finds seed s1',
      's3 finds seed s1',
      'plain finds seed',
      'd1 finds seed deep',
      'd2 finds seed deep d1',
      'd3 finds seed deep d1',
      'd4 finds seed deep',
      'w1 finds ',
    ])
  })

  test('with a system that cannot tell what changed, every path with hooks runs from its start', () => {
    expect(matching(all, /blindly/)).toEqual([
      'b1 blindly after hook',
      'b2 blindly after hook b1',
      'b1 blindly after hook',
      'b3 blindly after hook b1',
    ])
  })
})

const HOOKED = `import { afterEach, beforeEach, describe } from '@jest/globals'
import { store, test, trace, useRollback } from './world'
const found = (who: string) => (): void => trace(who + ' finds ' + [...store.keys()].join(' '))
beforeEach(() => void store.set('hook', 'wrote'))
afterEach(found('afterEach'))
test('writes', ({ db }) => void db.set('one', '1'))
test('finds what the hook wrote', found('test'))
describe('in the scope of useRollback', () => {
  useRollback()
  test('writes', ({ db }) => void db.set('two', '2'))
  test('finds what the hook wrote', found('scoped test'))
})
`

describe('tests that are rolled back', () => {
  let all: JestRun
  beforeAll(() => {
    using project = new JestProject('rollback')
    project.write('hooked.test.ts', HOOKED)
    all = project.run(['hooks', 'together', 'hooked'])
  })

  test('what hooks wrote is rolled back with the test, after its afterEach hooks', () => {
    expect(all.failed).toEqual([])
    expect(matching(all, /^(afterEach|test|scoped)/)).toEqual([
      'afterEach finds hook one',
      'test finds hook',
      'afterEach finds hook',
      // The hook of useRollback() is of an inner scope, so it is first.
      'afterEach finds ',
      'scoped test finds hook',
      'afterEach finds',
    ])
  })

  test('useRollback rolls back plain tests in its scope, with what beforeEach wrote', () => {
    expect(matching(all, /^useRollback/)).toEqual(['useRollback finds seeded before, before'])
  })

  test('journeys and tests of a file leave each other a clean state', () => {
    expect(matching(all, /^j\d/)).toEqual(['j1 after ', 'j2 after j1', 'j3 after j1', 'j4 after ', 'j5 after '])
  })
})
