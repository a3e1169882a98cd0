export type { WorldContext } from '../src/lease.ts'
export { defineWorld, type RunInfo, type StepContext, type VitestWorld } from './define.ts'
