export { defineWorld, type RunInfo, type StepContext, type VitestWorld, type WorldContext } from './define.ts'
