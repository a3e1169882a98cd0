import { types } from 'node:util'
import { summary } from '../changes.ts'
import { copy } from '../copy.ts'
import { isVenomError, messageOf, VenomError } from '../errors.ts'
import { inTime, LATE } from '../in-time.ts'
import type { Awaitable } from '../rollbackable.ts'
import type { Systems, World, WorldMark } from '../world.ts'
import type { Levels } from './findings.ts'
import type { Call, Outcome } from './graph.ts'
import { kept, type Look, look } from './identity.ts'
import type { Action, Invariant, Values } from './model.ts'
import type { Normalizer } from './normalize.ts'
import { callOf, offers, resolve } from './params.ts'
import { statusOf, whyNot } from './verdict.ts'
import { differences, line } from './why.ts'

/** What the user gave, as the engine uses it. */
export interface Rules {
  readonly actions: ReadonlyMap<string, Action<object>>
  readonly invariants: ReadonlyMap<string, Invariant<object>>
  readonly normalize: readonly Normalizer[]
  readonly levels: Levels
  readonly seed: number
  /** In ms, for each call. */
  readonly actionTimeout: number
}

/** What one call did. */
export interface Done {
  readonly outcome: Outcome | 'failed'
  readonly status: number | undefined
  readonly result: unknown
  /** What the action threw, as text. */
  readonly error: string | undefined
  /** The parameters that it had. */
  readonly params: Values
}

/** What everything came to that was asked of the world. */
export interface Cost {
  actions: number
  observations: number
  checkpoints: number
  rollbacks: number
}

/** Whether this is said of an action that never ended. */
export function isStuck(error: unknown): boolean {
  return isVenomError(error) && error.code === 'STEP_STILL_RUNNING'
}

/** The world as exploration uses it: every access to the systems goes through here and is counted. */
export class Live {
  readonly rules: Rules
  readonly cost: Cost = { actions: 0, observations: 0, checkpoints: 0, rollbacks: 0 }
  readonly #world: World<Systems, unknown, unknown>
  readonly #view: object
  /** The call of each action without parameters: all states share it. */
  readonly #plain: ReadonlyMap<string, readonly Call[]>

  constructor(world: World<Systems, unknown, unknown>, rules: Rules) {
    this.#world = world
    this.rules = rules
    this.#plain = new Map([...rules.actions.keys()].map((name) => [name, [callOf(name, { params: {}, picks: {} })]]))
    this.#view = Object.defineProperties(Object.create(null), {
      ...Object.getOwnPropertyDescriptors(world.systems),
      api: { enumerable: true, get: () => world.api },
      ctx: { enumerable: true, get: () => world.ctx },
    }) as object
  }

  /** Whether the model asks the world anything that might change it. */
  get asks(): boolean {
    const { actions, invariants } = this.rules
    return invariants.size > 0 || [...actions.values()].some(({ when, params }) => when ?? params)
  }

  /** Whether an action never ended, so that nothing can be rolled back. */
  get isStuck(): boolean {
    return isStuck(this.#world.tainted)
  }

  async look(): Promise<Look> {
    this.cost.observations += 1
    return look(await this.#world.observe(), this.rules.normalize)
  }

  /** What `ensure` of a call will be told of the state before it. */
  async lookBefore({ action }: Call): Promise<Pick<Look, 'raw'>> {
    if (!this.#action(action).ensure) return { raw: {} }
    return kept(await this.look(), this.rules.normalize)
  }

  mark(name: string): Promise<WorldMark> {
    this.cost.checkpoints += 1
    return this.#world.checkpoint(name)
  }

  back(mark: WorldMark): Promise<void> {
    this.cost.rollbacks += 1
    return this.#world.rollback(mark)
  }

  holds(mark: WorldMark): boolean {
    return this.#world.holds(mark)
  }

  release(mark: WorldMark): Promise<void> {
    return this.#world.release(mark)
  }

  /** What changed since `mark`, a line a table or key; of a system that cannot tell, what looks different. */
  async changed(mark: WorldMark, before: Pick<Look, 'data'>, after: Pick<Look, 'data'> | undefined): Promise<string[]> {
    const changes = Object.entries(await this.#world.changes(mark))
    const lines = changes.flatMap(([name, all]) => (all ?? []).map((change) => `${name} ${summary(change)}`))
    const told = new Set(changes.map(([name]) => name))
    for (const name of Object.keys(after?.data ?? {})) {
      if (!told.has(name)) lines.push(...differences(before.data[name], after?.data[name], name).map(line))
    }
    return lines
  }

  /** All calls that are possible here, in the order of the actions. */
  async calls(place: string, counts: Readonly<Record<string, number>>): Promise<Call[]> {
    const calls: Call[] = []
    for (const [name, action] of this.rules.actions) {
      if (action.maxPerPath !== undefined && (counts[name] ?? 0) >= action.maxPerPath) continue
      const offered = action.params ? await this.#offered(name, action, place) : this.#plain.get(name)!
      if (!action.when) calls.push(...offered)
      else for (const call of offered) if (await this.#allows(name, action, call.params)) calls.push(call)
    }
    return calls
  }

  /** The call as it can be made here and now; `undefined` when it cannot be made. */
  async allowed(call: Call): Promise<Values | undefined> {
    const action = this.#action(call.action)
    const params = await this.#guarded(call.action, () => resolve(action, call, this.#view))
    return params && (await this.#allows(call.action, action, params)) ? params : undefined
  }

  /** Makes a call. What the action throws is part of the answer, not an error. */
  async perform(call: Call, known?: Values): Promise<Done> {
    const action = this.#action(call.action)
    const asked = action.params ? { ...call, params: copy(call.params) } : call
    const params = known ?? (action.params && (await resolve(action, asked, this.#view))) ?? asked.params
    this.cost.actions += 1
    try {
      const result = await this.#world.run(call.action, () => action.run(this.#view, params), this.rules.actionTimeout)
      const status = statusOf(result)
      const outcome = status !== undefined && status >= 400 ? 'rejected' : 'accepted'
      return { outcome, status, result, error: undefined, params }
    } catch (thrown) {
      if (isVenomError(thrown) && thrown.code !== 'STEP_TIMEOUT') throw thrown
      const error = isVenomError(thrown) ? this.#late(call.action) : messageOf(thrown)
      return { outcome: 'failed', status: undefined, result: undefined, error, params }
    }
  }

  /** Why the post-condition of a call does not hold; `undefined` when it does. */
  async ensured(call: Call, { result, params }: Done, before: Pick<Look, 'raw'>): Promise<string | undefined> {
    const action = this.#action(call.action)
    const name = `${call.action} ensures`
    return whyNot(name, () => this.#inTime(name, action.ensure?.(this.#view, params, { result, before: before.raw })))
  }

  /** The invariants that do not hold here, each with its reason. */
  async broken(observed: Look, action?: string): Promise<Map<string, string>> {
    const broken = new Map<string, string>()
    const moment = { observed: observed.raw, ...(action !== undefined && { action }) }
    for (const [name, invariant] of this.rules.invariants) {
      const ask = () => this.#inTime(name, invariant.check(this.#view, moment))
      const reason = await whyNot(name, ask, invariant.message)
      if (reason !== undefined) broken.set(name, reason)
    }
    return broken
  }

  /** Throws when asking (`when`, `from`, invariants) has changed the state that `before` shows. */
  async unchangedBy(what: string, before: Look): Promise<void> {
    const after = await this.look()
    if (after.id === before.id) return
    throw new VenomError(
      'BAD_ARGUMENT',
      `Asking ${what} has changed the state:\n${differences(before.data, after.data).slice(0, 5).map(line).join('\n')}\n` +
        'One of them writes, or the application does: while it reads, by a timer, or after it has answered; the states that are explored are then others than your users see.\n' +
        'Let them read only; what writes is an action, which returns when the application is done. What the application counts for itself is left out by normalize: [drop(place)].',
    )
  }

  #action(name: string): Action<object> {
    const action = this.rules.actions.get(name)
    if (action) return action
    throw new VenomError(
      'NOT_FOUND',
      `There is no action "${name}" in this model.\n` +
        'The path was recorded with another model, or the action was renamed since.\n' +
        `The model has: ${[...this.rules.actions.keys()].join(', ')}.`,
    )
  }

  /** The calls of an action with parameters, each once. */
  async #offered(name: string, action: Action<object>, place: string): Promise<Iterable<Call>> {
    const { seed } = this.rules
    const made = await this.#guarded(name, () => offers(action, this.#view, seed, `${place} ${name}`))
    return new Map(made.map((offer) => callOf(name, offer)).map((call) => [call.key, call])).values()
  }

  async #allows(name: string, action: Action<object>, params: Values): Promise<boolean> {
    if (!action.when) return true
    return this.#guarded(name, async () => (await action.when?.(this.#view, params)) === true)
  }

  /** What the model answers: it has as long as an action. */
  #inTime<T>(name: string, answer: Awaitable<T>): Awaitable<T> {
    if (!types.isPromise(answer)) return answer
    return inTime(answer as Promise<T>, this.rules.actionTimeout).then((given) => {
      if (given === LATE) throw new Error(this.#late(name))
      return given
    })
  }

  #late(name: string): string {
    return `${name} timed out in ${this.rules.actionTimeout} ms (the option actionTimeout).`
  }

  /** A `when` or `from` that throws is a mistake in the model: it is named. */
  async #guarded<T>(name: string, ask: () => Promise<T>): Promise<T> {
    try {
      return await this.#inTime(name, ask())
    } catch (cause) {
      if (isVenomError(cause)) throw cause
      throw new VenomError(
        'BAD_ARGUMENT',
        `Whether "${name}" is possible could not be found out: ${messageOf(cause)}\n` +
          'Its `when` or one of its `from` threw, so nothing is known about this state.\n' +
          'Let `when` answer false, and `from` an empty list, where the action is not possible.',
        { cause },
      )
    }
  }
}
