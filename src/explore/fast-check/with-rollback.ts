import { isDeepStrictEqual } from 'node:util'
import * as fc from 'fast-check'
import { copy } from '../../copy.ts'
import { isVenomError, VenomError } from '../../errors.ts'
import type { Systems, World, WorldMark } from '../../world.ts'

/** How model runs are rolled back. */
export interface RollbackOptions<Model extends object> {
  /**
   * `'once'` (default): the first run's set-up is the start of all until another function is given, told by its text. `'each'`: it is called for every run, for set-ups that
   * depend on generated values; then only the state is put back, and nothing is skipped.
   */
  readonly setup?: 'once' | 'each'
  /** Copies a model that is not plain data. Without it such a model is set up for every run. */
  clone?(model: Model): Model
}

/** fast-check's model-based testing on a world that is rolled back: the same signatures, the same counterexamples. */
export interface WithRollback extends AsyncDisposable {
  readonly commands: typeof fc.commands
  /**
   * Like `fc.asyncModelRun`, from the state the world was in at the first run. What a run has in common with the one
   * before it is not run again, which is most of it while fast-check shrinks.
   */
  asyncModelRun<Model extends object, Real>(
    setup: fc.ModelRunSetup<Model, Real> | fc.ModelRunAsyncSetup<Model, Real>,
    commands: Iterable<fc.AsyncCommand<Model, Real, boolean> | fc.AsyncCommand<Model, Real> | fc.Command<Model, Real>>,
    options?: RollbackOptions<Model>,
  ): Promise<void>
  /** Puts the world back before every run of a property, also while fast-check shrinks. */
  rolledBack<T>(property: fc.IAsyncPropertyWithHooks<T>): fc.IAsyncPropertyWithHooks<T>
}

/** Binds fast-check's model-based testing to a world. */
export function withRollback<S extends Systems, A, C>(world: World<S, A, C>): WithRollback {
  const runner = new ModelRunner(world as unknown as World<Systems, unknown, unknown>)
  return {
    commands: fc.commands,
    asyncModelRun: (setup, commands, options) =>
      runner.run(setup as AnySetup, commands as Iterable<AnyCommand>, options as RollbackOptions<object>),
    rolledBack(property) {
      if (!(property.isAsync() as boolean)) throw notAsync()
      return property.beforeEach(async (before: () => unknown) => {
        await runner.home()
        await before()
      })
    },
    [Symbol.asyncDispose]: () => runner.close(),
  }
}

interface AnyCommand {
  check(model: object): boolean | Promise<boolean>
  run(model: object, real: unknown): unknown
  /** fast-check wraps each command, and shrinks by what its wrapper says has run. */
  readonly cmd?: object
  hasRan?: boolean
}

type AnySetup = () => { model: object; real: unknown } | Promise<{ model: object; real: unknown }>

/** A command that was run, or whose check said no, and what was true after it. */
interface Stride {
  readonly command: object
  readonly ran: boolean
  readonly model: object
  /** Absent beyond the limit. */
  readonly mark: WorldMark | undefined
}

/** How many checkpoints are alive at once. */
const LIMIT = 40

/** About one in so many is gone back to, so what was run since the last one must have taken so many times as long. */
const RETURNS = 4

class ModelRunner {
  readonly #world: World<Systems, unknown, unknown>
  #start: WorldMark | undefined
  #set: { readonly by: string; readonly mark: WorldMark; readonly model: object; readonly real: unknown } | undefined
  #strides: Stride[] = []
  /** The commands of the last run that failed: only what is shrunk of them comes again, so only there checkpoints pay. */
  #failed: ReadonlySet<object> = new Set()
  /** What was run since the last checkpoint, and what the last checkpoint took, in ms. */
  #ran = 0
  #price = 0

  constructor(world: World<Systems, unknown, unknown>) {
    this.#world = world
  }

  /** Puts the world back to where it was at the first call. */
  async home(): Promise<void> {
    this.#strides = []
    this.#set = undefined
    if (this.#start && this.#world.holds(this.#start)) await this.#world.rollback(this.#start)
    else this.#start = await this.#world.checkpoint('fast-check')
  }

  async close(): Promise<void> {
    if (!this.#start || !this.#world.holds(this.#start)) return
    await this.home()
    await this.#world.release(this.#start)
  }

  async run(setup: AnySetup, iterable: Iterable<AnyCommand>, options: RollbackOptions<object> = {}): Promise<void> {
    const commands = [...iterable]
    const clone = options.clone ?? plainCopy
    if (options.setup === 'each' || this.#set?.by !== String(setup) || !this.#world.holds(this.#set.mark)) {
      const whole = await this.#setUp(setup, clone, options.setup !== 'each')
      if (whole) return this.#all(commands, whole)
    }
    const { model: first, real } = this.#set!
    const same = this.#common(commands)
    this.#strides.length = same
    const last = this.#strides.at(-1)
    await this.#world.rollback(last?.mark ?? this.#set!.mark)
    this.#ran = 0
    const model = clone(last?.model ?? first)
    for (const [i, { ran }] of this.#strides.entries()) if (ran) commands[i]!.hasRan = true
    const isShrunk = commands.some((command) => this.#failed.has(inner(command)))
    try {
      for (const wrapper of commands.slice(same)) {
        const command = inner(wrapper)
        const before = fieldsOf(command)
        const started = performance.now()
        const ran = await wrapper.check(model)
        if (ran) await wrapper.run(model, real)
        this.#ran += performance.now() - started
        // A command that remembers its runs is another one the next time.
        const isPure = isDeepStrictEqual(before, fieldsOf(command))
        const mark = isShrunk && this.#strides.length < LIMIT ? await this.#markAfter(ran) : undefined
        this.#strides.push({ command: isPure ? command : {}, ran, model: clone(model), mark })
      }
    } catch (error) {
      this.#failed = new Set(commands.map(inner))
      throw error
    }
  }

  /** Calls the set-up in the state that runs start from. Returns what it made if every run must start anew. */
  async #setUp(setup: AnySetup, clone: (model: object) => object, once: boolean) {
    await this.home()
    const { model, real } = await setup()
    if (!once) return { model, real }
    try {
      this.#set = { by: String(setup), mark: await this.#world.checkpoint('set up'), model: clone(model), real }
      return undefined
    } catch (error) {
      if (isVenomError(error) && error.code === 'NOT_CLONEABLE') return { model, real }
      throw error
    }
  }

  async #all(commands: readonly AnyCommand[], { model, real }: { model: object; real: unknown }): Promise<void> {
    for (const command of commands) if (await command.check(model)) await command.run(model, real)
  }

  /** How many commands at the beginning are those of the last run and can be gone back to. */
  #common(commands: readonly AnyCommand[]): number {
    let same = 0
    while (same < commands.length && this.#strides[same]?.command === inner(commands[same]!)) same += 1
    while (same > 0 && !this.#isLive(this.#strides[same - 1]!.mark)) same -= 1
    return same
  }

  #isLive(mark: WorldMark | undefined): boolean {
    return mark !== undefined && this.#world.holds(mark)
  }

  async #markAfter(ran: boolean): Promise<WorldMark | undefined> {
    if (!ran) return this.#strides.length > 0 ? this.#strides.at(-1)!.mark : this.#set!.mark
    if (this.#ran < RETURNS * this.#price) return undefined
    const started = performance.now()
    const mark = await this.#world.checkpoint('after a command')
    this.#price = performance.now() - started
    this.#ran = 0
    return mark
  }
}

function notAsync(): VenomError {
  return new VenomError(
    'BAD_ARGUMENT',
    'rolledBack() was given a property that is not async.\n' +
      'fast-check waits for nothing before the runs of such a one, so none would start from the state that it should.\n' +
      'Make it with fc.asyncProperty(…).',
  )
}

/** The user's command: fast-check wraps it anew for each run. */
function inner(command: AnyCommand): object {
  return command.cmd ?? command
}

function plainCopy(model: object): object {
  return copy(model, (_, at) => {
    throw new VenomError('NOT_CLONEABLE', `The model${at} is not plain data, so it is set up for every run.`)
  })
}

/** What a command holds, as it is now. */
function fieldsOf(command: object): unknown {
  return copy({ ...command })
}
