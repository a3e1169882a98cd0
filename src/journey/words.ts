import type { Awaitable } from '../rollbackable.ts'
import type { BranchOptions, ScopeOptions, StepOptions } from './tree.ts'

/** What a step returned, for the later steps of its paths. */
export interface Ref<T> {
  readonly name: string
  /** Throws `VALUE_OFF_PATH` outside the steps that come after it on a path. */
  readonly value: T
}

type StepBody<X, T> = (context: X) => Awaitable<T>

/** Declares a step: its name, its body, and options before or after the body; a number is a time-out in ms. */
export interface StepCall<X> {
  <T = void>(name: string, body: StepBody<X, T>, options?: StepOptions | number): Ref<T>
  <T = void>(name: string, options: StepOptions, body: StepBody<X, T>): Ref<T>
}

interface Each<Rest> {
  <const T extends readonly unknown[]>(cases: readonly T[]): (name: string, body: (...args: [...T]) => void) => Rest
  <const T>(cases: readonly T[]): (name: string, body: (value: T) => void) => Rest
}

interface StepEach<X> {
  <const A extends readonly unknown[]>(
    cases: readonly A[],
  ): <T = void>(name: string, body: (context: X, ...args: [...A]) => Awaitable<T>, options?: StepOptions) => Ref<T>[]
  <const A>(
    cases: readonly A[],
  ): <T = void>(name: string, body: (context: X, value: A) => Awaitable<T>, options?: StepOptions) => Ref<T>[]
}

/** Declares one step of the line it stands in; its value goes on as a typed ref. */
export interface StepFunction<X> extends StepCall<X> {
  /** Only the paths through this step run. */
  readonly only: StepCall<X>
  /** The paths through this step are skipped, and say so. */
  readonly skip: StepCall<X>
  todo(name: string): void
  skipIf(condition: unknown): StepCall<X>
  runIf(condition: unknown): StepCall<X>
  /** One step a case, one after the other. `%s %d %i %f %j %o %#` and `$key` in the name stand for the case. */
  readonly each: StepEach<X>
}

/** Declares a journey or a branch: its name, its body, and options between them. */
export interface ScopeCall<O> {
  (name: string, body: () => void): void
  (name: string, options: O, body: () => void): void
}

/** The same, and what runners let their tests be. */
export interface ScopeFunction<O> extends ScopeCall<O> {
  readonly only: ScopeCall<O>
  readonly skip: ScopeCall<O>
  todo(name: string): void
  skipIf(condition: unknown): ScopeCall<O>
  runIf(condition: unknown): ScopeCall<O>
  /** One journey or branch a case. `%s %d %i %f %j %o %#` and `$key` in the name stand for the case. */
  readonly each: Each<void>
}

/** The four words a journey is written in. */
export interface JourneyWords<X> {
  /** Declares a journey: its body says the steps, checkpoints and branches, and runs none of them. */
  readonly journey: ScopeFunction<ScopeOptions>
  readonly step: StepFunction<X>
  /** Names a moment that branches start from. */
  checkpoint(name: string): void
  /** Declares a line of its own from the last checkpoint, or from the one named. */
  readonly branch: ScopeFunction<BranchOptions>
}
