import { kept, type Look } from './identity.ts'
import type { Values } from './model.ts'
import type { Normalizer } from './normalize.ts'

/** One action with its parameters. */
export interface Call {
  readonly action: string
  readonly params: Values
  /** The same for the same action with equal parameters. */
  readonly key: string
  /** For a parameter that was chosen from the live state: which one of the list it was. */
  readonly picks: Readonly<Record<string, number>>
  /** How its arbitraries were drawn, so that fast-check can shrink what they gave. */
  readonly drawn?: { readonly seed: number; readonly index: number }
}

/** What came of a call: `rejected` is an answer with a status of 400 or more. */
export type Outcome = 'accepted' | 'rejected'

/** A call that was made in one state and led to another. */
export interface Transition {
  readonly from: State
  readonly to: State
  readonly call: Call
  readonly outcome: Outcome
  readonly status: number | undefined
}

/** One state that was reached, and what is known of it. */
export class State {
  readonly number: number
  readonly id: string
  /** The identity of what was observed, whatever the path. */
  readonly content: string
  /** The same without `ctx`: what the application itself remembers. */
  readonly systems: string
  /** How often the actions with `maxPerPath` were done on the way: part of the identity. */
  readonly counts: Readonly<Record<string, number>>
  /** What it looked like; absent when many states were big. */
  readonly look: Pick<Look, 'raw' | 'data'> | undefined
  /** The shortest way known, in steps from the initial state. */
  depth = 0
  /** The last transition of that way; none for the initial state. */
  via: Transition | undefined
  readonly out = new Map<string, Transition>()
  readonly in: Transition[] = []
  /** The calls that were not made yet; `undefined` until they were asked for. */
  open: Call[] | undefined
  /** The invariants that do not hold here. */
  broken: readonly string[] = []
  /** Nothing is explored beyond: an invariant does not hold here, or the state could not be reached again. */
  closed = false

  constructor(
    number: number,
    id: string,
    seen: Look,
    counts: Readonly<Record<string, number>>,
    look: Pick<Look, 'raw' | 'data'> | undefined,
  ) {
    this.number = number
    this.id = id
    this.content = seen.id
    this.systems = seen.systems
    this.counts = counts
    this.look = look
  }
}

/** How much of what was observed is kept for reports, in characters: about 128 MiB. */
const KEPT = 2 ** 26

/** The states that were reached and the calls between them. */
export class Graph {
  readonly states: State[] = []
  readonly #normalize: readonly Normalizer[]
  #room = KEPT
  readonly #byId = new Map<string, State>()
  #transitions = 0

  constructor(normalize: readonly Normalizer[] = []) {
    this.#normalize = normalize
  }

  get transitions(): number {
    return this.#transitions
  }

  get root(): State {
    return this.states[0]!
  }

  /** The state that looks so, and whether it is new. */
  add(seen: Look, counts: Readonly<Record<string, number>>): { state: State; isNew: boolean } {
    const id = idOf(seen, counts)
    const known = this.#byId.get(id)
    if (known) return { state: known, isNew: false }
    this.#room -= seen.size
    const look = this.#room > 0 ? kept(seen, this.#normalize) : undefined
    const state = new State(this.states.length, id, seen, counts, look)
    this.#byId.set(id, state)
    this.states.push(state)
    return { state, isNew: true }
  }

  get(id: string): State | undefined {
    return this.#byId.get(id)
  }

  /** Records a transition. Returns the states that are reached on a shorter way now. */
  connect(transition: Transition): State[] {
    const { from, to, call } = transition
    this.#transitions += 1
    from.out.set(call.key, transition)
    if (to !== from) to.in.push(transition)
    if (to === this.root || (to.via && to.depth <= from.depth + 1)) return []
    const nearer: State[] = []
    const queue = [transition]
    for (const next of queue) {
      const depth = next.from.depth + 1
      if (next.to === this.root || (next.to.via && next.to.depth <= depth)) continue
      next.to.depth = depth
      next.to.via = next
      nearer.push(next.to)
      queue.push(...next.to.out.values())
    }
    return nearer
  }

  /** Whether `key` is known not to be possible in `state`. */
  isRuledOut(state: State, key: string): boolean {
    return state.open !== undefined && !state.out.has(key) && !state.open.some((call) => call.key === key)
  }

  /** The calls of the shortest way known to `state`. */
  pathTo(state: State): Call[] {
    const calls: Call[] = []
    for (let via = state.via; via; via = via.from.via) calls.push(via.call)
    return calls.reverse()
  }
}

/** The identity of a state in the graph. */
function idOf(look: Look, counts: Readonly<Record<string, number>>): string {
  let id = look.id
  for (const action of Object.keys(counts).toSorted()) id += ` ${action}×${counts[action]}`
  return id
}
