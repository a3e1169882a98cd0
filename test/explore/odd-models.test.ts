import { mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import * as fc from 'fast-check'
import { describe, expect, test, vi } from 'vitest'
import { fromCommands } from '../../src/explore/fast-check/index.ts'
import { from, reportText } from '../../src/explore/index.ts'
import { literal } from '../../src/explore/literal.ts'
import { World } from '../../src/index.ts'
import { memory } from '../../src/systems/memory/index.ts'
import { count, counter, exploreToy, type Toy } from './toy.ts'

const up = counter('n', 3)
const forever = new Promise<never>(() => undefined)

describe('what never ends', () => {
  test('an action that hangs is told with its path', async () => {
    await using world = await World.open({ systems: { db: memory(new Map()) }, grace: 50 })
    const hang = { run: () => forever }
    const { verdict, violations } = await world.explore({ actions: { hang } }, { seed: 1, actionTimeout: 50 })
    const [{ name, path, message } = { path: [] }] = violations
    expect([verdict, name, path.length, message]).toEqual([
      'violated',
      'hang',
      1,
      'hang timed out in 50 ms (the option actionTimeout).',
    ])
    await expect(world.close()).rejects.toThrow('still running')
  })

  test('an invariant that does not answer is a finding', async () => {
    const invariants = { 'holds some day': ({ db }: Toy) => (count(db, 'n') === 2 ? forever : true) }
    const { violations } = await exploreToy({ actions: { up }, invariants }, { actionTimeout: 50 })
    expect(violations[0]?.path.length).toBe(2)
    expect(violations[0]?.message).toBe('holds some day timed out in 50 ms (the option actionTimeout).')
  })

  test('an `ensure` that does not answer is a finding', async () => {
    const sure = { ...up, ensure: () => forever }
    const { violations } = await exploreToy({ actions: { sure } }, { actionTimeout: 50 })
    expect(violations[0]).toMatchObject({
      kind: 'ensure',
      message: 'sure ensures timed out in 50 ms (the option actionTimeout).',
    })
  })

  test('an action that hangs is told also where nothing was to stop the search, and where its path is replayed', async () => {
    await using world = await World.open({ systems: { db: memory(new Map<string, unknown>()) }, grace: 50 })
    const actions = { hang: { run: () => forever }, up }
    const report = await world.explore({ actions } as never, { seed: 1, actionTimeout: 50, stopOn: 'never' })
    expect(report).toMatchObject({ ended: 'stopped', violations: [{ name: 'hang', minimal: 'raw' }] })
    expect(reportText(report)).not.toContain('changes nothing')
    await expect(world.close()).rejects.toThrow('still running')

    await using other = await World.open({ systems: { db: memory(new Map<string, unknown>()) }, grace: 50 })
    const replay = report.violations[0]!.replay
    const again = await other.explore({ actions } as never, { replay, actionTimeout: 50 })
    expect(again).toMatchObject({ ended: 'replay', violations: [{ name: 'hang', minimal: 'raw' }] })
    await expect(other.close()).rejects.toThrow('still running')
  })

  test('a `when` or a `from` that does not answer is named', async () => {
    const slow = { when: () => forever, run: () => undefined }
    const message = 'Whether "slow" is possible could not be found out: slow timed out in 50 ms'
    await expect(exploreToy({ actions: { slow } }, { actionTimeout: 50 })).rejects.toThrow(message)
    const chosen = { params: { one: from<Toy, unknown>(() => forever) }, run: () => undefined }
    await expect(exploreToy({ actions: { slow: chosen } }, { actionTimeout: 50 })).rejects.toThrow(message)
  })
})

describe('parameters', () => {
  test('an arbitrary is made small also where nothing is chosen from the state, for a rule and for a throw', async () => {
    const add = {
      params: { size: fc.integer({ min: 0, max: 1000 }), note: fc.string() },
      samples: 5,
      run({ db }: Toy, { size }: { size?: unknown }) {
        db.set('size', size)
        if (Number(size) > 37) throw new Error('too big')
      },
    }
    const { violations } = await exploreToy({ actions: { add } })
    expect(violations[0]?.path).toMatchObject([{ params: { size: 38, note: '' } }])
    const set = { ...add, run: ({ db }: Toy, { size }: { size?: unknown }) => void db.set('size', size) }
    const invariants = { small: ({ db }: Toy) => count(db, 'size') <= 37 }
    const rule = await exploreToy({ actions: { set }, invariants })
    expect(rule.violations[0]?.path).toMatchObject([{ params: { size: 38, note: '' } }])
  })

  test('an action may write to what it gets', async () => {
    const add = {
      params: { list: fc.array(fc.nat({ max: 3 }), { minLength: 1, maxLength: 3 }) },
      run({ db }: Toy, { list }: { list?: unknown }) {
        db.set('sum', (list as number[]).length)
        ;(list as number[]).push(1)
      },
    }
    const { verdict, graph } = await exploreToy({ actions: { add } })
    expect(verdict).toBe('exhausted')
    expect(graph.states.flatMap(({ out }) => [...out.values()]).every(({ call }) => call.key.length < 30)).toBe(true)
  })

  test('what is chosen is the live thing, so that writing to it is seen', async () => {
    const db = new Map<string, unknown>([['a', { paid: 0 }], ['b', { paid: 0 }]]) // prettier-ignore
    const pay = {
      params: {
        order: from(({ db: live }: Toy) => [...live.values()].filter((order) => (order as { paid: number }).paid < 2)),
      },
      run: (_: Toy, { order }: { order?: unknown }) => void ((order as { paid: number }).paid += 1),
    }
    const { verdict, coverage } = await exploreToy({ actions: { pay } }, {}, db)
    // Equal orders are one choice, so the first of them is paid first.
    expect([verdict, coverage.states]).toEqual(['exhausted', 6])
  })

  test.each([
    [() => undefined, 'from() of its parameter x answered undefined, which is not an array'],
    [() => new Set([1]), 'from() of its parameter x answered Set(1) { 1 }, which is not an array'],
  ])('a choice that is no array is named', async (list, message) => {
    const act = { params: { x: from(list as never) }, run: () => undefined }
    await expect(exploreToy({ actions: { act } })).rejects.toThrow(message)
  })

  test.each([5, null, {}])('%o is no parameter', async (x) => {
    const act = { params: { x }, run: () => undefined } as never
    await expect(exploreToy({ actions: { act } })).rejects.toThrow('neither from(…) nor an arbitrary')
  })
})

test.each([
  [{ maxDepth: Number.NaN }, 'maxDepth is NaN, and must be a number from 0 up'],
  [{ maxDepth: -1 }, 'maxDepth is -1'],
  [{ maxdepth: 3 }, 'There is no option "maxdepth" of an exploration'],
  [{ budget: { time: Number.NaN } }, 'budget.time is NaN'],
  [{ budget: { step: 1 } }, 'There is no option "budget.step"'],
  [{ stopOn: 'alway' }, "stopOn is 'alway', and must be one of first, never"],
  [{ oracles: { servererror: 'off' } }, 'There is no option "oracles.servererror"'],
  [{ oracles: { serverError: 'none' } }, "oracles.serverError is 'none', and must be one of error, warn, off"],
  [{ coverageGoal: { actions: 90 } }, 'coverageGoal.actions is 90, and must be a number from 0 to 1'],
  [{ normalize: () => undefined }, 'A function of normalize answered undefined'],
  [{ constructor: 1 }, 'There is no option "constructor" of an exploration'],
  [{ maxdepth: undefined }, 'There is no option "maxdepth" of an exploration'],
  [{ seed: 1.5 }, 'seed is 1.5, and must be a whole number'],
  [{ audit: '10%' }, "audit is '10%', and must be a number from 0 up"],
  [{ actionTimeout: '5s' }, "actionTimeout is '5s', and must be a number from 0 up"],
  [{ maxMarks: -1 }, 'maxMarks is -1, and must be a number from 0 up'],
  [{ only: 'up' }, "only is 'up', and must be an array of names"],
  [{ except: 'up' }, "except is 'up', and must be an array of names"],
  [{ only: ['up', 'donw'] }, 'only names "donw", which is no action and no tag of one'],
  [
    { except: ['donw'] },
    'except names "donw", which is no action and no tag of one.\nWhat was meant by it would be tried',
  ],
  [{ write: 'graph.html' }, "write is 'graph.html', and must be an array of names"],
  [{ write: ['graph.pdf'] }, 'The report cannot be written to graph.pdf'],
  [{ corpus: true }, 'corpus is true, and must be the path of a folder'],
  [{ budget: '30s' }, "budget is '30s', and must be an object"],
  [{ oracles: ['hiddenState'] }, "oracles is [ 'hiddenState' ], and must be an object"],
  [{ journey: 'found' }, "journey is 'found', and must be an object"],
  [{ journey: { floder: 'found' } }, 'There is no option "journey.floder"'],
  [{ normalize: 'db.at' }, "normalize is 'db.at', and must be a function or an array of those"],
  [{ onProgress: true }, 'onProgress is true, and must be a function'],
  [{ strategy: null }, 'strategy is null, and must be'],
  [{ strategy: { kind: 'walk', lenght: 9 } }, 'There is no option "strategy.lenght"'],
  [{ strategy: { kind: 'hybrid', slack: '2' } }, "strategy.slack is '2', and must be a number from 0 up"],
])('the options %o are refused', async (options, message) => {
  await expect(exploreToy({ actions: { up } }, options as never)).rejects.toThrow(message)
})

test('a seed of the environment that is no number is refused', async () => {
  vi.stubEnv('VENOMQA_SEED', '12a')
  await expect(exploreToy({ actions: { up } })).rejects.toThrow('VENOMQA_SEED is "12a", which is not a whole number.')
  vi.stubEnv('VENOMQA_SEED', '12')
  expect((await exploreToy({ actions: { up } })).seed).toBe(12)
  vi.unstubAllEnvs()
})

test.each([
  [undefined, 'There are no actions'],
  [{}, 'There are no actions'],
  [{ actions: { up: null } }, '"up" is not an action'],
  [{ actions: null }, 'actions is null, and must be an object'],
  [{ actions: { up }, invariants: { fine: null } }, '"fine" is not an invariant'],
  [{ actions: { up }, invariants: { fine: 'yes' } }, '"fine" is not an invariant'],
])('the model %o is refused', async (model, message) => {
  await expect(exploreToy(model as never)).rejects.toThrow(message)
})

test('states that differ in what a symbol names are two', async () => {
  const tag = Symbol('tag')
  const put = (value: number) => ({ run: ({ db }: Toy) => void db.set('at', { [tag]: value }) })
  const { coverage } = await exploreToy({ actions: { one: put(1), two: put(2) } })
  expect(coverage.states).toBe(3)
})

describe('what is written', () => {
  const folder = () => mkdtempSync(join(tmpdir(), 'venomqa-odd-'))

  test('a path of the corpus that cannot be read is named', async () => {
    const corpus = folder()
    writeFileSync(join(corpus, 'mine.path'), 'exploration\n1. up()\nnonsense\n')
    await expect(exploreToy({ actions: { up } }, { corpus })).rejects.toThrow(
      `The path in ${join(corpus, 'mine.path')}`,
    )
    rmSync(corpus, { recursive: true })
  })

  test('a path of the corpus whose last line an editor has trimmed is walked', async () => {
    const corpus = folder()
    const invariants = { 'n < 2': ({ db }: Toy) => count(db, 'n') < 2 }
    await exploreToy({ actions: { up }, invariants }, { corpus })
    const [file] = readdirSync(corpus)
    const { readFileSync } = await import('node:fs')
    writeFileSync(join(corpus, file!), readFileSync(join(corpus, file!), 'utf8').trimEnd())
    const { violations, coverage } = await exploreToy({ actions: { up }, invariants }, { corpus })
    expect([violations.length, coverage.states]).toEqual([1, 0])
    rmSync(corpus, { recursive: true })
  })

  test('rules whose names have no letters that files take get files of their own', async () => {
    const to = folder()
    const rule = (most: number) => (world: Toy) => count(world.db, 'n') < most
    const invariants = { 注文: rule(2), 返金: rule(2), '≤ n': rule(2) }
    await exploreToy({ actions: { 上: up }, invariants }, { stopOn: 'never', journey: { folder: to } })
    expect(readdirSync(to).length).toBe(3)
    expect(readdirSync(to).every((file) => /^[a-z0-9-]+\.journey\.test\.ts$/.test(file))).toBe(true)
    rmSync(to, { recursive: true })
  })

  test('odd values are written so that they come back', async () => {
    expect(literal(new Date(Number.NaN))).toBe('new Date(NaN)')
    expect(literal(JSON.parse('{"__proto__": 1}'))).toBe("{ ['__proto__']: 1 }")
    const at = { params: { at: fc.constant(new Date(Number.NaN)) }, run: () => ({ status: 500 }) }
    expect(reportText(await exploreToy({ actions: { at } }))).toContain('new Date(NaN)')
  })
})

test('commands of one class that name themselves not are one action each', async () => {
  class Put {
    readonly value: number
    constructor(value: number) {
      this.value = value
    }
    check(): boolean {
      return true
    }
    async run(_: object, real: Map<string, number>): Promise<void> {
      real.set('value', this.value)
    }
  }
  const map = new Map<string, number>()
  await using world = await World.open({ systems: { db: memory(map) } })
  const commands = [fc.constantFrom(1, 2, 3).map((value) => new Put(value)), fc.constant(new Put(1))]
  const model = await fromCommands(world, { commands, setup: () => ({ model: {}, real: map }), samples: 20 })
  expect(Object.keys(model.actions)).toEqual(['Put', 'Put 2', 'Put 3'])
})

test.each([
  ['invariant', { actions: { up }, invariant: { rule: () => false } }],
  ['actions.up.wen', { actions: { up: { ...up, wen: () => false } } }],
  ['actions.up.traits.readOnly', { actions: { up: { ...up, traits: { readOnly: true } } } }],
  ['invariants.rule.chek', { actions: { up }, invariants: { rule: { check: () => true, chek: () => false } } }],
])('a model with a misspelt %s is refused, since it would break no rule', async (name, model) => {
  await expect(exploreToy(model as never)).rejects.toThrow(`There is no option "${name}" of an exploration.`)
})

test.each([
  [
    { invariants: { rule: { check: () => true, severity: 'hihg' } } },
    "rule.severity is 'hihg', and must be one of critical",
  ],
  [{ actions: { up: { ...up, samples: '3' } } }, "actions.up.samples is '3', and must be a number from 0 up"],
  [{ actions: { up: { ...up, weight: -1 } } }, 'actions.up.weight is -1, and must be a number from 0 up'],
  [{ actions: { up: { ...up, maxPerPath: '1' } } }, "actions.up.maxPerPath is '1', and must be a number from 0 up"],
  [{ actions: { up: { ...up, tags: 'slow' } } }, "actions.up.tags is 'slow', and must be an array of names"],
  [{ actions: { up: { ...up, when: true } } }, 'actions.up.when is true, and must be a function'],
  [{ actions: { up: { ...up, ensure: true } } }, 'actions.up.ensure is true, and must be a function'],
])('of the model %o, what an option must be is said', async (model, message) => {
  await expect(exploreToy({ actions: { up }, ...model } as never)).rejects.toThrow(message)
})

test('an action that is an instance of a class has members of its own', async () => {
  class Up {
    readonly step = 1
    when({ db }: Toy): boolean {
      return count(db, 'n') < 3
    }
    run({ db }: Toy): void {
      db.set('n', count(db, 'n') + this.step)
    }
  }
  expect(await exploreToy({ actions: { up: new Up() } })).toMatchObject({ verdict: 'exhausted' })
})
