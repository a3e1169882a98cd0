import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { beforeAll, describe, expect, test, vi } from 'vitest'
import { root } from '../package.ts'
import { PATIENCE, type Run, run } from '../project.ts'

vi.setConfig(PATIENCE)

// Worlds that do not open, and what steps may keep: one run of projects/worlds.
describe.each(['vitest5', 'vitest4'] as const)('%s', (origin) => {
  let all: Run
  const messageOf = (name: string): string => all.tests.get(name)?.failureMessages[0] ?? 'no failure'

  beforeAll(async () => {
    all = await run('worlds', ['--no-isolate'], { origin })
  })

  test.each([
    ['no systems', ['no systems left', 'no systems right', 'no systems for a plain test'], 'The world has no systems'],
    ['a system that refuses', ['refused left', 'refused right'], 'db could not be opened: connection refused'],
    ['a driver that is missing', ['no driver'], 'npm install -D a-driver'],
  ])('%s: every test fails with the reason, and no step runs', (_, names, reason) => {
    for (const name of names) {
      expect(all.tests.get(name)?.status).toBe('failed')
      expect(messageOf(name)).toContain(reason)
      expect(messageOf(name)).not.toContain('node_modules/venomqa')
    }
    expect(all.trace).not.toContain('ran')
  })

  test('values that steps returned are copies where they are plain, and references where they are not', () => {
    expect(all.passed).toEqual(expect.arrayContaining(['values changes them', 'values meets copies of what is plain']))
  })

  test('what cannot be copied in ctx is refused at the checkpoint, once', () => {
    expect(messageOf('ctx left')).toContain('ctx.response is an instance of Response, which cannot be remembered.')
    expect(messageOf('ctx left')).toContain(`values.test.ts:${lineOf('here: ctx')}:`)
    expect(all.tests.get('ctx right')?.meta.venomqa?.skipped).toMatch(/^checkpoint "cannot be taken" failed/)
  })

  test('ctx cannot be replaced', () => {
    expect(messageOf('replaces ctx')).toContain('Cannot set property ctx')
    expect(messageOf('replaces ctx')).toContain(`values.test.ts:${lineOf('here: assigns')}:`)
  })

  test('changes() tells what changed since the last checkpoint of the path itself', () => {
    expect(all.passed).toEqual(
      expect.arrayContaining(['changes left three', 'changes left four', 'changes right', 'a plain test']),
    )
  })

  test('everything works under fake timers, and the clock is not rolled back', () => {
    expect(all.passed).toEqual(
      expect.arrayContaining(['fake timers left', 'fake timers right', 'the fixture works under fake timers']),
    )
    expect(all.trace).toEqual(
      expect.arrayContaining(['left in 2040 after frozen', 'right in 2040 after frozen', 'fake: true']),
    )
  })
})

function lineOf(mark: string): number {
  const file = join(root, 'test/runners/projects/worlds/values.test.ts')
  return (
    readFileSync(file, 'utf8')
      .split('\n')
      .findIndex((line) => line.endsWith(mark)) + 1
  )
}
