import { VenomError } from '../errors.ts'
import type { Observation } from '../rollbackable.ts'
import { kept, type Look, look } from './identity.ts'
import type { Action, Check, Invariant, Values } from './model.ts'
import { statusOf, whyNot } from './verdict.ts'
import { differences, line } from './why.ts'

type Observe = () => Promise<Readonly<Record<string, Observation>>>

// Between a runner's steps and `act`: a name would be taken away from systems.
const OBSERVE = Symbol.for('venomqa.observe')

/** Lets `act` and `holds` look at the state from the context of a step. */
export function observable<T extends object>(context: T, observe: Observe): T {
  return Object.defineProperty(context, OBSERVE, { value: observe })
}

/** Does an action of a model in a step of a journey, with all that exploration checks of it. Returns what it answered. */
export async function act<W extends object, P = Values>(
  action: Action<W, P>,
  world: NoInfer<W>,
  params: NoInfer<P> = {} as P,
  promise?: 'is answered' | 'changes nothing',
): Promise<unknown> {
  if (action.when && (await action.when(world, params)) !== true) {
    throw new Error('The action is not possible here: its `when` said no.')
  }
  const before = kept(await lookAt(world), [])
  const result: unknown = await action.run(world, params)
  if (action.ensure) {
    const reason = await whyNot('ensure', () => action.ensure?.(world, params, { result, before: before.raw }))
    if (reason !== undefined) throw new Error(reason)
  }
  const status = statusOf(result) ?? 200
  if (promise === 'is answered' && status >= 500) throw new Error(`It was answered with ${status}.`)
  if (promise === 'changes nothing') {
    const { ctx: _, ...was } = before.data
    const { ctx: __, ...is } = (await lookAt(world)).data
    const changed = differences(was, is)
    if (changed.length > 0) throw new Error(`It should have changed nothing:\n${changed.map(line).join('\n')}`)
  }
  return result
}

/** Checks an invariant of a model in a step of a journey. */
export async function holds<W extends object>(invariant: Invariant<W> | Check<W>, world: NoInfer<W>): Promise<void> {
  const rule = typeof invariant === 'function' ? { check: invariant } : invariant
  const { raw } = await lookAt(world)
  const reason = await whyNot('the invariant', () => rule.check(world, { observed: raw }), rule.message)
  if (reason !== undefined) throw new Error(reason)
}

async function lookAt(world: object): Promise<Look> {
  const { [OBSERVE]: observe } = world as { [OBSERVE]?: Observe }
  if (observe) return look(await observe())
  throw new VenomError(
    'BAD_ARGUMENT',
    'act() and holds() were not given the context of a step.\n' +
      'They look at the state through it.\n' +
      "Pass it on whole: step('refund', (world) => act(actions.refund, world)).",
  )
}
