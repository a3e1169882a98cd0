import * as timers from 'node:timers'
import { VenomError } from '../errors.ts'
import { blame } from './audit.ts'
import { atLeast, type Finding, Findings } from './findings.ts'
import { Frontier } from './frontier.ts'
import { type Call, Graph, type State } from './graph.ts'
import { kept, type Look } from './identity.ts'
import type { Judge } from './judge.ts'
import type { Done, Live } from './live.ts'
import type { Severity } from './model.ts'
import { random } from './random.ts'
import type { Next, Strategy } from './strategy.ts'
import { type Astray, Travel } from './travel.ts'
import type { WorldMark } from '../world.ts'

/** How a search goes and when it ends. */
export interface SearchOptions {
  readonly strategy: Strategy
  readonly seed: number
  readonly maxDepth: number
  readonly maxMarks: number
  /** `performance.now()` when it is over. */
  readonly deadline: number
  readonly steps: number
  readonly states: number
  readonly stopOn: 'first' | 'never' | Severity
  readonly signal?: AbortSignal | undefined
  onStep?(search: Search): void
}

/** What became of an action over all states. */
export interface Tally {
  runs: number
  accepted: number
  rejected: number
  failed: number
  /** How often it changed nothing. */
  noop: number
}

const BREATH_MS = 10

// Taken at load, so that a runner's fake timers never stop the search; of Node, since a browser's environment has none.
const { setImmediate } = timers

/** Walks the reachable states: chooses, goes there, makes the call, looks where it led, and has it judged. */
export class Search {
  readonly graph: Graph
  readonly findings = new Findings()
  readonly tallies = new Map<string, Tally>()
  /** Calls that were made in a state where they had not been made before. */
  steps = 0
  /** Why it ended although something was open; none when all was seen. */
  ended: 'time' | 'steps' | 'states' | 'strategy' | 'stopped' | undefined
  /** States that could not be reached again, so that what is open there stays open. */
  readonly lost: State[] = []
  readonly frontier: Frontier
  readonly #live: Live
  readonly #judge: Judge
  readonly #options: SearchOptions
  #travel: Travel | undefined
  #breathed = performance.now()

  constructor(live: Live, judge: Judge, options: SearchOptions) {
    this.#live = live
    this.#judge = judge
    this.#options = options
    this.graph = new Graph(live.rules.normalize)
    this.frontier = new Frontier(this.graph, random(options.seed))
    for (const name of live.rules.actions.keys()) {
      this.tallies.set(name, { runs: 0, accepted: 0, rejected: 0, failed: 0, noop: 0 })
    }
  }

  /** Brings the world to known states. */
  get travel(): Travel {
    return this.#travel!
  }

  /** Explores from the state that the world is in, of which `start` is the checkpoint. */
  async run(start: WorldMark): Promise<void> {
    const seen = await this.#live.look()
    const { state } = this.graph.add(seen, {})
    this.#travel = new Travel(this.#live, this.graph, start, this.#options.maxMarks)
    const findings = await this.#judge.initial(seen)
    await this.#discovered(state, seen, findings)
    while (this.frontier.size > 0 && !this.#isOver()) {
      this.frontier.came(this.travel.at)
      const next = this.#options.strategy.next(this.frontier)
      if (!next) {
        this.ended = 'strategy'
        return
      }
      await this.#try(next)
      if (performance.now() - this.#breathed > BREATH_MS) await this.#breathe()
      this.#options.onStep?.(this)
    }
  }

  async #try({ state: wanted, call: asked }: Next): Promise<void> {
    const state = wanted as State
    if (!this.frontier.has(state)) throw notOpen(wanted.id)
    const astray = await this.travel.go(state)
    if (astray) return this.#wentAstray(state, astray)
    this.frontier.put(state)
    if (!state.open) await this.#open(state)
    const open = state.open!
    const at = asked ? open.indexOf(asked) : 0
    if (asked && at < 0) throw notOpen(`${asked.key} in ${wanted.id}`)
    if (open.length > 0) {
      await this.travel.lay(state)
      const [call] = open.splice(at, 1)
      await this.#step(state, call!)
    }
    if (open.length === 0) this.frontier.delete(state)
  }

  async #step(from: State, call: Call): Promise<void> {
    const { raw } = from.look ?? (await this.#live.lookBefore(call))
    const done = await this.travel.make(call)
    this.steps += 1
    const tally = this.tallies.get(call.action)!
    tally.runs += 1
    tally[done.outcome] += 1
    const before = { systems: from.systems, raw }
    if (done.outcome === 'failed') {
      const findings = await this.#judge.step({ call, done, before, after: undefined, again: false })
      this.#record(findings, [...this.graph.pathTo(from), call])
      this.#tell(from, undefined, call, done, false, findings)
      return
    }
    const after = await this.#live.look()
    const { state: to, isNew } = this.graph.add(after, this.#countsAfter(from, call))
    const nearer = this.graph.connect({ from, to, call, outcome: done.outcome, status: done.status })
    this.travel.at = to
    if (to === from) tally.noop += 1
    const { idempotent = false } = this.#live.rules.actions.get(call.action)?.traits ?? {}
    const again = idempotent ? from.in.find((transition) => transition.call.key === call.key) : undefined
    const findings = await this.#judge.step({ call, done, before, after, again: again !== undefined })
    if (isNew) await this.#discovered(to, after, findings)
    else for (const state of nearer) this.#reopen(state)
    if (findings.length > 0) {
      const prefix = again && findings.some(isIdempotence) ? [...this.graph.pathTo(again.from), again.call] : undefined
      this.#record(findings, [...(prefix ?? this.graph.pathTo(from)), call])
    }
    this.#tell(from, to, call, done, isNew, findings)
    if (tally.runs === 1) await this.#again(from, call, to, after, done)
  }

  /** Makes the first call of each action twice, since what differs by itself makes every state a new one. */
  async #again(from: State, call: Call, to: State, first: Look, done: Done): Promise<void> {
    if (this.#live.rules.levels.nondeterminism === 'off' || this.#isOver()) return
    const { data } = kept(first, this.#live.rules.normalize)
    const astray = await this.travel.go(from)
    if (astray) return this.#wentAstray(from, astray)
    const again = await this.travel.make(call)
    const second = await this.#live.look()
    if (second.id === to.content) this.travel.at = to
    if (second.id === to.content && again.outcome === done.outcome) return
    const answers = [
      { done, data },
      { done: again, data: second.data },
    ] as const
    this.#record(this.#judge.nondeterminism(call, answers), [...this.graph.pathTo(from), call])
  }

  /** A new state, in which the world stands. */
  async #discovered(state: State, seen: Look, findings: readonly Finding[]): Promise<void> {
    if (state === this.graph.root) this.#record(findings, [])
    state.broken = findings.filter(({ kind }) => kind === 'invariant').map(({ name }) => name)
    if (state.broken.length > 0) state.closed = true
    else if (state.depth < this.#options.maxDepth) await this.#open(state)
    else this.#reopen(state)
    if (this.#live.asks && isProbed(state)) await this.#live.unchangedBy('the invariants, `when` or `from`', seen)
  }

  /** Finds out what can be done in `state`, in which the world stands. */
  async #open(state: State): Promise<void> {
    state.open = await this.#live.calls(state.id, state.counts)
    if (state.open.length > 0) this.frontier.add(state)
  }

  /** A state that is nearer than it was: what was too deep may not be any more. */
  #reopen(state: State): void {
    if (state.closed || state.open?.length === 0) return
    if (state.depth < this.#options.maxDepth) this.frontier.add(state)
  }

  async #wentAstray(target: State, { transition, text }: Astray): Promise<void> {
    this.frontier.delete(target)
    target.closed = true
    this.lost.push(target)
    const way = [transition]
    for (let via = transition.from.via; via; via = via.from.via) way.unshift(via)
    const findings = await blame(this.#live, this.graph, this.travel, this.#judge, way, { text })
    this.#record(
      findings,
      way.map(({ call }) => call),
    )
  }

  #countsAfter(from: State, { action }: Call): Readonly<Record<string, number>> {
    if (this.#live.rules.actions.get(action)?.maxPerPath === undefined) return from.counts
    return { ...from.counts, [action]: (from.counts[action] ?? 0) + 1 }
  }

  #record(findings: readonly Finding[], path: readonly Call[]): void {
    const { stopOn } = this.#options
    for (const finding of findings) {
      this.findings.add(finding, path)
      if (finding.level !== 'error' || stopOn === 'never') continue
      if (stopOn === 'first' || atLeast(finding.severity, stopOn)) this.ended = 'stopped'
    }
  }

  #tell(
    from: State,
    to: State | undefined,
    call: Call,
    done: Done,
    isNew: boolean,
    findings: readonly Finding[],
  ): void {
    const { strategy } = this.#options
    if (!strategy.onStep) return
    const violated = findings.map(({ name }) => name)
    strategy.onStep({ from, to, call, outcome: done.outcome, isNew, violated })
  }

  /** Lets timers, sockets and the runner have their turn: in memory, nothing here ever waits for them. */
  async #breathe(): Promise<void> {
    await new Promise((resolve) => setImmediate(resolve))
    this.#breathed = performance.now()
  }

  #isOver(): boolean {
    const { deadline, steps, states, signal } = this.#options
    if (this.ended) return true
    if (this.steps >= steps) this.ended = 'steps'
    else if (this.graph.states.length >= states) this.ended = 'states'
    else if (signal?.aborted || performance.now() >= deadline) this.ended = 'time'
    return this.ended !== undefined
  }
}

/** Where it is checked that asking changes nothing: in the first hundred states and a tenth of the others. */
function isProbed({ number }: State): boolean {
  return number < 100 || number % 10 === 0
}

function isIdempotence({ kind, name }: Finding): boolean {
  return kind === 'oracle' && name === 'idempotence'
}

function notOpen(what: string): VenomError {
  return new VenomError(
    'BAD_ARGUMENT',
    `The strategy chose ${what}, which is not open.\n` +
      'Everything was tried there already, or it was never reached.\n' +
      'Choose one of frontier.nearest(), frontier.any(), frontier.last(), and one of its open calls.',
  )
}
