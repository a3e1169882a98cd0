import { VenomError } from './errors.ts'
import type { Changes, Handles, Systems, World } from './world.ts'

/** What steps, tests and hooks see of a world: each system under its name, and these. */
export type WorldContext<S extends Systems, A, C> = Handles<S> & {
  /** What `api` of the world made. */
  readonly api: A
  /** Plain data that steps share, rolled back with the systems. */
  readonly ctx: C
  /** What changed since the last checkpoint. */
  changes(): Promise<Changes<S>>
}

/** One world for all who need it in a file: opened for the first, closed after the last; used by one test at a time. */
export class Lease<S extends Systems, A, C> {
  readonly #open: () => Promise<World<S, A, C>>
  #opening: Promise<World<S, A, C>> | undefined
  #world: World<S, A, C> | undefined
  #holders = 0
  #user: string | undefined

  constructor(open: () => Promise<World<S, A, C>>) {
    this.#open = open
  }

  /** The open world. Throws `NOT_OPEN` outside tests. */
  get world(): World<S, A, C> {
    if (this.#world) return this.#world
    throw new VenomError(
      'NOT_OPEN',
      'The world is not open here.\nIt is opened when the first test of a file needs it, so not yet while files are collected.\nUse it inside steps, tests and hooks.',
    )
  }

  async take(): Promise<World<S, A, C>> {
    this.#holders++
    this.#opening ??= this.#open()
    try {
      this.#world = await this.#opening
      return this.#world
    } catch (error) {
      this.#holders--
      this.#opening = undefined
      throw error
    }
  }

  async giveBack(): Promise<void> {
    if (--this.#holders > 0) return
    const world = this.#world
    this.#opening = undefined
    this.#world = undefined
    // Tests undo what they did. What the user's own hooks did since, such as removing their seeds, is not ours to undo.
    await world?.close({ keep: true })
  }

  /** What steps see of the world, read when they look, on top of what the runner gives them. Without `systems`, whatever the open world has. */
  contextOf(systems: S | undefined, on: object): WorldContext<S, A, C> {
    const context = Object.create(on) as WorldContext<S, A, C>
    const show = (name: string, get: () => unknown): void => {
      Object.defineProperty(context, name, { enumerable: true, configurable: true, get })
    }
    for (const name of Object.keys(systems ?? {})) show(name, () => this.world.systems[name])
    show('api', () => this.world.api)
    show('ctx', () => this.world.ctx)
    show('changes', () => () => this.world.changes())
    if (systems) return context
    return new Proxy(context, {
      get: (target, name, receiver) =>
        Reflect.has(target, name) || typeof name === 'symbol'
          ? (Reflect.get(target, name, receiver) as unknown)
          : this.world.systems[name],
    })
  }

  /** Throws `CONCURRENT` while another test uses the world. */
  enter(test: string): void {
    if (this.#user !== undefined && this.#user !== test) {
      throw new VenomError(
        'CONCURRENT',
        `"${test}" cannot run while "${this.#user}" uses the same systems.\n` +
          'There is one state, so tests that roll it back run one after the other within a worker.\n' +
          'Take .concurrent away from them, or sequence.concurrent from the configuration; files still run in parallel, each worker with a database of its own.',
      )
    }
    this.#user = test
  }

  leave(test: string): void {
    if (this.#user === test) this.#user = undefined
  }
}
