import type { WorldMark } from '../world.ts'
import type { Call, Graph, State, Transition } from './graph.ts'
import { whatDiffers } from './judge.ts'
import type { Done, Live } from './live.ts'
import { Prices } from './prices.ts'

/** The way to a state: from where the world stands or from a checkpoint, then calls whose ends are known. */
interface Route {
  readonly start: State
  /** Whether the world is rolled back first. */
  readonly back: boolean
  readonly calls: readonly Transition[]
}

/** One piece of a route, told from its end. */
interface Link {
  readonly state: State
  readonly via: Transition | undefined
  readonly rest: Link | undefined
  readonly length: number
}

/** Where a call led to a state that it did not lead to before. */
export interface Astray {
  readonly transition: Transition
  readonly text: string
}

/** How many states are looked at for a way that is shorter than the one along the discoveries, at most. */
const SEARCHED = 64

/** How many of them for each ms that the known way takes: so the search costs little of what it may save. */
const SEARCHED_PER_MS = 250

/**
 * Brings the world to a known state the cheapest way, and lays the checkpoints that make it cheap.
 *
 * The world forgets a checkpoint together with those taken after it; so they are kept in the order they were taken in,
 * and given up from the end.
 */
export class Travel {
  /** Where the world stands; none when a step failed and left it anywhere. */
  at: State | undefined
  /** How many calls were made again only to get somewhere. */
  replayed = 0
  readonly #live: Live
  readonly #graph: Graph
  readonly #limit: number
  readonly #prices = new Prices()
  #marks: { readonly mark: WorldMark; readonly state: State }[]
  readonly #marked = new Map<State, WorldMark>()

  constructor(live: Live, graph: Graph, start: WorldMark, limit: number) {
    this.#live = live
    this.#graph = graph
    this.#limit = limit
    this.#marks = [{ mark: start, state: graph.root }]
    this.#marked.set(graph.root, start)
    this.at = graph.root
  }

  /** Brings the world to `target`. Says where it went astray, when it did. */
  async go(target: State): Promise<Astray | undefined> {
    if (this.at === target) return undefined
    const { start, back, calls } = this.#route(target)
    if (back) await this.#back(start)
    for (const transition of calls) {
      await this.lay(transition.from)
      const { call } = transition
      const done = await this.make(call)
      this.replayed += 1
      if (done.outcome === 'failed') return { transition, text: `${call.action} failed: ${done.error}` }
      this.at = transition.to
    }
    return calls.length > 0 ? this.#arrived(calls.at(-1)!) : undefined
  }

  /** Makes a call that leads to where only the caller knows. */
  async make(call: Call): Promise<Done> {
    this.at = undefined
    const started = performance.now()
    const done = await this.#live.perform(call)
    this.#prices.paid('action', started)
    return done
  }

  /** Lays a checkpoint here if coming back to it will save more than it costs. */
  lay(state: State): Promise<void> | undefined {
    if (this.at !== state || this.#marked.has(state)) return undefined
    const visits = Math.max(1, state.open?.length ?? 0)
    const saved = visits * this.#detour(state) * this.#prices.action
    return saved > this.#prices.checkpoint ? this.#lay(state) : undefined
  }

  async #lay(state: State): Promise<void> {
    if (this.#marks.length >= this.#limit && !(await this.#makeRoom())) return
    const started = performance.now()
    const mark = await this.#live.mark(`state ${state.number}`)
    this.#prices.paid('checkpoint', started)
    this.#marks.push({ mark, state })
    this.#marked.set(state, mark)
  }

  /** Puts the world back to the initial state. */
  async home(): Promise<void> {
    await this.#back(this.#graph.root)
  }

  /** The cheapest of staying, a live checkpoint and the start, with the calls that follow. */
  #route(target: State): Route {
    const { action, rollback } = this.#prices
    const costOf = ({ state, length }: Link): number => length * action + (state === this.at ? 0 : rollback)
    let best: Link = { state: target, via: undefined, rest: undefined, length: 0 }
    while (!this.#isStart(best.state)) best = before(best, best.state.via!)
    let cost = costOf(best)
    const patience = Math.min(SEARCHED, cost * SEARCHED_PER_MS)
    const seen = new Set([target])
    const queue: Link[] = [{ state: target, via: undefined, rest: undefined, length: 0 }]
    for (const link of queue) {
      if (link.length * action >= cost || seen.size > patience) break
      if (this.#isStart(link.state) && costOf(link) < cost) {
        best = link
        cost = costOf(link)
      }
      for (const transition of link.state.in) {
        if (seen.size > patience) break
        if (seen.has(transition.from)) continue
        seen.add(transition.from)
        queue.push(before(link, transition))
      }
    }
    const calls: Transition[] = []
    for (let link: Link | undefined = best; link?.via; link = link.rest) calls.push(link.via)
    return { start: best.state, back: best.state !== this.at, calls }
  }

  #isStart(state: State): boolean {
    return state === this.at || this.#marked.has(state)
  }

  async #back(state: State): Promise<void> {
    const place = this.#marks.findIndex((live) => live.state === state)
    this.at = undefined
    const started = performance.now()
    await this.#live.back(this.#marks[place]!.mark)
    this.#prices.paid('rollback', started)
    const next = this.#marks[place + 1]
    if (next && !this.#live.holds(next.mark)) this.#forget(place + 1)
    this.at = state
  }

  /** Whether the last of several calls led to where it led before. */
  async #arrived(last: Transition): Promise<Astray | undefined> {
    const seen = await this.#live.look()
    if (last.to.content === seen.id) return undefined
    this.at = undefined
    return { transition: last, text: last.to.look ? whatDiffers(last.to.look.data, seen.data) : 'another state' }
  }

  /** How many calls lie between `state` and the last checkpoint on the way to it. */
  #detour(state: State): number {
    let steps = 0
    for (let at: State | undefined = state; at && !this.#marked.has(at); at = at.via?.from) steps += 1
    return steps
  }

  /** Gives up the newest checkpoints: from the one on that frees most of those nobody needs, else all beside the way here. */
  async #makeRoom(): Promise<boolean> {
    let best = 0
    let from = 0
    let sum = 0
    for (let i = this.#marks.length - 1; i > 0; i--) {
      sum += this.#isNeeded(this.#marks[i]!.state) ? -1 : 1
      if (sum >= best && sum > 0) {
        best = sum
        from = i
      }
    }
    if (from === 0) from = this.#besideTheWay()
    if (from < 0) return false
    await this.#live.release(this.#marks[from]!.mark)
    this.#forget(from)
    return true
  }

  /** The first checkpoint that is not on the way to where the world stands, -1 when all are. */
  #besideTheWay(): number {
    const way = new Set<State>()
    for (let at = this.at; at; at = at.via?.from) way.add(at)
    return this.#marks.findIndex(({ state }, i) => i > 0 && !way.has(state))
  }

  #isNeeded(state: State): boolean {
    if (isOpen(state)) return true
    for (const { to } of state.out.values()) if (to.via?.from === state && isOpen(to)) return true
    return false
  }

  #forget(from: number): void {
    for (const { state } of this.#marks.splice(from)) this.#marked.delete(state)
  }
}

function before(link: Link, via: Transition): Link {
  return { state: via.from, via, rest: link, length: link.length + 1 }
}

function isOpen(state: State): boolean {
  return !state.closed && (state.open?.length ?? 0) > 0
}
