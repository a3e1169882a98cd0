import { describe, expect, test } from 'vitest'
import { count, counter, exploreToy, type Toy } from './toy.ts'

const up = counter('n', 3)

describe('an invariant', () => {
  const answering = (answer: unknown) =>
    exploreToy({ actions: { up }, invariants: { rule: ({ db }) => (count(db, 'n') < 2 ? true : (answer as boolean)) } })

  test.each([[true], [undefined]])('that answers %s holds', async (answer) => {
    expect((await answering(answer)).verdict).toBe('exhausted')
  })
  test('that answers false does not hold', async () => {
    const { verdict, violations } = await answering(false)
    expect([verdict, violations[0]?.message, violations[0]?.path.length]).toEqual(['violated', 'rule does not hold', 2])
  })
  test('may answer with the reason', async () => {
    expect((await answering('n is 2')).violations[0]?.message).toBe('n is 2')
  })
  test('may throw the reason', async () => {
    const rule = ({ db }: Toy): void => expect(count(db, 'n')).toBeLessThan(2)
    const { violations } = await exploreToy({ actions: { up }, invariants: { rule } })
    expect(violations[0]?.message).toContain('expected 2 to be less than 2')
  })
  test.each([[null], [0], [[]]])('that answers %o is a mistake', async (answer) => {
    await expect(answering(answer)).rejects.toThrow('"rule" answered')
  })
  test('is checked on the initial state', async () => {
    const { violations } = await exploreToy({ actions: { up }, invariants: { rule: ({ db }) => count(db, 'n') > 0 } })
    expect(violations[0]).toMatchObject({ name: 'rule', path: [], minimal: 'proved', reproduced: true })
  })
  test('that writes is refused', async () => {
    const rule = ({ db }: Toy): void => void db.set('seen', true)
    await expect(exploreToy({ actions: { up }, invariants: { rule } })).rejects.toThrow(
      'has changed the state:\ndb.seen + true\n',
    )
  })
  test('gets what was observed, so that it needs no look of its own', async () => {
    const rule = (_: Toy, { observed, action }: { observed: Readonly<Record<string, unknown>>; action?: string }) =>
      (observed['db'] as Map<string, number>).get('n') !== 2 || `2 after ${action}`
    expect((await exploreToy({ actions: { up }, invariants: { rule } })).violations[0]?.message).toBe('2 after up')
  })
})

describe('an action', () => {
  test('that throws is a finding with its path, and nothing is explored beyond it', async () => {
    const model = { actions: { up, boom: { when: ({ db }: Toy) => count(db, 'n') === 2, run: () => JSON.parse('{') } } }
    const { violations, coverage } = await exploreToy(model, { stopOn: 'never' })
    expect(violations[0]).toMatchObject({ kind: 'action', name: 'boom', reproduced: true, count: 1 })
    expect(violations[0]?.path.map(({ action }) => action)).toEqual(['up', 'up', 'boom'])
    expect(violations[0]?.message).toContain('JSON')
    expect(coverage.actions['boom']).toMatchObject({ runs: 1, failed: 1, accepted: 0 })
  })
  test('that never ends is a finding', async () => {
    const hang = { run: () => new Promise((resolve) => setTimeout(resolve, 200)) }
    const { violations } = await exploreToy({ actions: { up, hang } }, { actionTimeout: 50, strategy: 'bfs' })
    expect(violations[0]).toMatchObject({ kind: 'action', name: 'hang' })
    expect(violations[0]?.message).toContain('timed out in 50 ms')
  })
  test('may ensure what it did', async () => {
    const ensure = ({ db }: Toy, _: object, { before }: { before: Readonly<Record<string, unknown>> }) =>
      count(db, 'n') === count(before['db'] as Map<string, unknown>, 'n') + 1 || 'it did not count'
    const stuck = { ...up, run: ({ db }: Toy) => void (count(db, 'n') < 2 && up.run({ db } as Toy)) }
    const { violations } = await exploreToy({ actions: { stuck: { ...stuck, ensure } } })
    expect(violations[0]).toMatchObject({ kind: 'ensure', name: 'stuck', message: 'it did not count' })
    expect(violations[0]?.path).toHaveLength(3)
  })
  test('is limited on each path, not over all of them', async () => {
    const run = ({ db }: Toy): void => void db.set('n', count(db, 'n') + 1)
    const { coverage } = await exploreToy({ actions: { a: { run, maxPerPath: 2 }, b: { run, maxPerPath: 1 } } })
    // n is at most 3, and what is left to do belongs to the state.
    expect([coverage.states, coverage.depth, coverage.actions['b']?.runs]).toEqual([6, 3, 3])
  })
  test('is asked for in the state that it would be done in, on every path', async () => {
    const asked = new Set<string>()
    const use = {
      when({ db }: Toy) {
        asked.add([...db.keys()].join())
        return db.has('created')
      },
      run: ({ db }: Toy) => void db.set('used', db.has('created')),
    }
    const create = { run: ({ db }: Toy) => void db.set('created', true) }
    const other = { run: ({ db }: Toy) => void db.set('other', true) }
    const { graph } = await exploreToy({ actions: { use, create, other } })
    const used = graph.states.map(({ look }) => look?.raw['db'] as Map<string, unknown>).filter((db) => db.has('used'))
    expect(used.every((db) => db.get('used') === true)).toBe(true)
    expect(asked).toContain('other')
  })
  test('whose `when` throws is named', async () => {
    const when = (): boolean => {
      throw new Error('no such table')
    }
    await expect(exploreToy({ actions: { up: { ...up, when } } })).rejects.toThrow(
      'Whether "up" is possible could not be found out: no such table',
    )
  })
})

describe('a search ends', () => {
  const endless = { up: counter('n', Infinity) }

  test.each([
    ['steps', { steps: 10 }],
    ['states', { states: 10 }],
    ['time', { time: '50ms' }],
  ] as const)('when the %s are spent, and says what is open', async (ended, budget) => {
    const report = await exploreToy({ actions: endless }, { budget })
    expect(report).toMatchObject({ verdict: 'budget', ended, coverage: { open: 1 } })
  })
  test('at the depth that is given', async () => {
    const { verdict, coverage } = await exploreToy({ actions: endless }, { maxDepth: 5 })
    expect([verdict, coverage.states, coverage.cutAtDepth]).toEqual(['exhausted', 6, true])
  })
  test('at the first broken rule, or at none, or at one so severe', async () => {
    const model = {
      actions: { up: counter('n', 4) },
      invariants: {
        early: { severity: 'low', check: ({ db }: Toy) => count(db, 'n') !== 2 || db.has('x') },
        other: { severity: 'critical', check: ({ db }: Toy) => count(db, 'm') !== 1 },
      },
    } as const
    const both = { ...model, actions: { ...model.actions, also: { ...counter('m', 1), maxPerPath: 1 } } }
    const names = async (stopOn: 'first' | 'never' | 'critical') => {
      const { violations } = await exploreToy(both, { stopOn, strategy: 'dfs' })
      return violations.map(({ name }) => name)
    }
    expect(await names('first')).toEqual(['early'])
    expect(await names('critical')).toEqual(['other', 'early'])
    expect(await names('never')).toEqual(expect.arrayContaining(['other', 'early']))
  })
  test('by a signal', async () => {
    const signal = AbortSignal.timeout(30)
    expect(await exploreToy({ actions: endless }, { signal })).toMatchObject({ verdict: 'budget', ended: 'time' })
  })
  test('with a goal of coverage missed in words', async () => {
    const never = { when: () => false, run: () => undefined }
    const { missed, coverage } = await exploreToy({ actions: { up, never } }, { coverageGoal: { actions: 1 } })
    expect(missed).toEqual(['coverage: 50 % of the actions were accepted, and the goal is 100 %'])
    expect(coverage.neverEnabled).toEqual(['never'])
  })
})

test('one root cause is told once, with its shortest path and how often it was met', async () => {
  const model = {
    actions: { a: counter('a', 3), b: counter('b', 3), bad: { run: ({ db }: Toy) => void db.set('bad', true) } },
    invariants: { 'never bad': ({ db }: Toy) => !db.has('bad') },
  }
  const { violations } = await exploreToy(model, { stopOn: 'never' })
  expect(violations).toHaveLength(1)
  expect(violations[0]).toMatchObject({ name: 'never bad', count: 16 })
  expect(violations[0]?.path).toHaveLength(1)
})

test('the world is as it was afterwards', async () => {
  const db = new Map<string, unknown>([['n', 1]])
  await exploreToy({ actions: { up } }, {}, db)
  expect([...db]).toEqual([['n', 1]])
})

test('a model without actions, and options that leave none, are refused', async () => {
  await expect(exploreToy({ actions: {} })).rejects.toThrow('There are no actions')
  await expect(exploreToy({ actions: { up } }, { except: ['up'] })).rejects.toThrow('The model has up; only and except')
})

test('only and except choose actions by name and tag', async () => {
  const model = { actions: { a: { ...counter('a', 1), tags: ['x'] }, b: counter('b', 1), c: counter('c', 1) } }
  const names = async (options: object) => Object.keys((await exploreToy(model, options)).coverage.actions)
  expect(await names({ only: ['x', 'b'] })).toEqual(['a', 'b'])
  expect(await names({ except: ['x'] })).toEqual(['b', 'c'])
})

test('what is no action is refused by its name', async () => {
  await expect(exploreToy({ actions: { up, pay: (() => {}) as never } })).rejects.toThrow(
    '"pay" is not an action: it has no function run.',
  )
})
