import * as fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { fromCommands, withRollback } from '../../src/explore/fast-check/index.ts'
import { World } from '../../src/index.ts'
import { memory } from '../../src/systems/memory/index.ts'

type Model = { size: number; ops: string[] }
type Real = Map<string, number[]>

/** A list whose pop forgets what a third push after a clear brought: a bug of sequence. */
class Command implements fc.AsyncCommand<Model, Real> {
  static runs = 0
  readonly kind: 'push' | 'pop' | 'clear'
  readonly value: number

  constructor(kind: 'push' | 'pop' | 'clear', value: number) {
    this.kind = kind
    this.value = value
  }

  check({ size }: Model): boolean {
    return this.kind === 'push' || size > 0
  }

  async run(model: Model, real: Real): Promise<void> {
    Command.runs += 1
    // Dearer than a checkpoint even on a busy machine, else none is taken.
    for (const end = performance.now() + 0.1; performance.now() < end;);
    const list = [...(real.get('list') ?? [])]
    if (this.kind === 'push') {
      list.push(this.value)
      if (this.value > 50 && model.ops.includes('clear') && list.length === 3) list.pop()
      model.size += 1
    } else if (this.kind === 'pop') {
      list.pop()
      model.size -= 1
    } else {
      list.length = 0
      model.size = 0
    }
    model.ops.push(this.kind)
    real.set('list', list)
    await Promise.resolve()
    if (list.length !== model.size) throw new Error(`${list.length} is not ${model.size}`)
  }

  toString(): string {
    return this.kind === 'push' ? `push(${this.value})` : this.kind
  }
}

const kinds = [
  fc.integer({ min: 0, max: 99 }).map((value) => new Command('push', value)),
  fc.constant(new Command('pop', 0)),
  fc.constant(new Command('clear', 0)),
]

describe('withRollback', () => {
  test('gives the counterexamples of fast-check, with the same number of shrinks and fewer calls', async () => {
    let plainRuns = 0
    let ourRuns = 0
    for (let seed = 1; seed <= 25; seed++) {
      const parameters = { seed, numRuns: 200 }
      Command.runs = 0
      const plain = await fc.check(
        fc.asyncProperty(fc.commands(kinds, { maxCommands: 30, size: '+1' }), (commands) =>
          fc.asyncModelRun(() => ({ model: { size: 0, ops: [] }, real: new Map() }), commands),
        ),
        parameters,
      )
      plainRuns += Command.runs
      const list = new Map<string, number[]>()
      await using world = await World.open({ systems: { list: memory(list) } })
      await using rollback = withRollback(world)
      Command.runs = 0
      const ours = await fc.check(
        fc.asyncProperty(rollback.commands(kinds, { maxCommands: 30, size: '+1' }), (commands) =>
          rollback.asyncModelRun(() => ({ model: { size: 0, ops: [] }, real: list }), commands),
        ),
        parameters,
      )
      ourRuns += Command.runs
      expect([
        ours.failed,
        ours.numRuns,
        ours.numShrinks,
        ours.counterexamplePath,
        String(ours.counterexample),
      ]).toEqual([
        plain.failed,
        plain.numRuns,
        plain.numShrinks,
        plain.counterexamplePath,
        String(plain.counterexample),
      ])
    }
    expect(ourRuns).toBeLessThan(plainRuns)
  })

  test('refuses a property that is not async, since nothing is rolled back before its runs', async () => {
    await using world = await World.open({ systems: { list: memory(new Map()) } })
    await using rollback = withRollback(world)
    const property = fc.property(fc.nat(), () => true)
    expect(() => rollback.rolledBack(property as never)).toThrow('a property that is not async')
  })

  test('leaves the world as it was', async () => {
    const list = new Map([['list', [1]]])
    await using world = await World.open({ systems: { list: memory(list) } })
    {
      await using rollback = withRollback(world)
      const push = [new Command('push', 1), new Command('push', 2)]
      await rollback.asyncModelRun(() => ({ model: { size: 1, ops: [] as string[] }, real: list }), push)
      expect(list.get('list')).toEqual([1, 1, 2])
    }
    expect(list.get('list')).toEqual([1])
  })

  test('a set-up that depends on generated values is called for each run', async () => {
    const list = new Map<string, number[]>()
    await using world = await World.open({ systems: { list: memory(list) } })
    await using rollback = withRollback(world)
    for (const size of [1, 2]) {
      const setup = () => {
        list.set(
          'list',
          Array.from({ length: size }, () => 0),
        )
        return { model: { size, ops: [] as string[] }, real: list }
      }
      await rollback.asyncModelRun(setup, [new Command('push', 1)], { setup: 'each' })
      expect(list.get('list')).toHaveLength(size + 1)
    }
  })

  test('another set-up is called, and one that is asked for every run', async () => {
    const list = new Map<string, number[]>()
    await using world = await World.open({ systems: { list: memory(list) } })
    await using rollback = withRollback(world)
    const calls: string[] = []
    const empty = () => (calls.push('empty'), { model: { size: 0, ops: [] as string[] }, real: list })
    const filled = () => {
      calls.push('filled')
      list.set('list', [0, 0])
      return { model: { size: 2, ops: [] as string[] }, real: list }
    }
    const push = () => [new Command('push', 1)]
    for (const setup of [empty, empty, filled, filled]) await rollback.asyncModelRun(setup, push())
    expect(list.get('list')).toEqual([0, 0, 1])
    await rollback.asyncModelRun(filled, push(), { setup: 'each' })
    expect(calls).toEqual(['empty', 'filled', 'filled'])
  })

  test('takes checkpoints only after a failure and where they pay, forty at most, and releases them', async () => {
    const list = new Map<string, number>()
    const real = memory(list)
    let [taken, alive] = [0, 0]
    const counted = {
      ...real,
      checkpoint: (name: string) => ((taken += 1), (alive += 1), real.checkpoint(name)),
      release: (mark: never) => ((alive -= 1), real.release?.(mark)),
    }
    await using world = await World.open({ systems: { list: counted }, verify: 'off' })
    const before = alive
    const step = (ms: number, fails = false): fc.AsyncCommand<object, unknown> => ({
      check: () => true,
      async run() {
        for (const end = performance.now() + ms; performance.now() < end;);
        if (fails) throw new Error('as it should')
      },
    })
    const takenBy = async (rollback: ReturnType<typeof withRollback>, commands: fc.AsyncCommand<object, unknown>[]) => {
      taken = 0
      await rollback.asyncModelRun(() => ({ model: {}, real: undefined }), commands).catch(() => undefined)
      return taken
    }
    {
      await using rollback = withRollback(world)
      const slow = Array.from({ length: 60 }, () => step(1))
      const bad = step(0, true)
      expect(await takenBy(rollback, slow)).toBe(2) // where it started, and the set-up
      expect(await takenBy(rollback, [...slow, bad])).toBe(0)
      const shrunk = await takenBy(rollback, [...slow.slice(5), bad])
      expect(shrunk).toBeGreaterThan(20)
      expect(shrunk).toBeLessThanOrEqual(40)
      const quick = Array.from({ length: 30 }, () => step(0))
      await takenBy(rollback, [...quick, bad])
      expect(await takenBy(rollback, [...quick.slice(1), bad])).toBeLessThan(15)
    }
    expect(alive).toBe(before)
  })

  test('a command that remembers its runs is made again also where a checkpoint was taken after it', async () => {
    await using world = await World.open({ systems: { list: memory(new Map()) } })
    await using rollback = withRollback(world)
    let runs = 0
    const remembers = {
      check: () => true,
      times: 0,
      async run() {
        for (const end = performance.now() + 3; performance.now() < end;);
        this.times += 1
        runs += 1
      },
    }
    const bad = { check: () => true, run: () => Promise.reject(new Error('as it should')) }
    for (let i = 0; i < 3; i++) {
      await rollback.asyncModelRun(() => ({ model: {}, real: 0 }), [remembers, bad]).catch(() => undefined)
    }
    expect(runs).toBe(3)
  })

  test('a command that remembers its runs, and a model with a class, are run whole', async () => {
    const list = new Map<string, number[]>()
    await using world = await World.open({ systems: { list: memory(list) } })
    await using rollback = withRollback(world)
    let runs = 0
    const counting = {
      check: () => true,
      times: 0,
      async run() {
        this.times += 1
        runs += 1
      },
    }
    for (let i = 0; i < 2; i++) await rollback.asyncModelRun(() => ({ model: {}, real: list }), [counting])
    expect(runs).toBe(2)
    class Stateful {
      size = 0
    }
    const seen: number[] = []
    const grow: fc.AsyncCommand<Stateful, unknown> = {
      check: () => true,
      run: async (model) => void seen.push(++model.size),
    }
    await using other = withRollback(world)
    for (let i = 0; i < 2; i++) await other.asyncModelRun(() => ({ model: new Stateful(), real: list }), [grow, grow])
    expect(seen).toEqual([1, 2, 1, 2])
  })
})

test('fast-check still wraps commands as withRollback relies on', () => {
  const [wrapper] = fc
    .sample(fc.commands([fc.constant(new Command('pop', 0))], { maxCommands: 1, size: 'max' }), {
      seed: 3,
      numRuns: 20,
    })
    .flatMap((commands) => [...commands]) as unknown as {
    cmd: object
    hasRan: boolean
    run(model: Model, real: Real): unknown
  }[]
  expect(wrapper).toMatchObject({ cmd: expect.any(Command), hasRan: false })
})

test('rolledBack puts the world back before every run', async () => {
  const list = new Map<string, number[]>()
  await using world = await World.open({ systems: { list: memory(list) } })
  await using rollback = withRollback(world)
  const sizes: number[] = []
  const property = rollback.rolledBack(
    fc.asyncProperty(fc.nat(), async (n) => {
      sizes.push(list.size)
      list.set(`n ${n}`, [n])
      await Promise.resolve()
      return n < 500
    }),
  )
  const { failed, counterexample } = await fc.check(property, { seed: 1 })
  expect([failed, counterexample]).toEqual([true, [500]])
  expect(new Set(sizes)).toEqual(new Set([0]))
})

test('rolledBack keeps the hook that a property has, and calls it on the world that was put back', async () => {
  const list = new Map<string, number[]>()
  await using world = await World.open({ systems: { list: memory(list) } })
  await using rollback = withRollback(world)
  const property = fc.asyncProperty(fc.nat(), async () => void list.set('left', []))
  const seen: number[] = []
  await fc.assert(rollback.rolledBack(property.beforeEach(() => void seen.push(list.size))), { numRuns: 5 })
  expect(seen).toEqual([0, 0, 0, 0, 0])
})

test('fromCommands: existing commands are explored, and the model is rolled back', async () => {
  const list = new Map<string, number[]>()
  await using world = await World.open({ systems: { list: memory(list) } })
  const model = await fromCommands(world, {
    commands: [fc.constant(new Command('push', 99)), kinds[1]!, kinds[2]!],
    setup: () => ({ model: { size: 0, ops: [] as string[] }, real: list }),
  })
  expect(Object.keys(model.actions)).toEqual(['push(99)', 'pop', 'clear'])
  const { violations } = await world.explore(model, { strategy: 'bfs', maxDepth: 6, seed: 1 })
  expect(violations[0]).toMatchObject({ kind: 'action', message: '2 is not 3', minimal: 'proved' })
  expect(violations[0]?.path.map(({ action }) => action)).toEqual([
    'push(99)',
    'clear',
    'push(99)',
    'push(99)',
    'push(99)',
  ])
  await expect(fromCommands(world, { commands: [], setup: () => ({ model: {}, real: 1 }) })).rejects.toThrow(
    'ctx.model is there already',
  )
})
