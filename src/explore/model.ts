import type { Awaitable } from '../rollbackable.ts'
import type { Handles, Systems } from '../world.ts'

/** What actions and invariants see of a world: each system under its name, `api`, and `ctx`. */
export type View<S extends Systems, A, C> = Handles<S> & {
  /** What `api` of the world made. */
  readonly api: A
  /** Plain data that actions share, rolled back with the systems. */
  readonly ctx: C
}

/** How bad it is that an invariant does not hold. */
export type Severity = 'critical' | 'high' | 'medium' | 'low'

/** The parameters of an action by name. */
export type Values = Readonly<Record<string, unknown>>

/** A finite choice from the live state: all of it is tried. */
export interface Choice<W, T> {
  readonly from: (world: W) => Awaitable<readonly T[]>
}

/** As much of a fast-check arbitrary as its type: some of it is tried, small values first, and shrunk on failure. */
export interface Drawn<T> {
  generate(random: never, bias: number | undefined): { readonly value: T }
  canShrinkWithoutContext(value: unknown): boolean
}

/** Where the parameters of an action come from, each by its name. */
export type Params<W, P> = { readonly [K in keyof P]: Choice<W, P[K]> | Drawn<P[K]> }

/** What an action may promise of itself. A promise is checked. */
export interface Traits {
  /** Changes nothing: checked by the oracle `readonlyMutates`. */
  readonly readonly?: boolean
  /** Twice is once: checked by the oracle `idempotence`. */
  readonly idempotent?: boolean
}

/** What `ensure` gets beside the world and the parameters. */
export interface Ensured {
  readonly result: unknown
  /** The data of each system, and `ctx`, as they were before the step. */
  readonly before: Readonly<Record<string, unknown>>
}

/**
 * Something a user can do.
 *
 * What `run` returns counts as refused when it is a response with a status of 400 or more; what it throws is a finding.
 */
export interface Action<W, P = Values> {
  readonly params?: Params<W, P>
  /** How many values are drawn of its arbitraries in each state. Default 2. */
  readonly samples?: number
  /** Whether it can be done in this state. Must change nothing. */
  when?(world: W, params: P): Awaitable<boolean>
  run(world: W, params: P): unknown
  /** What must hold just after it: `false`, a string or a throw is a finding. */
  ensure?(world: W, params: P, step: Ensured): Awaitable<boolean | string | void>
  readonly traits?: Traits
  /** How often it may be done on one path. The count joins the identity of states. */
  readonly maxPerPath?: number
  /** How often random strategies choose it, compared with the others. Default 1. */
  readonly weight?: number
  /** For `only` and `except` of the options. */
  readonly tags?: readonly string[]
}

/** What an invariant gets beside the world. */
export interface Moment {
  /** The data of each system, and `ctx`: reading it costs nothing. */
  readonly observed: Readonly<Record<string, unknown>>
  /** The action that led here; absent in the initial state. */
  readonly action?: string
}

/** `true` or nothing: it holds. `false`, a string that says why, or a throw: it does not. Anything else is an error. */
export type Check<W> = (world: W, moment: Moment) => Awaitable<boolean | string | void>

/** What must hold in every state. Must change nothing. */
export interface Invariant<W> {
  check(world: W, moment: Moment): Awaitable<boolean | string | void>
  /** Default `'high'`. */
  readonly severity?: Severity
  /** What is said when `check` says no more than `false`. */
  readonly message?: string
}

/** What is explored. */
export interface Model<W> {
  readonly actions: Readonly<Record<string, Action<W>>>
  readonly invariants?: Readonly<Record<string, Invariant<W> | Check<W>>>
}

/** The words for a model of one world, so that its types are known in every action. */
export interface ModelWords<W> {
  /** An action, with the types of its parameters. */
  action<const P = Record<never, never>>(action: Action<W, P>): Action<W>
  invariant(invariant: Invariant<W> | Check<W>): Invariant<W>
  /** A finite choice from the live state: all of it is tried. */
  from<T>(list: (world: W) => Awaitable<readonly T[]>): Choice<W, T>
}

/** Makes the words; they only bind the types. */
export function modelWords<W>(): ModelWords<W> {
  return {
    action: (action) => action as unknown as Action<W>,
    invariant: (invariant) => (typeof invariant === 'function' ? { check: invariant } : invariant),
    from: (list) => ({ from: list }),
  }
}

/** A finite choice from the live state: all of it is tried. */
export function from<W, T>(list: (world: W) => Awaitable<readonly T[]>): Choice<W, T> {
  return { from: list }
}
