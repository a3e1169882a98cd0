import { expect, test, vi } from 'vitest'
import { PATIENCE, Project, run } from '../project.ts'

vi.setConfig(PATIENCE)

/** What each step of projects/checkout finds done, whichever path runs it. */
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
const PATHS = ['refund again', 'refund receipt', 'cancel', 'leave', 'main line'].map((path) => `checkout ${path}`)

function expectOwnBeginnings(trace: readonly string[]): void {
  expect(trace.length).toBeGreaterThan(0)
  for (const line of trace) {
    const [step = ''] = line.split(' ')
    expect(line).toBe(`${step} after ${BEGINNINGS[step]}`)
  }
}

const stepsOf = (trace: readonly string[]): string[] => trace.map((line) => line.split(' ')[0]!)

test.concurrent('every path runs, and shared steps run once', async () => {
  const { passed, trace } = await run('checkout')
  expect(passed).toEqual(PATHS)
  expect(stepsOf(trace)).toEqual(Object.keys(BEGINNINGS))
  expectOwnBeginnings(trace)
})

test.concurrent.each(['vitest5', 'vitest4'] as const)(
  '-t runs one path with the steps before it, %s',
  async (origin) => {
    const { passed, skipped, trace } = await run('checkout', ['-t', 'receipt'], { origin })
    expect(passed).toEqual(['checkout refund receipt'])
    expect(skipped).toHaveLength(4)
    expect(stepsOf(trace)).toEqual(['signup', 'order', 'refund', 'receipt'])
  },
)

test.concurrent('-t finds the main line', async () => {
  const { passed, trace } = await run('checkout', ['-t', 'checkout > main line'])
  expect(passed).toEqual(['checkout main line'])
  expect(stepsOf(trace)).toEqual(['signup', 'order', 'ship'])
})

test.concurrent.each([
  ['of a branch', "branch('receipt'", ['checkout refund receipt'], 'vitest5'],
  ['of a branch with branches', "branch('refund'", ['checkout refund again', 'checkout refund receipt'], 'vitest5'],
  ['of a branch with options', "branch('leave'", ['checkout leave'], 'vitest5'],
  ['of a journey', 'journey(', PATHS, 'vitest5'],
  ['of a branch, sources', "branch('cancel'", ['checkout cancel'], 'sources'],
  ['of a branch, Vitest 4', "branch('cancel'", ['checkout cancel'], 'vitest4'],
] as const)('file:line with the line %s', async (_, text, paths, origin) => {
  using project = new Project('checkout', origin)
  const line =
    project
      .read('checkout.test.ts')
      .split('\n')
      .findIndex((one) => one.includes(text)) + 1
  const { passed, trace, tests } = await project.run([`checkout.test.ts:${line}`])
  expect(passed).toEqual(paths)
  expectOwnBeginnings(trace)
  if (paths.length === 1) expect(tests.get(paths[0])?.location?.line).toBe(line)
})

test.concurrent.each([1, 2, 3, 4])('shuffled with seed %i, every step finds its own beginning', async (seed) => {
  const shuffle = ['--sequence.shuffle.tests', `--sequence.seed=${seed}`]
  const { passed, failed, trace } = await run('checkout', shuffle, { origin: seed === 4 ? 'vitest4' : 'vitest5' })
  expect(failed).toEqual([])
  expect(passed.toSorted()).toEqual(PATHS.toSorted())
  expect(stepsOf(trace).toSorted()).toEqual(Object.keys(BEGINNINGS).toSorted())
  expectOwnBeginnings(trace)
})

test.concurrent('the shards of a run have each path once', async () => {
  using project = new Project('modes')
  const shards = [await project.run(['--shard=1/2']), await project.run(['--shard=2/2'])]
  const whole = await project.run(['--no-isolate'])
  expect(shards.map(({ status }) => status)).toEqual([0, 0])
  expect(shards.every(({ passed }) => passed.length > 0)).toBe(true)
  expect(shards.flatMap(({ passed }) => passed).toSorted()).toEqual(whole.passed.toSorted())
})

test.concurrent('--bail=1 runs nothing after the first failure', async () => {
  const { failed, skipped, trace } = await run('failing', ['--bail=1'])
  expect(failed).toEqual(['first breaks'])
  expect(skipped).toEqual(['first comes after', 'second'])
  expect(trace).toEqual(['first after ', 'works after first', 'breaks after first', 'left'])
})

test.concurrent('--lastFailed runs the paths that failed, each from its beginning', async () => {
  using project = new Project('failing')
  const first = await project.run()
  expect(first.failed).toEqual(['first breaks'])
  const again = await project.run(['--lastFailed'])
  expect(again).toMatchObject({ passed: [], failed: ['first breaks'] })
  expect(again.trace).toEqual(['first after ', 'breaks after first', 'left'])
  project.write('mended', '')
  const mended = await project.run(['--lastFailed'])
  expect(mended).toMatchObject({ status: 0, passed: ['first breaks'], failed: [] })
})
