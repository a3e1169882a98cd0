import { expect } from '@jest/globals'
import type { StepNode } from '../src/journey/tree.ts'

interface ExpectState {
  assertionCalls: number
  currentTestName?: string
  suppressedErrors?: Error[]
  snapshotState?: {
    markSnapshotsAsCheckedForTest?(name: string): void
    readonly _counters?: Map<string, number>
  }
}

interface JestExpect {
  getState(): ExpectState
  setState(state: Partial<ExpectState>): void
  /** Checks `expect.assertions()` and `expect.hasAssertions()`, and starts counting anew. */
  extractExpectedAssertionsErrors(): readonly { readonly error: Error }[]
}

/**
 * Makes what Jest counts per test count per step: `expect.assertions(n)` holds for the step it stands in, and a snapshot is
 * filed under the journey, the branches and the step, whichever path runs the step first.
 */
export class StepsOfTests {
  readonly #keys = new Set<string>()
  readonly #written = new Set<string>()

  /** Remembers the snapshot name of a step, so that it is not called obsolete when the step does not run. */
  expectKey(step: StepNode): void {
    this.#keys.add(keyOf(step))
  }

  async run(step: StepNode, work: () => Promise<unknown>): Promise<{ value: unknown; failed: boolean }> {
    const jest = expect as unknown as JestExpect
    const { currentTestName, snapshotState, assertionCalls, suppressedErrors = [] } = jest.getState()
    jest.extractExpectedAssertionsErrors()
    const key = keyOf(step)
    this.#written.add(key)
    snapshotState?._counters?.delete(key)
    const named = { currentTestName: key, currentConcurrentTestName: () => key, suppressedErrors: [] }
    const before = pick(jest.getState() as unknown as Record<string, unknown>, ['currentConcurrentTestName'])
    jest.setState(named as Partial<ExpectState>)
    let calls = 0
    try {
      const value = await work()
      calls = jest.getState().assertionCalls
      const [first] = jest.extractExpectedAssertionsErrors()
      if (first) throw first.error
      return { value, failed: (jest.getState().suppressedErrors ?? []).length > 0 }
    } finally {
      jest.extractExpectedAssertionsErrors()
      const suppressed = [...suppressedErrors, ...(jest.getState().suppressedErrors ?? [])]
      const restored = { ...before, assertionCalls: assertionCalls + calls, suppressedErrors: suppressed }
      jest.setState(currentTestName === undefined ? restored : { ...restored, currentTestName })
    }
  }

  /** Tells Jest that the snapshots of steps which did not run this time are still wanted. */
  keepSnapshots(): void {
    const { snapshotState } = (expect as unknown as JestExpect).getState()
    for (const key of this.#keys) if (!this.#written.has(key)) snapshotState?.markSnapshotsAsCheckedForTest?.(key)
  }
}

function keyOf(step: StepNode): string {
  return [...step.scope, step.name].join(' ')
}

function pick(state: Record<string, unknown>, keys: readonly string[]): Record<string, unknown> {
  return Object.fromEntries(keys.filter((key) => key in state).map((key) => [key, state[key]]))
}
