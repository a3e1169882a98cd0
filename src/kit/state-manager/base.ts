import { isVenomError, messageOf, VenomError } from '../../errors.ts'
import type { Awaitable, ResetOptions } from '../../rollbackable.ts'
import { redacted } from '../../safety.ts'
import type { StateManager } from './state-manager.ts'

/** Where a manager tells what it does: `console`, or a logger of the application. */
export interface Logger {
  debug(message: string): unknown
}

/** What a `BaseStateManager` may be told. */
export interface StateManagerOptions {
  /** Gets a line for each thing done: `Created checkpoint: order_created`. Without it nothing is said. */
  readonly logger?: Logger
}

/**
 * The books of a state manager: which names are held, whether there is a connection, what is logged. A class that
 * extends it says only how its store is opened and closed, how a state is taken, and how it is put back.
 *
 * Throws `NOT_OPEN` before `connect()`, `DUPLICATE_NAME` for a name that is held, `UNKNOWN_CHECKPOINT` for one that is not.
 */
export abstract class BaseStateManager<Mark = unknown> implements StateManager, AsyncDisposable {
  /** Whether a rollback forgets the marks made after the one it goes to. Default `'stack'`. */
  readonly kind: 'stack' | 'tree' = 'stack'
  /** Where the store is, as it was given. Messages show it without its password. */
  readonly connectionUrl: string
  readonly #logger: Logger | undefined
  /** What is held, the oldest first. */
  readonly #marks = new Map<string, Mark>()
  #connected = false

  constructor(connectionUrl: string, { logger }: StateManagerOptions = {}) {
    this.connectionUrl = connectionUrl
    this.#logger = logger
  }

  /** Opens the store. What it took before it throws is given back by `close()`. */
  protected abstract open(): Awaitable<unknown>
  /** Closes what `open()` opened. Called also when that failed half way. */
  protected abstract close(): Awaitable<unknown>
  /** Remembers the present state. `name` is for humans: never build an identifier from it. */
  protected abstract take(name: string): Awaitable<Mark>
  /** Puts the state back to `mark`, any number of times. */
  protected abstract putBack(mark: Mark): Awaitable<unknown>
  /** Empties the store, so that a rollback to a held mark still brings all back. */
  protected abstract empty(options: ResetOptions): Awaitable<unknown>
  /** Gives back what `take()` left in the store. Not called for marks that a rollback of kind `'stack'` went behind. */
  protected forget?(mark: Mark): Awaitable<unknown>
  /** Asks the store for anything. Throws when it does not answer. */
  protected ping?(): Awaitable<unknown>

  /** Connects, once, and answers with the manager: `await using manager = await new Mine(url).connect()`. Throws `CONNECTION_REFUSED` or the store's own VenomError. */
  async connect(): Promise<this> {
    if (this.#connected) return this
    try {
      await this.open()
    } catch (error) {
      // What failed is what its reader must see, not what then fails because of it.
      await this.#closed().catch(() => undefined)
      throw isVenomError(error) ? error : this.#refused(error)
    }
    this.#connected = true
    this.#log(`Connected to ${redacted(this.connectionUrl)}`)
    return this
  }

  /** Forgets all marks and disconnects. Nothing happens when it is not connected. */
  async disconnect(): Promise<void> {
    if (!this.#connected) return
    try {
      await this.#forgetFrom(0)
    } finally {
      this.#marks.clear()
      this.#connected = false
      await this.#closed()
    }
    this.#log('Disconnected')
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.disconnect()
  }

  isConnected(): boolean {
    return this.#connected
  }

  /** The names that can be gone back to, the oldest first. */
  get checkpoints(): readonly string[] {
    return [...this.#marks.keys()]
  }

  /** Remembers the present state under `name`. */
  async checkpoint(name: string): Promise<void> {
    this.ensureConnected()
    if (this.#marks.has(name)) throw this.#held(name)
    this.#marks.set(name, await this.take(name))
    this.#log(`Created checkpoint: ${name}`)
  }

  /** Puts the state back to what it was at `name`. */
  async rollback(name: string): Promise<void> {
    const { at, mark } = this.#find(name)
    // Also when it fails half way the marks behind it are gone: the store may have forgotten them.
    if (this.kind === 'stack') for (const later of this.checkpoints.slice(at + 1)) this.#marks.delete(later)
    await this.putBack(mark)
    this.#log(`Rolled back to checkpoint: ${name}`)
  }

  /** Forgets `name` and the names taken after it, and changes no state. */
  async release(name: string): Promise<void> {
    await this.#forgetFrom(this.#find(name).at)
    this.#log(`Released checkpoint: ${name}`)
  }

  /** Empties the state and keeps the marks. */
  async clear(options: ResetOptions = {}): Promise<void> {
    this.ensureConnected()
    await this.empty(options)
    this.#log('Cleared')
  }

  /** Empties the state and forgets every mark. */
  async reset(options: ResetOptions = {}): Promise<void> {
    this.ensureConnected()
    await this.empty(options)
    await this.#forgetFrom(0)
    this.#log('Reset')
  }

  /** Whether it is connected and the store answers. Never throws. */
  async healthCheck(): Promise<boolean> {
    if (!this.#connected) return false
    try {
      await this.ping?.()
      return true
    } catch {
      return false
    }
  }

  /** Throws `NOT_OPEN` unless there is a connection. */
  protected ensureConnected(): void {
    if (this.#connected) return
    throw new VenomError(
      'NOT_OPEN',
      `${this.constructor.name} is not connected to ${redacted(this.connectionUrl)}.\n` +
        'connect() was not called, or disconnect() was.\n' +
        'await manager.connect() first; a world does that by itself.',
    )
  }

  /** Forgets the marks from the one at `first` on, the newest first. */
  async #forgetFrom(first: number): Promise<void> {
    for (const [name, mark] of [...this.#marks].slice(first).toReversed()) {
      this.#marks.delete(name)
      await this.forget?.(mark)
    }
  }

  async #closed(): Promise<void> {
    await this.close()
  }

  #find(name: string): { at: number; mark: Mark } {
    this.ensureConnected()
    const names = this.checkpoints
    const at = names.indexOf(name)
    if (at >= 0) return { at, mark: this.#marks.get(name)! }
    throw new VenomError(
      'UNKNOWN_CHECKPOINT',
      `Checkpoint "${name}" not found.\n` +
        'It was never taken, its name is misspelt, it was released, or a rollback went to before it.\n' +
        (names.length > 0
          ? `These are held: ${names.join(', ')}.`
          : 'None is held: take one first, with checkpoint(name).'),
    )
  }

  #held(name: string): VenomError {
    return new VenomError(
      'DUPLICATE_NAME',
      `There is a checkpoint "${name}" already.\n` +
        'A rollback to that name could mean either.\n' +
        'Give this one a name of its own, or release the other first: release(name) forgets it and those after it.',
    )
  }

  #refused(error: unknown): VenomError {
    const place = redacted(this.connectionUrl)
    return new VenomError(
      'CONNECTION_REFUSED',
      `${this.constructor.name} could not connect to ${place}: ${messageOf(error).replaceAll(this.connectionUrl, place)}\n` +
        'The server is not running, or the URL names another host, port, user or password.\n' +
        'Start the server, or give the URL of the one that runs.',
      { cause: error, retryable: true },
    )
  }

  #log(message: string): void {
    this.#logger?.debug(message)
  }
}
