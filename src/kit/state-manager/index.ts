export { BaseStateManager, type Logger, type StateManagerOptions } from './base.ts'
export { fromStateManager, type ManagedSystem } from './from.ts'
export { type StateManager } from './state-manager.ts'
export { type SystemStateManager, toStateManager } from './to.ts'
