import { chai, expect, type TestContext } from 'vitest'
import type { Path, StepNode } from '../src/journey/tree.ts'
import { at, hideOwnFrames } from '../src/stack.ts'

type Task = TestContext['task']

/** A suite as the task tree has it. */
export type Suite = NonNullable<Task['suite']>

/** The part of an `expect`'s state that counts assertions; Vitest keeps one per test, we keep one per step. */
interface AssertionState {
  assertionCalls: number
  isExpectingAssertions: boolean
  isExpectingAssertionsError: Error | null
  expectedAssertionsNumber: number | null
  expectedAssertionsNumberErrorGen: (() => Error) | null
}

const FRESH: AssertionState = {
  assertionCalls: 0,
  isExpectingAssertions: false,
  isExpectingAssertionsError: null,
  expectedAssertionsNumber: null,
  expectedAssertionsNumberErrorGen: null,
}

const VIEWS = Symbol.for('venomqa.views')

/**
 * Makes what Vitest counts per test count per step, for the paths of one world: a step is shared by paths, and runs in
 * whichever comes first.
 *
 * `expect.assertions(n)` and `expect.hasAssertions()` hold for the step they stand in, and a snapshot is filed under the
 * journey, the branches and the step, so that `-t`, shuffling and caching never change its name.
 */
export class StepsOfTests {
  readonly #assertions = new WeakMap<StepNode, number>()
  readonly #keys = new Set<string>()
  readonly #written = new Set<string>()

  /** Remembers the snapshot names of a step, so that they are not called obsolete when it does not run. */
  expectKey(step: StepNode, outer: Suite | undefined): void {
    this.#keys.add(keyOf(step, outer))
  }

  /** Counts the assertions of steps that were not run because their state came back. */
  keep(steps: readonly StepNode[]): void {
    const kept = steps.reduce((sum, step) => sum + (this.#assertions.get(step) ?? 0), 0)
    expect.setState({ assertionCalls: expect.getState().assertionCalls + kept })
  }

  /** Runs `step` as part of the test of `context`; `outer` is the suite that the journey stands in. */
  async run(
    step: StepNode,
    context: TestContext,
    outer: Suite | undefined,
    work: () => Promise<unknown>,
  ): Promise<{ value: unknown; failed: boolean }> {
    const { task } = context
    const errors = (): number => task.result?.errors?.length ?? 0
    const errorsBefore = errors()
    const promises = new Set(promisesOf(task))
    const before = expects(context).map((one) => ({ one, state: stateOf(one) }))
    for (const { one } of before) one.setState(FRESH)
    const views = viewsOfTasks()
    const key = keyOf(step, outer)
    const id = `${task.file.id}_venomqa_${key}`
    views.set(task, viewOf(task, step, outer, id))
    snapshotState()?.clearTest?.(id)
    let calls = 0
    try {
      const value = await work()
      await Promise.all(promisesOf(task).filter((promise) => !promises.has(promise)))
      for (const one of expects(context)) {
        const state = stateOf(one)
        calls += state.assertionCalls
        check(state)
      }
      // A step that failed did not come to all of its snapshots.
      this.#written.add(key)
      return { value, failed: errors() > errorsBefore }
    } finally {
      views.delete(task)
      for (const error of task.result?.errors?.slice(errorsBefore) ?? []) hideOwnFrames(error)
      this.#assertions.set(step, calls)
      for (const one of expects(context)) {
        const saved = before.find((entry) => entry.one === one)?.state ?? FRESH
        one.setState({ ...saved, assertionCalls: saved.assertionCalls + stateOf(one).assertionCalls })
      }
    }
  }

  /** Throws as Vitest would after the test, but at the line of the path. */
  requireAssertions(context: TestContext, path: Path): void {
    const calls = expects(context).reduce((sum, one) => sum + stateOf(one).assertionCalls, 0)
    if (calls === 0) throw at(path.site, new Error('expected any number of assertion, but got none'))
    for (const one of expects(context)) one.setState({ assertionCalls: calls })
  }

  /** Tells Vitest that the snapshots of steps which did not run this time are still wanted. */
  keepSnapshots(): void {
    const state = snapshotState()
    for (const key of this.#keys) if (!this.#written.has(key)) state?.markSnapshotsAsCheckedForTest?.(key)
    this.#keys.clear()
    this.#written.clear()
  }
}

function expects(context: TestContext): (typeof expect)[] {
  // Reading `context.expect` would create it, and Vitest would then count its assertions only.
  return (context as { _local?: boolean })._local ? [expect, context.expect] : [expect]
}

function stateOf(one: typeof expect): AssertionState {
  const { assertionCalls, ...rest } = one.getState() as unknown as AssertionState
  const {
    isExpectingAssertions,
    isExpectingAssertionsError,
    expectedAssertionsNumber,
    expectedAssertionsNumberErrorGen,
  } = rest
  return {
    assertionCalls,
    isExpectingAssertions,
    isExpectingAssertionsError,
    expectedAssertionsNumber,
    expectedAssertionsNumberErrorGen,
  }
}

/** The asynchronous assertions that are under way: what a step forgot to await is still its own. */
function promisesOf(task: Task): readonly Promise<unknown>[] {
  return (task as { promises?: Promise<unknown>[] }).promises ?? []
}

function check(state: AssertionState): void {
  const { assertionCalls, expectedAssertionsNumber, expectedAssertionsNumberErrorGen: wrongNumber } = state
  if (expectedAssertionsNumber !== null && assertionCalls !== expectedAssertionsNumber && wrongNumber)
    throw wrongNumber()
  if (state.isExpectingAssertions && assertionCalls === 0 && state.isExpectingAssertionsError)
    throw state.isExpectingAssertionsError
}

interface SnapshotState {
  clearTest?(testId: string): void
  markSnapshotsAsCheckedForTest?(testName: string): void
}

function snapshotState(): SnapshotState | undefined {
  return (expect.getState() as { snapshotState?: SnapshotState }).snapshotState
}

/** The name Vitest gives to the step's snapshots, without their counter. */
function keyOf(step: StepNode, outer: Suite | undefined): string {
  const names = [...step.scope, step.name]
  for (let suite = outer; suite; suite = suite.suite) if (suite.name) names.unshift(suite.name)
  return names.join(' > ')
}

/** The running test, named as the step: all that Vitest reads to file a snapshot. */
function viewOf(task: Task, step: StepNode, outer: Suite | undefined, id: string): object {
  const suite = step.scope.reduce<object | undefined>((parent, name) => ({ name, suite: parent }), outer)
  const named: Record<PropertyKey, unknown> = { name: step.name, suite, id }
  return new Proxy(task, {
    get: (target, key) => (Object.hasOwn(named, key) ? named[key] : Reflect.get(target, key, target)),
  })
}

/**
 * Which view stands for which running test. Vitest hands the test to each assertion through `withTest`, which is the one
 * place where a snapshot's owner can be changed; without it, snapshots are filed under the path.
 */
function viewsOfTasks(): WeakMap<object, object> {
  const prototype = chai.Assertion.prototype as unknown as {
    withTest?: ((task: object) => unknown) & { [VIEWS]?: WeakMap<object, object> }
  }
  const original = prototype.withTest
  const existing = original?.[VIEWS]
  if (existing) return existing
  const views = new WeakMap<object, object>()
  if (original) {
    const redirected = function (this: unknown, task: object): unknown {
      return original.call(this, views.get(task) ?? task)
    }
    prototype.withTest = Object.assign(redirected, { [VIEWS]: views })
  }
  return views
}
