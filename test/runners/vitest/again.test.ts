import { describe, expect, test, vi } from 'vitest'
import { PATIENCE, Project, run } from '../project.ts'

vi.setConfig(PATIENCE)

// What runs again, because it failed or because it is wanted: retry, repeats, watch.

describe.concurrent.each(['vitest5', 'vitest4'] as const)('%s', (origin) => {
  test('a step with retries is tried again from the state before it, without the runner', async () => {
    const { passed, failed, skipped, trace } = await run('again', ['retry'], { origin })
    expect(failed).toEqual(['flaky alone', 'flaky shares left', 'step retry gives up', 'tests a plain test'])
    expect(skipped).toEqual(['flaky shares right'])
    expect(passed).toEqual(['step retry goes on', 'options of a branch hands its retries on'])
    const repeated = (line: string): number => trace.filter((one) => one === line).length
    expect(repeated('tries after before')).toBe(3)
    expect(repeated('on after before tries')).toBe(1)
    expect(repeated('gives up after before tries')).toBe(2)
    expect(repeated('inherits after b')).toBe(2)
    expect(repeated('shared after start')).toBe(1)
  })

  test('--retry tries a path again from its last checkpoint, and a shared failure with it', async () => {
    const { passed, failed, trace, text } = await run('again', ['retry', '--retry=1'], { origin })
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

  test('repeats run the steps after the last shared checkpoint again', async () => {
    const { passed, trace } = await run('again', ['repeats'], { origin })
    expect(passed).toEqual(['repeated repeats left', 'repeated repeats right', 'repeated one line'])
    expect(trace.slice(0, 13)).toEqual([
      'repeated start after ',
      ...Array<string>(3).fill('left after repeated start'),
      ...Array<string>(3).fill('right after repeated start'),
      ...Array<string[]>(3).fill(['one after ', 'two after one']).flat(),
    ])
  })

  test('the time-out and the retries of an outer describe hold for its steps', async () => {
    const { failed, text } = await run('again', ['repeats', '-t', 'too long'], { origin })
    expect(failed).toEqual(['with a time-out of its own takes too long'])
    expect(text).toContain('step "waits" timed out in 30 ms')
    expect(text).toContain('tried 2 times')
  })
})

describe.concurrent.each([
  ['isolate', []],
  ['no isolate', ['--no-isolate']],
] as const)('watch, %s', (_, args) => {
  test('an edit runs the journey again, from its beginning', async () => {
    using project = new Project('checkout')
    using watch = project.watch(args)
    await watch.settled()
    project.write('checkout.test.ts', project.read('checkout.test.ts').replace("did('cancel')", "did('cancelled')"))
    expect(await watch.settled()).toContain('RERUN  checkout.test.ts')
    project.write('world.ts', project.read('world.ts').replace('after ${before}', 'AFTER ${before}'))
    expect(await watch.settled()).toContain('5 passed')
    const rounds = ['signup after ', 'cancel after signup order', 'cancelled after signup order']
    expect(watch.trace().filter((line) => rounds.includes(line))).toEqual([
      'signup after ',
      'cancel after signup order',
      'signup after ',
      'cancelled after signup order',
    ])
    expect(watch.trace().filter((line) => line.includes('AFTER'))).toEqual(
      expect.arrayContaining(['signup AFTER ', 'receipt AFTER signup order refund', 'ship AFTER signup order']),
    )
  })
})
