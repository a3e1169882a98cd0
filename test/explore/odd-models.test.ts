import { mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import * as fc from 'fast-check'
import { describe, expect, test } from 'vitest'
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
])('the options %o are refused', async (options, message) => {
  await expect(exploreToy({ actions: { up } }, options as never)).rejects.toThrow(message)
})

test.each([
  [undefined, 'There are no actions'],
  [{}, 'There are no actions'],
  [{ actions: { up: null } }, '"up" is not an action'],
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

test('of a model, what an option must be is said', async () => {
  const invariants = { rule: { check: () => true, severity: 'hihg' } }
  await expect(exploreToy({ actions: { up }, invariants } as never)).rejects.toThrow(
    "invariants.rule.severity is 'hihg', and must be one of critical, high, medium, low.",
  )
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
