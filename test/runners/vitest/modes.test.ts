import { beforeAll, describe, expect, test, vi } from 'vitest'
import { PATIENCE, type Run, run } from '../project.ts'

vi.setConfig(PATIENCE)

// .only, .skip, .todo, .each, skipIf and runIf of journeys, branches and steps: one run of projects/modes.
describe.each(['vitest5', 'vitest4'] as const)('%s', (origin) => {
  let all: Run
  const ran = (pattern: RegExp): string[] => all.trace.filter((line) => pattern.test(line))

  beforeAll(async () => {
    all = await run('modes', [], { origin })
  })

  test('everything that runs passes', () => {
    expect(all).toMatchObject({ status: 0, failed: [] })
  })

  test('journey.only leaves out the other journeys of the file', () => {
    expect(all.passed).toContain('the only journey')
    expect(all.skipped).toContain('the other journey')
    expect(ran(/other one/)).toEqual([])
  })

  test('branch.only runs the steps before it and nothing beside it', () => {
    expect(all.skipped).toEqual(expect.arrayContaining(['one branch the other branch', 'one branch main line']))
    expect(ran(/only branch/)).toEqual([
      'shared with the only branch after ',
      'the only branch after shared with the only branch',
    ])
  })

  test('step.only runs the paths through the step', () => {
    expect(all.passed).toEqual(
      expect.arrayContaining(['one step through it on the left', 'one step through it on the right']),
    )
    expect(all.skipped).toContain('one step not through it')
    expect(ran(/another step/)).toEqual([])
  })

  test('journey.skip and branch.skip skip all the paths in them', () => {
    expect(all.skipped).toEqual(
      expect.arrayContaining(['a skipped journey', 'skips a skipped branch below a skipped branch']),
    )
    expect(ran(/a skipped/)).toEqual([])
  })

  test('step.skip skips the paths through it, each with the reason', () => {
    for (const name of ['depends on it', 'main line']) {
      const skipped = all.tests.get(`skips with a skipped step ${name}`)
      expect(skipped?.status).toBe('skipped')
      expect(skipped?.meta.venomqa?.skipped).toBe('step "not now" is marked skip')
    }
    expect(ran(/depends on/)).toEqual([])
    expect(ran(/beside skips/)).toEqual(['beside skips after before skips'])
    expect(all.text).toContain('skipped: step "not now" is marked skip')
  })

  test('.todo of a journey, a branch and a step', () => {
    expect(all.todo).toEqual(['a journey to write', 'todos a branch to write', 'todos with a step to write'])
    expect(ran(/to write/)).toEqual([])
    expect(ran(/beside todos/)).toEqual(['beside todos after before todos'])
  })

  test('.each makes a journey, a branch or a step of each case', () => {
    expect(ran(/^(card|cash)/)).toEqual(['card 1 after ', 'cash 2 after '])
    expect(ran(/^add/)).toEqual(['add x after ', 'add y after add x'])
    expect(ran(/^(ada|bob)/)).toEqual(['ada sees add x and add y after ', 'bob sees add x and add y after '])
    expect(all.passed).toEqual(
      expect.arrayContaining([
        'pays by card for 1',
        'pays by cash for 2',
        "cases as ada with [ 'a' ], 0",
        'cases as bob with [], 1',
      ]),
    )
  })

  test('skipIf and runIf decide by their condition', () => {
    expect(all.passed).toEqual(expect.arrayContaining(['runIf(true)', 'conditions skipIf(empty)']))
    expect(all.skipped).toEqual(
      expect.arrayContaining(['skipIf(true)', 'conditions runIf(false)', 'conditions a step']),
    )
    expect(ran(/If/)).toEqual(['runIf(true) after ', 'skipIf(false) after ', 'skipIf(empty) after skipIf(false)'])
  })

  test('the names of cases are those that test.each gives', () => {
    const namesOf = (whose: string): string[] =>
      all.passed.filter((name) => name.startsWith(whose)).map((name) => name.slice(whose.length))
    // Vitest 4 quotes the strings that `$key` stands for.
    const theirs = namesOf('vitest').map((name) => name.replace(/'(ada)'/, '$1'))
    expect(theirs.length).toBeGreaterThan(10)
    expect(namesOf('ours')).toEqual(theirs)
  })
})
