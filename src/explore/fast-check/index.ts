export { type CommandsOptions, fromCommands } from './from-commands.ts'
export { type RollbackOptions, type WithRollback, withRollback } from './with-rollback.ts'
