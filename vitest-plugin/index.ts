export type * from '../src/words.ts'
export { defineWorld, type RunInfo, type StepContext, type VitestWorld } from './define.ts'
