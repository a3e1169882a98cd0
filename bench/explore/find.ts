import * as fc from 'fast-check'
import type { Action, Check, Model, StrategyOption } from '../../src/explore/index.ts'
import { random } from '../../src/explore/random.ts'
import { World } from '../../src/index.ts'
import { memory } from '../../src/systems/memory/index.ts'
import { lock } from '../../test/explore/lock.ts'
import { type Bug, DEPTHS, Shop, shopModel, type Store } from '../../test/explore/shop.ts'

/** Something with a bug, and how many calls the shortest sequence has that shows it. */
export interface Subject {
  readonly name: string
  readonly shortest: number
  /** Fills the store, and says what can be done and what must be true. */
  open(store: Store): Promise<Model<object>>
}

/** What one search came to. */
export interface Search {
  readonly ms: number
  /** All calls, with those that made the path short. */
  readonly calls: number
  /** How many there were when a rule broke for the first time. */
  readonly firstHit: number
  /** Calls, looks, checkpoints, rollbacks; starts over, of those who do that. */
  readonly requests: number
  /** Of the path at the end; `Infinity` when nothing was found in time. */
  readonly length: number
}

/** The shop with each of its six bugs. */
export const BUGS: readonly Subject[] = (Object.keys(DEPTHS) as (Bug & keyof typeof DEPTHS)[]).map((bug) => ({
  name: bug,
  shortest: DEPTHS[bug],
  open: async (store) => shopModel(await new Shop(store, bug).open()),
}))

/** Locks that punish one way to search or another: a wrong key resets them or does nothing, beside dials of noise. */
export const LOCKS: readonly Subject[] = (
  [
    [4, 'resets', 0],
    [6, 'resets', 0],
    [8, 'resets', 0],
    [10, 'resets', 0],
    [6, 'ignored', 0],
    [8, 'ignored', 0],
    [12, 'ignored', 0],
    [16, 'ignored', 0],
    [4, 'resets', 3],
    [6, 'resets', 2],
    [6, 'ignored', 3],
    [6, 'ignored', 5],
  ] as const
).map(([keys, wrong, dials]) => ({
  name: `lock of ${keys} keys, a wrong one ${wrong}, ${dials} dials`,
  shortest: keys,
  open: (store) => lock(store, keys, wrong, dials),
}))

/** What a call of ours costs, in ms: without it, checkpoints would not be laid as they are where a call costs something. */
const PRICE = 0.1

/** Ours. The order of the actions is another one for each seed. */
export async function explored(subject: Subject, seed: number, strategy: StrategyOption = 'auto'): Promise<Search> {
  const { map, store } = storeOf()
  const { model, counts } = counting(shuffled(await subject.open(store), seed), () => {
    for (const end = performance.now() + PRICE; performance.now() < end;);
  })
  await using world = await World.open({ systems: { db: memory(map) } })
  const { violations, cost } = await world.explore(model, { seed, strategy })
  return {
    ms: cost.ms - counts.calls * PRICE,
    calls: counts.calls,
    firstHit: counts.firstHit,
    requests: cost.actions + cost.observations + cost.checkpoints + cost.rollbacks,
    length: violations[0]?.path.length ?? Infinity,
  }
}

/** fast-check with the same actions, preconditions and rules. What is not found in time counts with what it took. */
export async function checked(
  subject: Subject,
  seed: number,
  { time, ...constraints }: fc.CommandsContraints & { readonly time: number },
): Promise<Search> {
  const { map, store } = storeOf()
  const { model, counts } = counting(shuffled(await subject.open(store), seed))
  const beginning = new Map(map)
  let runs = 0
  const command = ([name, action]: [string, Action<object>]) =>
    fc.constant<fc.AsyncCommand<object, object, true>>({
      check: async () => (await action.when?.({}, {})) ?? true,
      async run() {
        await action.run({}, {})
        for (const rule of Object.values(model.invariants ?? {})) {
          if ((await (rule as Check<object>)({}, { observed: {} })) === false) throw new Error(name)
        }
      },
      toString: () => name,
    })
  const begun = performance.now()
  const { failed, counterexample } = await fc.check(
    fc.asyncProperty(fc.commands(Object.entries(model.actions).map(command), constraints), async (commands) => {
      runs += 1
      map.clear()
      for (const [key, value] of beginning) map.set(key, value)
      await fc.asyncModelRun(() => ({ model: {}, real: {} }), commands)
    }),
    { seed, numRuns: 1_000_000_000, interruptAfterTimeLimit: time, markInterruptAsFailure: false },
  )
  const ms = performance.now() - begun
  const isFound = failed && counterexample !== null
  const length = isFound
    ? String(counterexample)
        .replace(/ *\/\*.*/, '')
        .split(',').length
    : Infinity
  return { ms, calls: counts.calls, firstHit: counts.firstHit, requests: counts.calls + runs, length }
}

function storeOf(): { map: Map<string, string>; store: Store } {
  const map = new Map<string, string>()
  return { map, store: { put: (key, value) => void map.set(key, value), all: () => Object.fromEntries(map) } }
}

/** The same model, which counts its calls and remembers when a rule broke first. */
function counting({ actions, invariants = {} }: Model<object>, pay = () => {}) {
  const counts = { calls: 0, firstHit: Infinity }
  const model: Model<object> = {
    actions: Object.fromEntries(
      Object.entries(actions).map(([name, action]) => {
        const run: typeof action.run = (world, params) => {
          counts.calls += 1
          pay()
          return action.run(world, params)
        }
        return [name, { ...action, run }]
      }),
    ),
    invariants: Object.fromEntries(
      Object.entries(invariants).map(([name, rule]) => {
        const check: Check<object> = async (world, moment) => {
          const answer = await (rule as Check<object>)(world, moment)
          if (answer === false) counts.firstHit = Math.min(counts.firstHit, counts.calls)
          return answer
        }
        return [name, check]
      }),
    ),
  }
  return { model, counts }
}

function shuffled({ actions, ...model }: Model<object>, seed: number): Model<object> {
  const chance = random(seed)
  const entries = Object.entries(actions).map((entry) => ({ entry, at: chance.next() }))
  return { ...model, actions: Object.fromEntries(entries.toSorted((a, b) => a.at - b.at).map(({ entry }) => entry)) }
}
