import fc from 'fast-check'
import { expect, test } from 'vitest'
import { observation, type Rollbackable } from '../../src/rollbackable.ts'
import { immutable, memory } from '../../src/systems/memory/index.ts'
import { World, type WorldMark } from '../../src/world.ts'
import { Store, thrownBy } from './store.ts'

const PLACES = ['map', 'cart', 'redux', 'stack', 'seed', 'ctx', 'value'] as const
type Place = (typeof PLACES)[number]
type Whole = Readonly<Record<Place, number>>

const AT_START: Whole = { map: 0, cart: 0, redux: 0, stack: 0, seed: 0, ctx: 0, value: 0 }

/** Systems of different kinds, each holding one number; `stack` alone forgets marks, and may be made to fail. */
function places(kind: 'stack' | 'tree') {
  const map = new Map([['n', { deep: [0] }]])
  const cart = { items: [0] }
  let redux = { n: 0 }
  let seed = { n: 0 }
  let fails: 'checkpoint' | 'rollback' | undefined
  const stack = new Store(kind)
  stack.data = { n: 0 }
  const { checkpoint, rollback } = stack
  const lost = (): Promise<never> => Promise.reject(new Error('connection lost'))
  stack.checkpoint = (name) => (fails === 'checkpoint' ? lost() : checkpoint.call(stack, name))
  stack.rollback = (mark) => (fails === 'rollback' ? lost() : rollback.call(stack, mark))
  const systems: Record<string, Rollbackable> = {
    map: memory(map),
    cart: memory({ get: () => cart.items, set: (items) => (cart.items = items) }),
    redux: immutable({ get: () => redux, set: (state) => (redux = state) }),
    stack: stack as Rollbackable,
    seed: {
      kind: 'tree',
      checkpoint: () => structuredClone(seed),
      rollback: (mark) => void (seed = structuredClone(mark) as typeof seed),
      observe: () => observation('seed', seed),
    },
  }
  const write: Record<Exclude<Place, 'ctx' | 'value'>, (n: number) => void> = {
    map: (n) => void (map.get('n')!.deep[0] = n),
    cart: (n) => void (cart.items[0] = n),
    redux: (n) => void (redux = { n }),
    stack: (n) => void (stack.data = { n }),
    seed: (n) => void (seed.n = n),
  }
  const read = () => ({
    map: map.get('n')!.deep[0]!,
    cart: cart.items[0]!,
    redux: redux.n,
    stack: stack.data['n']!,
    seed: seed.n,
  })
  return { systems, write, read, fail: (member: typeof fails) => void (fails = member) }
}

type Step =
  | { readonly do: 'write'; readonly place: Place; readonly n: number }
  | { readonly do: 'checkpoint' | 'checkpoint that fails' }
  | { readonly do: 'rollback' | 'rollback that fails' | 'release'; readonly which: number }

const which = fc.nat(7)
const steps: fc.Arbitrary<Step[]> = fc.array(
  fc.oneof(
    {
      weight: 6,
      arbitrary: fc.record({ do: fc.constant('write' as const), place: fc.constantFrom(...PLACES), n: fc.nat(9) }),
    },
    { weight: 4, arbitrary: fc.record({ do: fc.constant('checkpoint' as const) }) },
    { weight: 4, arbitrary: fc.record({ do: fc.constant('rollback' as const), which }) },
    {
      weight: 1,
      arbitrary: fc.record({ do: fc.constantFrom('release' as const, 'rollback that fails' as const), which }),
    },
    { weight: 1, arbitrary: fc.record({ do: fc.constant('checkpoint that fails' as const) }) },
  ),
  { maxLength: 40, size: 'max' },
)

for (const kind of ['stack', 'tree'] as const) {
  test(`a world of several systems, one of them a ${kind}, is a ${kind} of copies under any program`, async () => {
    await fc.assert(
      fc.asyncProperty(steps, (program) => follow(kind, program)),
      { numRuns: Number(process.env['VENOMQA_FUZZ_RUNS'] ?? 150) },
    )
  })
}

async function follow(kind: 'stack' | 'tree', program: readonly Step[]): Promise<void> {
  const { systems, write, read, fail } = places(kind)
  const world = await World.open({ systems, context: () => ({ deep: { n: 0 } }), verify: 'always' })
  const step = {}
  let model: Whole = AT_START
  let live: { mark: WorldMark; copy: Whole }[] = []
  const made: WorldMark[] = []
  const start = { mark: world.start, copy: AT_START }
  for (const { do: what, ...how } of program) {
    const at = 'which' in how && live.length > 0 ? how.which % live.length : -1
    const target = live[at]
    if ('place' in how) {
      const { place, n } = how
      if (place === 'ctx') world.ctx.deep.n = n
      else if (place !== 'value') write[place](n)
      else if (world.values.has(step)) (world.values.get(step) as { n: number }).n = n
      else world.values.set(step, { n })
      model = { ...model, [place]: n }
    } else if (what === 'checkpoint') {
      const mark = await world.checkpoint(`mark ${made.length}`)
      made.push(mark)
      live.push({ mark, copy: model })
    } else if (what === 'checkpoint that fails') {
      fail('checkpoint')
      await expect(world.checkpoint('never')).rejects.toMatchObject({ code: 'CHECKPOINT_FAILED' })
      fail(undefined)
    } else if (target && what === 'release') {
      await world.release(target.mark)
      live = live.slice(0, at)
    } else if (target && what === 'rollback') {
      await world.rollback(target.mark)
      model = target.copy
      if (kind === 'stack') live = live.slice(0, at + 1)
    } else if (target && what === 'rollback that fails') {
      fail('rollback')
      await expect(world.rollback(target.mark)).rejects.toMatchObject({ code: 'ROLLBACK_FAILED' })
      fail(undefined)
      if (kind === 'stack') live = live.slice(0, at + 1)
      const to = live.at(-1) ?? start
      await world.recover(to.mark)
      model = to.copy
    }
    const value = world.values.has(step) ? (world.values.get(step) as { n: number }).n : 0
    expect({ ...read(), ctx: world.ctx.deep.n, value }).toEqual(model)
    expect(made.filter((mark) => world.holds(mark))).toEqual(live.map(({ mark }) => mark))
    for (const { mark, copy } of live) {
      const changed = Object.entries(await world.changes(mark)).flatMap(([name, changes]) =>
        changes?.length ? [name] : [],
      )
      expect(changed).toEqual(
        ['map', 'cart', 'redux', 'stack'].filter((name) => copy[name as Place] !== model[name as Place]),
      )
    }
    const stale = made.find((mark) => !world.holds(mark))
    if (stale) expect(await thrownBy(() => world.rollback(stale))).toMatchObject({ code: 'STALE_MARK' })
  }
  await world.close()
  expect({ ...read(), ctx: world.ctx.deep.n, value: 0 }).toEqual(AT_START)
}
