import { VenomError } from '../../errors.ts'
import type { Observation, ResetOptions, Restores, Rollbackable } from '../../rollbackable.ts'
import { World, type WorldMark } from '../../world.ts'
import { BaseStateManager, type StateManagerOptions } from './base.ts'
import type { StateManager } from './state-manager.ts'

/** A system as a state manager. */
export interface SystemStateManager<Handle> extends StateManager, AsyncDisposable {
  /** What a step sees of the system. Throws `NOT_OPEN` before `connect()`. */
  readonly handle: Handle
  connect(): Promise<this>
  /** The names that can be gone back to, the oldest first. */
  readonly checkpoints: readonly string[]
}

/** What a step sees of a system: its handle, or the system itself where it has none. */
type HandleOf<S> = S extends { readonly handle: infer H } ? H : S

/**
 * Makes a system usable by names, without a runner: in a script, a REPL, a tool of your own.
 *
 * A world of its own stands behind it, so each first rollback to a name is proved, and `disconnect()` puts the system
 * back to where it was at `connect()`. Throws what a world throws.
 */
export function toStateManager<S extends Rollbackable>(
  system: S,
  options: StateManagerOptions = {},
): SystemStateManager<HandleOf<S>> {
  return new OfSystem<HandleOf<S>>(system, options)
}

class OfSystem<Handle> extends BaseStateManager<WorldMark> implements SystemStateManager<Handle> {
  override readonly kind: 'stack' | 'tree'
  readonly restores?: Restores
  readonly observe?: () => Promise<Observation>
  readonly #system: Rollbackable
  #world: World<{ readonly system: Rollbackable }> | undefined

  constructor(system: Rollbackable, options: StateManagerOptions) {
    super(system.url ?? system.way ?? 'its store', options)
    this.#system = system
    this.kind = system.kind ?? 'stack'
    if (system.restores) this.restores = system.restores
    if (system.observe) this.observe = async () => (await this.#open.observe())['system']!
  }

  get handle(): Handle {
    return this.#open.systems.system as Handle
  }

  protected async open(): Promise<void> {
    this.#world = await World.open({ systems: { system: this.#system } })
  }

  protected async close(): Promise<void> {
    const world = this.#world
    this.#world = undefined
    await world?.close()
  }

  protected take(name: string): Promise<WorldMark> {
    return this.#open.checkpoint(name)
  }

  protected putBack(mark: WorldMark): Promise<void> {
    return this.#open.rollback(mark)
  }

  protected override forget(mark: WorldMark): Promise<void> {
    return this.#open.release(mark)
  }

  protected async empty(options: ResetOptions): Promise<void> {
    if (this.#system.reset) return this.#open.reset(options)
    throw new VenomError(
      'UNSUPPORTED',
      'The system cannot be emptied, since it has no reset().\n' +
        'A state manager of it can then not be reset either.\n' +
        'Give the system a reset(), or take a checkpoint of the empty state and go back to that.',
    )
  }

  protected override async ping(): Promise<void> {
    const health = await this.#system.ping?.()
    if (health && !health.ok) throw new Error(health.detail ?? 'no answer')
  }

  get #open(): World<{ readonly system: Rollbackable }> {
    this.ensureConnected()
    return this.#world!
  }
}
