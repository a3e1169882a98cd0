export type * from '../src/words.ts'
export { defineWorld, type JestWorld, type RolledBackTest, type StepContext } from './define.ts'
