import { AsyncLocalStorage } from 'node:async_hooks'
import { types } from 'node:util'
import { summary } from '../changes.ts'
import { isVenomError, messageOf, VenomError } from '../errors.ts'
import { at, pointTo } from '../stack.ts'
import type { Changes, Systems, World, WorldMark } from '../world.ts'
import { type Exchange, keep, listening } from './exchanges.ts'
import { blockedText, failureText, labelOf, type NodeReport, ownMessage, type PathReport } from './report.ts'
import type { CheckpointNode, Group, JourneyNode, Path, StepNode } from './tree.ts'

/** What a walk needs of the test that is running. */
export interface Host {
  /** The test's full name: who reports a shared failure. */
  readonly name: string
  /** The time-out of steps that have none of their own, in ms. */
  readonly timeout: number
  /** Whether the user has hooks that ran between `begin` and `run` and could have written. */
  readonly hooks: boolean
  /** When the report tells what the path changed. */
  readonly changes: 'failed' | 'always' | 'off'
  /** What a step sees, made from the time-out's signal. */
  context(signal: AbortSignal): object
  /** Runs a step so that what the runner counts per test belongs to the step. Tells whether it failed softly. */
  asStep(step: StepNode, run: () => Promise<unknown>): Promise<{ readonly value: unknown; readonly failed: boolean }>
  /** Told which nodes were not run because their state came back with a checkpoint. */
  kept(nodes: readonly (StepNode | CheckpointNode)[]): void
  /** Whether `thrown` is the runner's way of skipping the test. */
  isSkip(thrown: unknown): boolean
}

interface Failure {
  readonly node: StepNode | CheckpointNode
  readonly reportedBy: string
}

// Taken at load, so that a runner's fake timers never bend a duration.
const now = performance.now.bind(performance)

/**
 * Runs the paths of one journey over a world. Rollback is only a cache: a path starts from the deepest of its
 * checkpoints that still holds, else from the journey's start, so it never depends on which path ran before.
 */
export class Walk {
  readonly #journey: JourneyNode
  readonly #world: World<Systems, unknown, unknown>
  readonly #marks = new Map<CheckpointNode, WorldMark>()
  readonly #failures = new Map<StepNode | CheckpointNode, Failure>()
  readonly #ran = new Set<StepNode | CheckpointNode>()
  /** How many paths go through a node. */
  readonly #paths = new Map<StepNode | CheckpointNode, number>()
  #start: WorldMark | undefined
  /** The mark that `begin` left the systems at, and how many nodes of the path lie behind it. */
  #at: { readonly mark: WorldMark; readonly index: number } | undefined
  /** The last checkpoint of the path that is walked. */
  #last: WorldMark | undefined
  /** Off once a hook was seen to write: its writes belong to each path's beginning, and a checkpoint would hold another's. */
  #cache = true

  constructor(journey: JourneyNode, world: World<Systems, unknown, unknown>) {
    this.#journey = journey
    this.#world = world
    for (const { nodes } of pathsOf(journey.root)) {
      for (const node of nodes) this.#paths.set(node, (this.#paths.get(node) ?? 0) + 1)
    }
  }

  /** Why `path` cannot run: a step of it is marked skip, or a shared one failed and was reported by another test. */
  blocked(path: Path, testName: string): string | undefined {
    const marked = markedSkip(path)
    if (marked !== undefined) return marked
    for (const node of path.nodes) {
      const failure = this.#failures.get(node)
      if (failure && failure.reportedBy !== testName) return blockedText(node, failure.reportedBy)
    }
    return undefined
  }

  /** Puts the systems where `path` can start. Called before the user's hooks, so that they see that state. */
  async begin(path: Path): Promise<void> {
    const world = this.#world
    if (this.#start && !world.holds(this.#start)) this.#start = undefined
    if (world.tainted) await world.recover(this.#start)
    if (!this.#start) {
      const mark = await world.checkpoint(`start of ${this.#journey.name}`)
      this.#start = mark
      this.#at = { mark, index: 0 }
      return
    }
    this.#at = this.#deepest(path) ?? { mark: this.#start, index: 0 }
    await world.rollback(this.#at.mark)
  }

  /** Runs what is left of `path` and writes down how it went. A failure is thrown with the user's own error and the path beside it. */
  async run(path: Path, report: PathReport, host: Host): Promise<void> {
    const { mark, index } = this.#at!
    if (host.hooks) await this.#watchHooks(mark, index)
    for (const node of report.nodes.slice(0, index)) node.state = 'kept'
    host.kept(path.nodes.slice(0, index))
    if (index > 0) report.from = path.nodes[index - 1]!.name
    this.#last = mark
    let clean = true
    try {
      this.#journey.walking = { path, read: (step) => this.#read(step) }
      for (const [i, node] of path.nodes.entries()) {
        if (i < index) continue
        const began = now()
        const entry = report.nodes[i]!
        entry.state = this.#ran.has(node) ? 'replayed' : 'ran'
        try {
          if (node.kind === 'checkpoint') {
            this.#last = await this.#world.checkpoint(node.name)
            if (clean) this.#marks.set(node, this.#last)
          } else if (!(await this.#step(node, entry, host))) {
            clean = false
            entry.state = 'failed'
            this.#failures.set(node, { node, reportedBy: host.name })
          }
          this.#ran.add(node)
          if (clean) this.#failures.delete(node)
        } catch (error) {
          if (host.isSkip(error)) throw error
          entry.state = 'failed'
          entry.ms = now() - began
          this.#failures.set(node, { node, reportedBy: host.name })
          if (host.changes !== 'off') await this.#tellChanges(report, this.#last, error)
          const logs = await this.#world.logs.tails()
          if (logs.length > 0) report.logs = logs
          throw told(error, node, report)
        } finally {
          entry.ms ??= now() - began
        }
      }
      if (host.changes === 'always') await this.#tellChanges(report, this.#last)
      await this.#releaseOwn(path)
    } finally {
      delete this.#journey.walking
    }
  }

  /** Waits for work that outlived its step, so that a taint is known before the next test. */
  async settled(): Promise<void> {
    await this.#world.settled().catch(() => undefined)
  }

  /** Leaves the systems as the journey found them. */
  async end(): Promise<void> {
    const start = this.#start
    this.#start = undefined
    this.#marks.clear()
    if (!start || !this.#world.holds(start)) return
    // What cannot be mended is told by the path that needs it next, and when the world is closed.
    if (this.#world.tainted) return this.#world.recover(start).catch(() => undefined)
    await this.#world.rollback(start)
    await this.#world.release(start)
  }

  /** Nobody comes back to the checkpoints at the end of a path that only this path goes through. */
  async #releaseOwn(path: Path): Promise<void> {
    for (const node of path.nodes.toReversed()) {
      if (this.#paths.get(node) !== 1) return
      const mark = node.kind === 'checkpoint' ? this.#marks.get(node) : undefined
      if (!mark) continue
      this.#marks.delete(node as CheckpointNode)
      if (!this.#world.tainted) await this.#world.release(mark)
    }
  }

  #deepest(path: Path): { mark: WorldMark; index: number } | undefined {
    if (!this.#cache) return undefined
    for (let i = path.nodes.length - 1; i >= 0; i--) {
      const node = path.nodes[i]!
      const mark = node.kind === 'checkpoint' ? this.#marks.get(node) : undefined
      if (mark && this.#world.holds(mark)) return { mark, index: i + 1 }
    }
    return undefined
  }

  /** Whether the step passed; `false` when it failed softly and the path may go on. */
  async #step(step: StepNode, entry: NodeReport, host: Host): Promise<boolean> {
    const { retry = 0, timeout = host.timeout } = step.options
    const before = retry > 0 ? await this.#world.checkpoint(`before ${step.name}`) : undefined
    for (let tries = 0; ; tries++) {
      try {
        const body = step.body as (context: unknown) => unknown
        const work = (signal: AbortSignal): unknown => {
          const seen = this.#seen(host.context(signal))
          return listening(tellExchange(entry), () => body(seen))
        }
        this.#world.logs.begin()
        const { value, failed } = await host.asStep(step, () => this.#world.run(step.name, work, timeout))
        this.#world.values.set(step, value)
        if (before) await this.#world.release(before)
        return !failed
      } catch (error) {
        if (!before || tries >= retry || host.isSkip(error) || this.#world.tainted) throw error
        await this.#world.rollback(before)
      }
    }
  }

  /** The world's newest checkpoint may be another path's, or the one before a step that can be tried again. */
  #seen(context: object): object {
    // Outside the step's own asynchronous context: what a system asks its server is no request of the step.
    const changes = AsyncLocalStorage.bind(() => this.#world.changes(this.#last))
    return Object.defineProperty(context, 'changes', { value: changes })
  }

  #read(step: StepNode): { readonly value: unknown } | undefined {
    return this.#world.values.has(step) ? { value: this.#world.values.get(step) } : undefined
  }

  async #watchHooks(mark: WorldMark, index: number): Promise<void> {
    const changes = await this.#world.changes(mark)
    const lines = linesOf(changes)
    // A system that cannot tell may have been written to as well.
    const told = Object.keys(this.#world.systems).every((system) => system in changes)
    if (told && lines.length === 0) return
    this.#cache = false
    if (index === 0) return
    throw new VenomError(
      'HOOK_WROTE',
      `A beforeEach hook wrote before this path (${lines.join('; ')}), and not before the path that took the checkpoint.\n` +
        'What a hook writes belongs to the beginning of each path, but this one was to start from a checkpoint.\n' +
        'Write in a step or in beforeAll, or let the hook write before every path alike.',
    )
  }

  /** The story of a failure must not fail itself: work may still be running, or the backend gone. */
  async #tellChanges(report: PathReport, since: WorldMark, failure?: unknown): Promise<void> {
    const lines = await this.#world.changes(since).then(linesOf, (error: unknown) => {
      const why = messageOf(error)
      return [failure !== undefined && messageOf(failure) === why ? 'unknown, for the same reason' : `unknown (${why})`]
    })
    report.changed = { since: since === this.#start ? 'the start' : `◆ ${since.name}`, lines }
  }
}

/** Writes down what one try of a step asks for. */
function tellExchange(entry: NodeReport): (exchange: Exchange) => void {
  delete entry.http
  return (exchange) => {
    entry.http ??= []
    keep(entry.http, exchange)
  }
}

/** Why `path` is not to run, as it was written. */
export function markedSkip(path: Path): string | undefined {
  const step = path.nodes.find((node) => node.kind === 'step' && node.mode === 'skip')
  return step && `step "${step.name}" is marked skip`
}

function pathsOf(root: Group | Path): Path[] {
  return root.kind === 'path' ? [root] : root.children.flatMap(pathsOf)
}

function linesOf(changes: Changes<Systems>): string[] {
  return Object.entries(changes).flatMap(([system, list = []]) => list.map((one) => `${system} ${summary(one)}`))
}

/** The user's own error, never wrapped, with the path walked after its message. */
function told(thrown: unknown, node: StepNode | CheckpointNode, report: PathReport): Error {
  const error = isError(thrown) ? thrown : at(node.site, notAnError(thrown, node))
  // Thrown by us and not inside the user's code: the step or checkpoint is the place to look at.
  if (isVenomError(error) && (node.kind === 'checkpoint' || error.code === 'STEP_TIMEOUT')) at(node.site, error)
  pointTo(node.site, error)
  try {
    const before = error.message
    // An error that is thrown again, by another path, has that one's text.
    error.message = `${ownMessage(before)}\n\n${failureText(report)}`
    const [from, to] = before === '' ? [error.name, `${error.name}: ${error.message}`] : [before, error.message]
    if (error.stack) error.stack = error.stack.replace(from, () => to)
  } catch {
    // A frozen error keeps its message; the reporter has the path as well.
  }
  return error
}

/** Of this realm or another: test runners run files in contexts of their own, where Node's errors come from outside. */
function isError(thrown: unknown): thrown is Error {
  return thrown instanceof Error || types.isNativeError(thrown)
}

function notAnError(thrown: unknown, node: StepNode | CheckpointNode): VenomError {
  return new VenomError(
    'NOT_AN_ERROR',
    `${node.kind} "${labelOf(node)}" threw ${messageOf(thrown)}.\n` +
      'What is not an Error has no stack, so nobody can say where it was thrown.\n' +
      'Throw an Error: throw new Error(…).',
  )
}
