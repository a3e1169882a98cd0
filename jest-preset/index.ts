export type { WorldContext } from '../src/lease.ts'
export { defineWorld, type JestWorld, type RolledBackTest, type StepContext } from './define.ts'
