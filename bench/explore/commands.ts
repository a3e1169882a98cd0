import * as fc from 'fast-check'
import type { Action } from '../../src/explore/index.ts'
import { withRollback } from '../../src/explore/fast-check/index.ts'
import { World } from '../../src/index.ts'
import { EMPTY, shopModel, type State } from '../../test/explore/shop.ts'
import type { Place } from './places.ts'

type Model = { shop: State }

/** What a run of fast-check came to. */
export interface Checked {
  readonly ms: number
  readonly calls: number
  readonly startsOver: number
  /** Pairs of a state and what was called in it. */
  readonly transitions: number
  readonly isFound: boolean
  /** The counterexample and how it was come to. */
  readonly text: string
}

/** How fast-check draws commands. */
export interface Setting extends fc.CommandsContraints {
  readonly seed: number
  /** In ms. */
  readonly time?: number
}

/** The settings of fast-check that were tried; the best of them is what we compare with. */
export const SETTINGS: Readonly<Record<string, fc.CommandsContraints>> = {
  default: {},
  'max 60': { maxCommands: 60, size: 'max' },
  'max 100': { maxCommands: 100, size: 'max' },
}

/** The shop of a place as commands of fast-check, which starts over before each run. */
export async function check(place: Place, setting: Setting): Promise<Checked> {
  let startsOver = 0
  const { commands, told } = commandsOf(place)
  return told(setting, () =>
    fc.asyncProperty(fc.commands(commands, setting), async (drawn) => {
      startsOver += 1
      await place.startOver()
      await fc.asyncModelRun(() => ({ model: { shop: EMPTY }, real: {} }), drawn)
    }),
  ).then((result) => ({ ...result, startsOver }))
}

/** The same property with `withRollback`, and nothing else changed. */
export async function checkWithRollback(place: Place, setting: Setting): Promise<Checked> {
  const worker = { notice: () => undefined }
  await using world = await World.open({ systems: { db: place.system }, worker })
  await using rollback = withRollback(world)
  const { commands, told } = commandsOf(place)
  const result = await told(setting, () =>
    fc.asyncProperty(rollback.commands(commands, setting), (drawn) =>
      rollback.asyncModelRun(() => ({ model: { shop: EMPTY }, real: {} }), drawn),
    ),
  )
  return { ...result, startsOver: 0 }
}

function commandsOf(place: Place) {
  const seen = new Set<string>()
  let calls = 0
  let model: Model = { shop: EMPTY }
  const { actions, invariants } = shopModel({
    state: async () => model.shop,
    async do(action) {
      calls += 1
      seen.add(`${action} ${JSON.stringify(model.shop)}`)
      const { status, state } = await place.call(action)
      model.shop = state
      return { status }
    },
  })
  const command = ([name, action]: [string, Action<object>]) =>
    fc.constant<fc.AsyncCommand<Model, object, true>>({
      async check(now) {
        model = now
        return (await action.when?.({}, {})) ?? true
      },
      async run(now) {
        model = now
        await action.run({}, {})
        for (const rule of Object.values(invariants)) if (!(await rule({}, { observed: {} }))) throw new Error(name)
      },
      toString: () => name,
    })
  const told = async (
    { seed, time = Infinity }: Setting,
    property: () => fc.IAsyncProperty<[Iterable<fc.AsyncCommand<Model, object, true>>]>,
  ) => {
    const begun = performance.now()
    const { failed, counterexample, counterexamplePath, numShrinks } = await fc.check(property(), {
      seed,
      numRuns: 1_000_000_000,
      ...(Number.isFinite(time) && { interruptAfterTimeLimit: time, markInterruptAsFailure: false }),
    })
    const isFound = failed && counterexample !== null
    const text = `${String(counterexample)} ${counterexamplePath} ${numShrinks}`
    return { ms: performance.now() - begun, calls, transitions: seen.size, isFound, text }
  }
  return { commands: Object.entries(actions).map(command), told }
}
