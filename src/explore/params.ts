import { inspect } from 'node:util'
import type * as FastCheck from 'fast-check'
import { fastCheck } from './arbitraries.ts'
import { copy } from '../copy.ts'
import { canonical } from './canonical.ts'
import type { Call } from './graph.ts'
import type { Action, Choice, Drawn, Values } from './model.ts'
import { seedOf } from './random.ts'

/** The parameters of one action that can be tried in the present state. */
export interface Offer extends Omit<Call, 'action' | 'key'> {}

const SAMPLES = 2

const NEEDS =
  'An action draws its parameters from arbitraries, and fast-check is not installed.\nIt is an optional peer of venomqa.'

/** All combinations of the choices from the live state, each with some values of the arbitraries, small ones first. */
export async function offers<W extends object>(
  action: Action<W>,
  world: W,
  seed: number,
  place: string,
): Promise<Offer[]> {
  const { params } = action
  if (!params) return [{ params: {}, picks: {} }]
  let made: { params: Values; picks: Readonly<Record<string, number>> }[] = [{ params: {}, picks: {} }]
  for (const [name, choice] of choicesOf(params)) {
    const list = await listOf(name, choice, world)
    made = made.flatMap((offer) =>
      list.map((value, i) => ({ params: { ...offer.params, [name]: value }, picks: { ...offer.picks, [name]: i } })),
    )
  }
  if (made.length === 0 || drawnOf(params).length === 0) return made
  const draws = await drawSome(action, seedOf(seed, place))
  return made.flatMap((offer) =>
    draws.map(({ values, drawn }) => ({ ...offer, params: inOrder(params, { ...offer.params, ...values }), drawn })),
  )
}

/** Whether all values of the parameters were tried, so that `exhausted` may be said without a but. */
export function isEnumerable({ params }: Action<never>): boolean {
  return !params || drawnOf(params).length === 0
}

/**
 * The parameters of `call` in the present state: what was chosen from the live state is chosen again, by value or else by
 * its place in the list, since ids may differ from run to run, and a path that was made shorter has fewer to choose from.
 * `undefined` when there is nothing to choose from.
 */
export async function resolve<W extends object>(action: Action<W>, call: Call, world: W): Promise<Values | undefined> {
  let { params } = call
  for (const [name, choice] of choicesOf(action.params ?? {})) {
    if (!(name in call.picks)) continue
    const list = await listOf(name, choice, world)
    if (list.length === 0) return undefined
    const wanted = canonical(params[name], `the parameter ${name}`)
    const same = list.findIndex((value) => canonical(value, `the parameter ${name}`) === wanted)
    // The live value also where it is equal: an action may write to what it chose.
    params = { ...params, [name]: list[same >= 0 ? same : Math.min(call.picks[name]!, list.length - 1)] }
  }
  return params
}

async function listOf<W>(name: string, { from }: Choice<W, unknown>, world: W): Promise<readonly unknown[]> {
  const list: unknown = await from(world)
  if (Array.isArray(list)) return list
  throw new Error(`from() of its parameter ${name} answered ${inspect(list, { depth: 0 })}, which is not an array.`)
}

/** Makes the drawn parameters of `call` as small as `fires` allows. */
export async function shrinkParams(
  action: Action<never>,
  call: Call,
  fires: (call: Call) => Promise<boolean>,
): Promise<Call> {
  const { drawn } = call
  if (!drawn) return call
  const fc = await fastCheck(NEEDS)
  let smallest = call
  const property = fc.asyncProperty(recordOf(fc, action), async (values) => {
    const candidate = withParams(call, { ...call.params, ...values })
    if (!(await fires(candidate))) return true
    smallest = candidate
    return false
  })
  await fc.check(property, { seed: drawn.seed, path: String(drawn.index), endOnFailure: false })
  return smallest
}

/** A call with its key. What it remembers of the parameters is a copy: actions may write to those that they get. */
export function callOf(action: string, { params: given, picks, drawn }: Offer): Call {
  const params = copy(given)
  const key = `${action}(${Object.keys(params).length === 0 ? '' : canonical(params, `the parameters of ${action}`)})`
  return drawn ? { action, params, picks, key, drawn } : { action, params, picks, key }
}

/** The same call with other parameters. */
export function withParams(call: Call, params: Values): Call {
  return callOf(call.action, { ...call, params })
}

async function drawSome(action: Action<never>, seed: number) {
  const fc = await fastCheck(NEEDS)
  const found = new Map<string, { values: Values; drawn: { seed: number; index: number } }>()
  const wanted = action.samples ?? SAMPLES
  for (const [index, values] of fc.sample(recordOf(fc, action), { seed, numRuns: wanted * 2 }).entries()) {
    const text = canonical(values, 'a drawn parameter')
    if (!found.has(text)) found.set(text, { values, drawn: { seed, index } })
  }
  const small = [...found].toSorted(([a], [b]) => a.length - b.length).slice(0, wanted)
  return small.map(([, draw]) => draw)
}

function recordOf(fc: typeof FastCheck, { params = {} }: Action<never>): FastCheck.Arbitrary<Values> {
  return fc.record(Object.fromEntries(drawnOf(params)) as Record<string, FastCheck.Arbitrary<unknown>>)
}

function choicesOf<W>(params: NonNullable<Action<W>['params']>): [string, Choice<W, unknown>][] {
  return Object.entries(params).filter((entry): entry is [string, Choice<W, unknown>] => isChoice(entry))
}

function drawnOf(params: NonNullable<Action<never>['params']>): [string, Drawn<unknown>][] {
  return Object.entries(params).filter((entry): entry is [string, Drawn<unknown>] => !isChoice(entry))
}

function isChoice([name, param]: [string, unknown]): boolean {
  const { from, generate } = Object(param) as Partial<Choice<never, unknown> & Drawn<unknown>>
  if (typeof from === 'function') return true
  if (typeof generate === 'function') return false
  throw new Error(
    `its parameter ${name} is ${inspect(param, { depth: 0 })}, neither from(…) nor an arbitrary of fast-check.`,
  )
}

function inOrder(params: object, values: Values): Values {
  return Object.fromEntries(Object.keys(params).map((name) => [name, values[name]]))
}
