import type { Graph, State } from './graph.ts'
import type { Random } from './random.ts'

/** The states in which something is still to be tried. Every question of a strategy is answered without a scan. */
export class Frontier {
  readonly graph: Graph
  readonly random: Random
  #current: State | undefined
  /** The states that the world came by since it was put where the first of them is. */
  #way: State[] = []
  readonly #all: State[] = []
  readonly #places = new Map<State, number>()
  readonly #byDepth: Set<State>[] = []
  readonly #depths = new Map<State, number>()
  #shallowest = 0

  constructor(graph: Graph, random: Random) {
    this.graph = graph
    this.random = random
  }

  /** Where the world stands; none when a step failed and left it anywhere. */
  get current(): State | undefined {
    return this.#current
  }

  /** The world was put to `state`, to go on from there. */
  put(state: State): void {
    this.#current = state
    const at = this.#way.lastIndexOf(state)
    if (at < 0) this.#way = [state]
    else this.#way.length = at + 1
  }

  /** A step led to `state`; to nobody knows where, when it failed. */
  came(state: State | undefined): void {
    this.#current = state
    if (state && this.#way.at(-1) !== state) this.#way.push(state)
  }

  get size(): number {
    return this.#all.length
  }

  has(state: State): boolean {
    return this.#places.has(state)
  }

  /** Adds a state, or moves it to the depth that it has now. */
  add(state: State): void {
    const depth = this.#depths.get(state)
    if (depth === undefined) {
      this.#places.set(state, this.#all.length)
      this.#all.push(state)
    } else this.#byDepth[depth]?.delete(state)
    this.#depths.set(state, state.depth)
    let bucket = this.#byDepth[state.depth]
    if (!bucket) {
      while (this.#byDepth.length <= state.depth) this.#byDepth.push(new Set())
      bucket = this.#byDepth[state.depth]!
    }
    bucket.add(state)
    this.#shallowest = Math.min(this.#shallowest, state.depth)
  }

  delete(state: State): void {
    const place = this.#places.get(state)
    if (place === undefined) return
    const last = this.#all.pop()!
    if (last !== state) {
      this.#all[place] = last
      this.#places.set(last, place)
    }
    this.#places.delete(state)
    this.#byDepth[this.#depths.get(state)!]!.delete(state)
    this.#depths.delete(state)
  }

  /** The depth of the nearest open state; `Infinity` when there is none. */
  get depth(): number {
    if (this.#all.length === 0) return Infinity
    while (this.#byDepth[this.#shallowest]!.size === 0) this.#shallowest += 1
    return this.#shallowest
  }

  /** The open states from the nearest to the farthest, each depth in the order of discovery. */
  *nearest(): Generator<State, undefined> {
    if (this.#all.length === 0) return undefined
    // Not `yield*`, which costs several times as much.
    for (let depth = this.depth; depth < this.#byDepth.length; depth++) {
      for (const state of this.#byDepth[depth]!) yield state
    }
    return undefined
  }

  /** The open state that is farthest from the start. */
  farthest(): State | undefined {
    for (let depth = this.#byDepth.length - 1; depth >= 0; depth--) {
      let last: State | undefined
      for (const state of this.#byDepth[depth]!) last = state
      if (last) return last
    }
    return undefined
  }

  /** Any open state, each as likely as the others. */
  any(): State | undefined {
    return this.#all[this.random.below(this.#all.length)]
  }

  /** The nearest open state on the shortest way known to where the world stands. */
  ancestor(): State | undefined {
    for (let state = this.#current; state; state = state.via?.from) if (this.has(state)) return state
    return undefined
  }

  /** The open state that the world came by last: of all checkpoints, the one there is the least likely to be gone. */
  last(): State | undefined {
    if (this.#current && this.has(this.#current)) return this.#current
    const way = this.#way
    while (way.length > 1 && !this.has(way.at(-1)!)) way.pop()
    for (let state = way.at(-1); state; state = state.via?.from) if (this.has(state)) return state
    return undefined
  }
}
