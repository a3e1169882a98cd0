import type { Awaitable, Observation, ResetOptions, Restores } from '../../rollbackable.ts'

/**
 * A backend that keeps its marks under names: what people write who think in connections rather than in systems.
 *
 * `fromStateManager` makes it a system of a world, `BaseStateManager` keeps the books for it.
 */
export interface StateManager {
  /** Connects, and may answer with anything. */
  connect(): Awaitable<unknown>
  /** Gives back the connection. The marks are gone with it. */
  disconnect(): Awaitable<unknown>
  /** Remembers the present state under `name`, which no held mark has. */
  checkpoint(name: string): Awaitable<unknown>
  /** Puts the state back to what it was at `name`, any number of times. */
  rollback(name: string): Awaitable<unknown>
  /** Forgets `name`, and changes no state. */
  release(name: string): Awaitable<unknown>
  /** Empties the state and forgets every mark. */
  reset(): Awaitable<unknown>
  /** Whether it is connected, as far as it knows. */
  isConnected(): boolean

  /** Whether a rollback forgets the marks made after the one it goes to. Default `'stack'`. */
  readonly kind?: 'stack' | 'tree'
  /** What comes back. A promise: the conformance kit fails a manager that does not keep it. */
  readonly restores?: Restores
  /** Empties the state and keeps the marks, so that a rollback brings all back. A world's `reset()` needs it. */
  clear?(options?: ResetOptions): Awaitable<unknown>
  /** Asks the backend whether it answers. Never throws. */
  healthCheck?(): Awaitable<boolean>
  /** The state as plain data. With it a world proves each rollback. */
  observe?(): Awaitable<Observation>
}
