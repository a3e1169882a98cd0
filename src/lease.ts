import { VenomError } from './errors.ts'
import type { Systems, World } from './world.ts'

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
    await world?.close()
  }

  /** Throws `CONCURRENT` while another test uses the world. */
  enter(test: string): void {
    if (this.#user !== undefined && this.#user !== test) {
      throw new VenomError(
        'CONCURRENT',
        `"${test}" cannot run while "${this.#user}" uses the same systems.\n` +
          'There is one state, so tests that roll it back run one after the other within a worker.\n' +
          'Take .concurrent away from them; files still run in parallel, each worker with a database of its own.',
      )
    }
    this.#user = test
  }

  leave(test: string): void {
    if (this.#user === test) this.#user = undefined
  }
}
