import { expect, test, vi } from 'vitest'
import { PATIENCE, Project, run } from '../project.ts'

vi.setConfig(PATIENCE)

// How a project may be set up: pools, isolation, several projects, type tests, without the plugin.

const steps = (side: string): string[] => [`${side} after `, `${side}-a after ${side}`, `${side}-b after ${side}`]

test.concurrent.each(
  ['forks', 'threads', 'vmThreads', 'vmForks'].flatMap(
    (pool) =>
      [
        [pool, '--isolate'],
        [pool, '--no-isolate'],
      ] as const,
  ),
)('--pool=%s %s', async (pool, isolate) => {
  const { passed, failed, trace } = await run('several', [`--pool=${pool}`, isolate])
  expect(failed).toEqual([])
  expect(passed.toSorted()).toEqual(['left journey a', 'left journey b', 'right journey a', 'right journey b'])
  for (const side of ['left', 'right']) {
    expect(trace.filter((line) => line.startsWith(side))).toEqual(steps(side))
  }
})

test.concurrent.each(['vitest5', 'vitest4'] as const)('two projects in two workers are one run, %s', async (origin) => {
  const { passed, text, trace } = await run('several', ['--maxWorkers=2'], { origin })
  expect(passed).toHaveLength(4)
  const runs = trace.filter((line) => line.startsWith('run '))
  expect(runs).toHaveLength(2)
  expect(new Set(runs).size).toBe(1)
  for (const side of ['left', 'right'])
    expect(text.split(`${side} journey [${side}] ${side}.test.ts (2 paths)`)).toHaveLength(2)
})

test.concurrent('--typecheck judges refs at the line', async () => {
  const { failed, text } = await run('typed', ['--typecheck'])
  expect(failed).toEqual(['refs.test-d.ts typed wrongly'])
  expect(text).toContain(`Type 'string' does not satisfy the constraint '"Expected string, Actual number"'`)
  expect(text).toContain('refs.test-d.ts:14:')
})

test.concurrent('without the plugin journeys run, and there is no tree', async () => {
  using project = new Project('checkout')
  project.write('vitest.config.ts', "export default { test: { include: ['*.test.ts'] } }\n")
  const { passed, text } = await project.run()
  expect(passed).toHaveLength(5)
  expect(text).not.toContain('├─')
})
