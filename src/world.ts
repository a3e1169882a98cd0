import { summaries } from './changes.ts'
import { Context } from './context.ts'
import { copy } from './copy.ts'
import {
  closedError,
  isVenomError,
  messageOf,
  notAMark,
  notQuiet,
  notVerified,
  staleMark,
  startIsKept,
  taintedError,
  throwIfAny,
  VenomError,
} from './errors.ts'
import type { Model, View } from './explore/model.ts'
import type { Normalizer } from './explore/normalize.ts'
import type { ExploreOptions } from './explore/options.ts'
import type { ExploreReport } from './explore/report.ts'
import type { Why } from './explore/why.ts'
import { InFlight } from './inflight.ts'
import { Logs, type LogsOption } from './logs.ts'
import { checkOptions } from './options.ts'
import {
  type Awaitable,
  type Change,
  type Observation,
  observation,
  type ResetOptions,
  type Rollbackable,
  type Worker,
} from './rollbackable.ts'
import { Slowness } from './slow.ts'
import { type Moment, Together } from './together.ts'

/** The systems of a world by the names its steps call them. */
export type Systems = Readonly<Record<string, Rollbackable>>

/** What a step sees of each system: its `handle`, or the system itself where it has none. */
export type Handles<S extends Systems> = {
  readonly [K in keyof S]: S[K] extends { readonly handle: infer H } ? H : S[K]
}

/** What changed in each system that can tell; optional for one of which only its being a system is known. */
export type Changes<S extends Systems> = {
  readonly [K in keyof S as S[K] extends { changes: unknown } ? K : never]: readonly Change[]
} & {
  readonly [K in keyof S as 'changes' extends keyof S[K] ? K : never]?: readonly Change[]
}

/** One moment of all systems at once. */
export interface WorldMark {
  readonly name: string
}

/** What a world is made of. */
export interface WorldOptions<S extends Systems, A = undefined, C = Record<string, unknown>> {
  /** The backends that the application uses, each under the name that steps use. */
  readonly systems: S
  /**
   * Makes whatever speaks to the application; called once when the world opens. What can be disposed of, such as a
   * server or a child process of Node, is so when the world closes.
   */
  readonly api?: (world: { readonly worker: Worker; url(system: string): string }) => Awaitable<A>
  /** Makes the plain data that steps share as `ctx`; rolled back with the systems. */
  readonly context?: () => C
  /** Replaces what `observe()` takes as the identity of a state. */
  readonly observe?: (world: { readonly systems: Handles<S>; readonly ctx: C }) => Awaitable<unknown>
  /**
   * When a rollback is proved: the first to each mark (default), always, or never. A system with `changes` must
   * report none afterwards; one with only `observe` must look as it did at the mark.
   */
  readonly verify?: 'first' | 'always' | 'off'
  /**
   * Called when all systems are back at a mark: there an application is told to forget what it keeps in its own memory,
   * such as a cache. Also called after a reset, and when the world closes.
   */
  readonly afterRollback?: (world: { readonly api: A; readonly systems: Handles<S> }) => Awaitable<unknown>
  /**
   * Where the application logs to: a file, a stream or a child process, or several. The last lines that it wrote during
   * a step stand beside the step's failure.
   */
  readonly logs?: LogsOption
  /** How long work that outlived its step may go on before the world is tainted, in ms. Default 1000. */
  readonly grace?: number
  /** How long a checkpoint, a rollback or a reset of one system may take before that is told, in ms. Default 1000. */
  readonly slow?: number
  readonly worker?: Partial<Worker>
}

interface Entry {
  readonly mark: WorldMark
  readonly moment: Moment
  verified: boolean
}

/** How often a checkpoint, or a way back, is tried when something was written meanwhile. */
const TRIES = 5

// Taken at load, so that a runner's fake timers never stop the world.
const { setTimeout } = globalThis

/**
 * One history over all systems, and the only caller of them: it opens them, takes one checkpoint over all at once,
 * rolls all back together, and alone knows which marks still hold.
 *
 * A rollback that failed or could not be verified taints the world: it then refuses everything but `recover()`.
 */
export class World<S extends Systems = Systems, A = undefined, C = Record<string, unknown>> implements AsyncDisposable {
  readonly worker: Worker
  /** What `options.api` made. */
  readonly api: A
  /** What a step sees of each system. */
  readonly systems: Handles<S>
  /** What the application logs: for the walker of journeys. */
  readonly logs: Logs
  readonly #systems: S
  readonly #verify: 'first' | 'always' | 'off'
  readonly #grace: number
  readonly #identity: (() => Awaitable<unknown>) | undefined
  readonly #afterRollback: (() => Awaitable<unknown>) | undefined
  readonly #context: Context<C>
  readonly #together: Together
  readonly #inFlight = new InFlight()
  #live: Entry[] = []
  #tainted: VenomError | undefined
  #toldOfWriter = false
  #closing: Promise<void> | undefined
  #queue: Promise<unknown> = Promise.resolve()

  private constructor(options: WorldOptions<S, A, C>, worker: Worker, context: Context<C>, api: A, logs: Logs) {
    const { systems, verify = 'first', grace = 1000, slow, observe, afterRollback } = options
    this.logs = logs
    this.#systems = systems
    this.systems = handlesOf(systems)
    this.#verify = verify
    this.#grace = grace
    this.#identity = observe && (() => observe({ systems: this.systems, ctx: this.ctx }))
    this.#afterRollback = afterRollback && (() => afterRollback({ api: this.api, systems: this.systems }))
    this.worker = worker
    this.#context = context
    this.api = api
    const all = new Map<string, Rollbackable>([...Object.entries(systems), ['ctx', context]])
    this.#together = new Together(all, new Slowness((text) => worker.notice(text), slow))
  }

  /**
   * Opens every system, takes the mark `start` and has the systems prove that their rollback works.
   *
   * Throws `NO_SYSTEMS`, `NAME_TAKEN`, `BAD_ARGUMENT`, `NOT_FOUND` (a log), `OPEN_FAILED`, `SELF_TEST_FAILED` or the system's own error; what was opened is closed again.
   */
  static async open<const S extends Systems, A = undefined, C = Record<string, unknown>>(
    options: WorldOptions<S, A, C>,
  ): Promise<World<S, A, C>> {
    checkOptions(options)
    const worker: Worker = {
      id: '1',
      runner: 'none',
      runId: `${process.pid.toString(36)}${Date.now().toString(36)}`,
      notice: (message) => void process.stderr.write(`venomqa: ${message}\n`),
      ...options.worker,
    }
    const systems = Object.entries<Rollbackable>(options.systems)
    const opened = await Promise.allSettled(systems.map(async ([, system]) => system.open?.(worker)))
    let api: A | undefined
    try {
      throwIfAny('OPEN_FAILED', 'could not be opened', systems, opened)
      const url = (name: string): string => urlOf(options.systems, name)
      api = (await options.api?.({ worker, url })) as A
      const context = new Context((options.context?.() ?? {}) as C)
      const world = new World<S, A, C>(options, worker, context, api, await Logs.open(options.logs))
      await world.checkpoint('start')
      if (options.verify !== 'off') {
        const proofs = await Promise.allSettled(systems.map(async ([, system]) => system.selfTest?.()))
        throwIfAny('SELF_TEST_FAILED', 'did not pass its self-test', systems, proofs)
      }
      return world
    } catch (error) {
      const toClose = systems.filter((_, i) => opened[i]!.status === 'fulfilled')
      await Promise.allSettled([dispose(api)])
      await Promise.allSettled(toClose.map(async ([, system]) => system.close?.()))
      throw error
    }
  }

  /** The plain data that steps share. */
  get ctx(): C {
    return this.#context.data
  }

  /** The values that steps returned: for the walker of journeys. */
  get values(): Pick<Context<C>, 'get' | 'set' | 'has'> {
    return this.#context
  }

  /** The mark of `open()`. */
  get start(): WorldMark {
    const [first] = this.#live
    if (!first) throw closedError()
    return first.mark
  }

  /** Why nothing may run here any more, until `recover()`. */
  get tainted(): VenomError | undefined {
    return this.#tainted
  }

  /** How each system goes back and why, for people. */
  get ways(): Readonly<Record<string, string>> {
    const systems = Object.entries<Rollbackable>(this.#systems)
    return Object.fromEntries(systems.map(([name, { way }]) => [name, way ?? 'its own']))
  }

  /** Where this worker's application must connect for `system`. Throws `UNSUPPORTED` when the system made no place of its own. */
  url(system: string): string {
    return urlOf(this.#systems, system)
  }

  /** Whether a rollback to `mark` would still work. */
  holds(mark: WorldMark): boolean {
    return !this.#closing && this.#live.some((entry) => entry.mark === mark)
  }

  /**
   * Remembers the present state of all systems. Waits for work in flight first.
   *
   * Throws `CHECKPOINT_FAILED` or the system's own error (the parts already taken are released), `NOT_QUIET` when the
   * systems keep moving, `STEP_STILL_RUNNING`, `TAINTED`.
   */
  checkpoint(name: string): Promise<WorldMark> {
    return this.#alone(async () => {
      this.#usable()
      await this.#settled()
      const mark: WorldMark = { name }
      this.#live.push({ mark, moment: await this.#take(name), verified: false })
      return mark
    })
  }

  /**
   * Puts all systems back to `mark`, every one attempted, and proves it (`verify`).
   *
   * Throws `STALE_MARK`, `TAINTED`, `STEP_STILL_RUNNING`; `ROLLBACK_FAILED` (also of `afterRollback`) and `NOT_VERIFIED`
   * taint the world.
   */
  rollback(mark: WorldMark): Promise<void> {
    return this.#alone(async () => {
      this.#usable()
      const entry = this.#entry(mark)
      await this.#settled()
      await this.#goBack(entry, this.#verify === 'always')
    })
  }

  /** Waits until nothing that outlived its step runs any more, `grace` ms at most. Throws `STEP_STILL_RUNNING`, which taints the world. */
  settled(): Promise<void> {
    return this.#alone(() => this.#settled())
  }

  /** Makes a tainted world usable again by going back to `mark` (default: the start) and proving it. Throws `TAINTED` if that fails too. */
  recover(mark?: WorldMark): Promise<void> {
    return this.#alone(async () => {
      this.#open()
      const taint = this.#tainted
      if (!taint) return
      try {
        await this.#settled()
        await this.#goBack(this.#entry(mark ?? this.start), true)
        this.#tainted = undefined
      } catch (error) {
        this.#tainted = taint
        const [first, then] = [messageOf(taint), messageOf(error)]
        const advice = then === first ? 'Mend that' : `Going back did not help: ${then}\nMend the cause named first`
        throw new VenomError(
          'TAINTED',
          `The state is unknown, so nothing more runs on it: ${first}\n${advice}; the next run opens the systems anew.`,
          { cause: taint },
        )
      }
    })
  }

  /**
   * Forgets `mark` and the marks made after it, without changing any state; nothing happens when it is gone already.
   *
   * Throws `BAD_ARGUMENT` for the start, `SYSTEM_FAILED`.
   */
  release(mark: WorldMark): Promise<void> {
    return this.#alone(async () => {
      this.#open()
      const at = this.#live.findIndex((entry) => entry.mark === mark)
      if (at === 0) throw startIsKept()
      if (at > 0) await this.#forget(this.#live.splice(at), 'all')
    })
  }

  /**
   * What was inserted, updated and deleted in each system since `mark`, by default the newest.
   *
   * Throws `STALE_MARK`, `SYSTEM_FAILED`.
   */
  changes(mark?: WorldMark): Promise<Changes<S>> {
    return this.#alone(async () => {
      this.#open()
      const entry = this.#entry(mark ?? this.#live.at(-1)?.mark ?? this.start)
      return Object.fromEntries(await this.#together.changes(entry.moment)) as Changes<S>
    })
  }

  /** The state of every system that can tell, and the context, as plain data. Throws `SYSTEM_FAILED`. */
  observe(): Promise<Readonly<Record<string, Observation>>> {
    return this.#alone(async () => {
      this.#open()
      if (this.#identity) return { world: observation('world', await this.#identity()) }
      const ctx = observation('ctx', copy<unknown>(this.ctx))
      return { ...Object.fromEntries(await this.#together.observe()), ctx }
    })
  }

  /**
   * Empties every system that can be emptied. A change like any other: marks stay, and a rollback undoes it.
   *
   * Throws `SYSTEM_FAILED` after every system was attempted, `ROLLBACK_FAILED` of `afterRollback`.
   */
  reset(options: ResetOptions = {}): Promise<void> {
    return this.#alone(async () => {
      this.#usable()
      await this.#settled()
      await this.#together.reset(options)
      await this.#told('the reset')
    })
  }

  /** Explores what can happen from the present state: see `venomqa/explore`. The world is put back to it afterwards. */
  async explore<T extends Systems, B, D>(
    this: World<T, B, D>,
    model: Model<View<T, B, D>>,
    options?: ExploreOptions,
  ): Promise<ExploreReport> {
    const { explore } = await import('./explore/explore.ts')
    return explore(this, model, options)
  }

  /** Says why two answers of `observe()` are one state or two, as `normalize` sees them. */
  async why(
    a: Readonly<Record<string, Observation>>,
    b: Readonly<Record<string, Observation>>,
    normalize?: readonly Normalizer[],
  ): Promise<Why> {
    const { why } = await import('./explore/why.ts')
    return why(a, b, normalize)
  }

  /**
   * Runs one piece of the user's work. After `timeout` ms its signal is aborted and `STEP_TIMEOUT` is thrown; the
   * work itself is then awaited before anything is rolled back, so that it can never write into a later path.
   */
  async run<T>(name: string, work: (signal: AbortSignal) => Awaitable<T>, timeout = Infinity): Promise<T> {
    // It begins when the calls before it are done, so that none of them meets its writes.
    const { done } = await this.#alone(async () => {
      this.#usable()
      return { done: this.#inFlight.run(name, work, timeout) }
    })
    return done
  }

  /**
   * Goes back to the start and closes every system; each is attempted, and what failed is thrown as one error. Idempotent.
   * With `keep` the state stays as it is, unless the world is tainted.
   */
  async close({ keep = false }: { readonly keep?: boolean } = {}): Promise<void> {
    if (this.#closing) return this.#closing.catch(() => undefined)
    this.#closing = this.#alone(() => this.#end(keep))
    return this.#closing
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close()
  }

  async #end(keep: boolean): Promise<void> {
    const systems = Object.entries<Rollbackable>(this.#systems)
    const results = await Promise.allSettled([this.#settled()])
    // Also under a step that never ended: no path comes after this, and the next run begins with what is left here.
    const back = async (): Promise<void> => {
      if (keep && !this.#tainted) return
      await this.#goBack(this.#entry(this.start), this.#verify !== 'off')
    }
    results.push(...(await Promise.allSettled([back()])))
    results.push(...(await Promise.allSettled([dispose(this.api)])))
    results.push(...(await Promise.allSettled(systems.map(async ([, system]) => system.close?.()))))
    this.#live = []
    this.logs.close()
    const world = ['the world', this] as const
    throwIfAny('CLOSE_FAILED', 'could not be closed', [world, world, ['api', this.api], ...systems], results)
  }

  #open(): void {
    if (this.#closing) throw closedError()
  }

  #usable(): void {
    this.#open()
    if (this.#tainted) throw taintedError(this.#tainted)
  }

  /** One call on the systems at a time, so that they need no locks of their own. */
  #alone<T>(work: () => Promise<T>): Promise<T> {
    const result = this.#queue.then(work)
    this.#queue = result.catch(() => undefined)
    return result
  }

  async #settled(): Promise<void> {
    try {
      await this.#inFlight.settled(this.#grace)
    } catch (error) {
      throw this.#taint(error)
    }
  }

  /** A system that moves is asked again alone: what is slow need not be done again between two heartbeats of it. */
  async #take(name: string): Promise<Moment> {
    let standing: Moment | undefined
    for (let tries = 1; ; tries++) {
      const moment = await this.#together.checkpoint(name, this.#verify !== 'off', standing)
      let moved: ReadonlyMap<string, readonly Change[]>
      try {
        const changes = this.#together.canDisagree ? await this.#together.changes(moment) : []
        moved = new Map(changes.filter(([, changes]) => changes.length > 0))
        if (moved.size === 0) return moment
        if (tries === TRIES)
          throw notQuiet(
            name,
            [...moved].map(([at, changes]) => `${at} (${summaries(changes)})`),
          )
      } catch (error) {
        await this.#together.giveUp(name, moment)
        throw error
      }
      standing = await this.#together.standing(name, moment, moved)
      await pauseAfter(tries)
    }
  }

  async #goBack(entry: Entry, always: boolean): Promise<void> {
    // Also when the rollback fails half way, the marks behind it are gone: some systems have forgotten them.
    const gone = this.#together.isTree ? [] : this.#live.splice(this.#live.indexOf(entry) + 1)
    try {
      for (let tries = 1; ; tries++) {
        try {
          await this.#together.rollback(entry.mark.name, entry.moment)
        } finally {
          await this.#forget(gone.splice(0), 'trees')
        }
        await this.#told(`the way back to "${entry.mark.name}"`)
        if (tries === 1 && !always && (this.#verify === 'off' || entry.verified)) return
        const differences = await this.#together.differences(entry.moment)
        // A way back that took more than one try proves this state, not that the next one will be right.
        if (differences.length === 0) return void (entry.verified ||= tries === 1)
        if (tries === TRIES) throw notVerified(entry.mark.name, differences, tries)
        this.#tellOfWriter(entry.mark.name, differences)
        await pauseAfter(tries)
      }
    } catch (error) {
      throw this.#taint(error)
    }
  }

  #tellOfWriter(name: string, differences: readonly string[]): void {
    if (this.#toldOfWriter) return
    this.#toldOfWriter = true
    this.worker.notice(
      `The way back to "${name}" is taken once more, since ${differences.join(', ')}.\n` +
        'Usually the application wrote in that moment, by itself: a timer, a job, or a call that a step did not wait for.\n' +
        'Stop it for the tests, or wait for its effect in the step that causes it. This is told once.',
    )
  }

  /** Before the proof, so that what `afterRollback` makes the application write is found. */
  async #told(after: string): Promise<void> {
    try {
      await this.#afterRollback?.()
    } catch (error) {
      throw new VenomError(
        'ROLLBACK_FAILED',
        `afterRollback failed after ${after}: ${messageOf(error)}\n` +
          'The systems are done, but the application may still remember what was there before.\n' +
          'Mend it where the world is defined; it must also work when nothing is there to forget.',
        { cause: error },
      )
    }
  }

  async #forget(gone: readonly Entry[], only: 'all' | 'trees'): Promise<void> {
    for (const { mark, moment } of gone.toReversed()) await this.#together.release(mark.name, moment, only)
  }

  #taint(error: unknown): VenomError {
    this.#tainted = isVenomError(error) ? error : new VenomError('ROLLBACK_FAILED', messageOf(error), { cause: error })
    return this.#tainted
  }

  #entry(mark: WorldMark): Entry {
    const entry = this.#live.find((candidate) => candidate.mark === mark)
    if (entry) return entry
    throw typeof mark?.name === 'string' ? staleMark(mark.name) : notAMark(mark)
  }
}

function pauseAfter(tries: number): Promise<void> {
  return new Promise((resolve) => void setTimeout(resolve, 20 * 2 ** tries))
}

/** Not by what it answers when asked: a client may answer to any name. */
async function dispose(api: unknown): Promise<void> {
  if (Object(api) !== api) return
  const given = api as Partial<AsyncDisposable & Disposable>
  if (Symbol.asyncDispose in given) await given[Symbol.asyncDispose]?.()
  else if (Symbol.dispose in given) given[Symbol.dispose]?.()
}

/** A handle is asked for anew each time: a system may make another one. */
function handlesOf<S extends Systems>(systems: S): Handles<S> {
  const handles: Record<string, unknown> = {}
  for (const [name, system] of Object.entries<Rollbackable>(systems)) {
    Object.defineProperty(handles, name, {
      enumerable: true,
      get: () => ('handle' in system ? system.handle : system),
    })
  }
  return handles as Handles<S>
}

function urlOf(systems: Systems, name: string): string {
  const url = systems[name]?.url
  if (url !== undefined) return url
  throw new VenomError(
    'UNSUPPORTED',
    systems[name]
      ? `${name} made no place of its own for this worker, so it has no URL.\nThe application uses the one that you gave to the system.\nPass that one on.`
      : `There is no system "${name}".\nThe world has: ${Object.keys(systems).join(', ')}.\nUse one of these names.`,
  )
}
