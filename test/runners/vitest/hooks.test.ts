import { beforeAll, describe, expect, test, vi } from 'vitest'
import { PATIENCE, type Run, run } from '../project.ts'

vi.setConfig(PATIENCE)

describe.each([
  ['vitest5', []],
  ['vitest4', ['--no-isolate']],
] as const)('%s', (origin, args) => {
  let all: Run
  beforeAll(async () => {
    all = await run('hooks', args, { origin })
  })

  const traceOf = (pattern: RegExp): string[] => all.trace.filter((line) => pattern.test(line))

  test('a beforeEach that writes does so before each path, at the beginning of all its steps', () => {
    expect(all.passed).toEqual(
      expect.arrayContaining(['a hook writes left', 'a hook writes right', 'a hook writes main line', 'single']),
    )
    const path = (step: string): string[] => [
      'hook finds ',
      'one after hook',
      `${step} after hook one`,
      `after hook finds hook one ${step}`,
    ]
    expect(traceOf(/^(hook|after|one|left|right|end|single)/)).toEqual([
      ...path('left'),
      ...path('right'),
      ...path('end'),
      'hook finds ',
      'single after hook',
      'after hook finds hook single',
    ])
  })

  test('a beforeEach that only reads costs no replay', () => {
    expect(traceOf(/^read one/)).toEqual(['read one after '])
    expect(traceOf(/^reading/)).toEqual(['reading hook finds ', 'reading hook finds read one'])
  })

  test('a beforeEach that writes before some paths only is refused, and harms no other path', () => {
    expect(all.failed).toEqual(['a hook writes sometimes right'])
    const [message] = all.tests.get('a hook writes sometimes right')?.failureMessages ?? []
    expect(message).toContain('A beforeEach hook wrote before this path (db sometimes: 1 inserted)')
    expect(message).toContain('Write in a step or in beforeAll')
    expect(message).toContain('sometimes.test.ts:13:3')
    expect(message).not.toContain('node_modules/venomqa')
    expect(traceOf(/^sometimes third/)).toEqual(['sometimes third after sometimes one'])
  })

  test('beforeAll of an outer describe seeds the start of its journeys and tests', () => {
    expect(traceOf(/^(s\d|plain|d\d|w\d) finds/)).toEqual([
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
    expect(traceOf(/blindly/)).toEqual([
      'b1 blindly after hook',
      'b2 blindly after hook b1',
      'b1 blindly after hook',
      'b3 blindly after hook b1',
    ])
  })
})
