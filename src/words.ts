// The types of a world's words and of what these return. Every runner's entry exports them, so that TypeScript can name
// them in the declarations of a file that exports its words: `export const { journey, step } = defineWorld(…)`.
export type { ExploreCall, ExploreFunction } from './explore/in-test.ts'
export type { Action, Check, Choice, Invariant, View } from './explore/model.ts'
export type { BranchOptions, ScopeOptions, StepOptions } from './journey/tree.ts'
export type { Ref, ScopeCall, ScopeFunction, StepCall, StepFunction } from './journey/words.ts'
export type { WorldContext } from './lease.ts'
export type { Awaitable, Rollbackable } from './rollbackable.ts'
