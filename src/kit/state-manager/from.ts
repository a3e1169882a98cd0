import type { Rollbackable } from '../../rollbackable.ts'
import type { StateManager } from './state-manager.ts'

/** A state manager as a system. Steps see the manager itself. */
export interface ManagedSystem<M extends StateManager> extends Rollbackable<string, M> {
  readonly handle: M
}

/** How much of the name that a journey gave a checkpoint is kept in the manager's. */
const READABLE = 40

/**
 * Makes a state manager a system of a world, so that journeys and explorations stand on it.
 *
 * The manager is asked for names such as `chk_3_order_created`: the count tells them apart, whatever journeys call their
 * checkpoints, and only `a-z`, `0-9` and `_` follow it. The world connects the manager and disconnects it, unless it was connected
 * before: then whoever connected it disconnects it.
 */
export function fromStateManager<M extends StateManager>(manager: M): ManagedSystem<M> {
  let marks = 0
  let connectedHere = false
  return {
    kind: manager.kind ?? 'stack',
    ...(manager.restores && { restores: manager.restores }),
    way: `${manager.constructor.name}: marks by name`,
    handle: manager,
    async open() {
      if (manager.isConnected()) return
      await manager.connect()
      connectedHere = true
    },
    async checkpoint(name) {
      const words = name.toLowerCase().match(/[a-z0-9]+/g) ?? []
      const id = ['chk', ++marks, words.join('_').slice(0, READABLE)].filter((part) => part !== '').join('_')
      await manager.checkpoint(id)
      return id
    },
    async rollback(id) {
      await manager.rollback(id)
    },
    async release(id) {
      await manager.release(id)
    },
    async ping() {
      const began = performance.now()
      const ok = manager.healthCheck ? await manager.healthCheck() : manager.isConnected()
      return { ok, latencyMs: performance.now() - began }
    },
    ...(manager.observe && { observe: () => manager.observe!() }),
    ...(manager.clear && { reset: async (options) => void (await manager.clear!(options)) }),
    async close() {
      if (!connectedHere) return
      connectedHere = false
      await manager.disconnect()
    },
  }
}
