import { beforeEach } from '@jest/globals'
import { hideOwnFrames } from '../src/stack.ts'

/** As much of jest-circus' test as is read here. */
export interface CircusTest {
  readonly fn?: unknown
  readonly name: string
  readonly parent: CircusBlock
  mode: string | null | undefined
  status?: string | null
  errors: unknown[]
}

interface CircusHook {
  readonly type: string
  readonly fn: unknown
}

interface CircusBlock {
  readonly name: string
  readonly parent?: CircusBlock
  readonly hooks: CircusHook[]
}

interface CircusEvent {
  readonly name: string
  readonly fn?: unknown
  readonly asyncError?: Error
  readonly test?: CircusTest
}

interface CircusState {
  readonly rootDescribeBlock?: CircusBlock
  readonly testTimeout?: number
  readonly hasFocusedTests?: boolean
  readonly testNamePattern?: RegExp | null
}

type Handler = (event: CircusEvent, state: CircusState) => Promise<void> | void

/** What a test of ours wants to be told. */
export interface Watched {
  /** Where the user wrote it: the stack that failures of the test as a whole show. */
  readonly site: Error
  /** Why a test that was to run is skipped. */
  skips?(test: CircusTest): string | undefined
  /** Called before the user's hooks. */
  begin?(test: CircusTest): Promise<void>
  /** Called after the test's hooks. */
  done?(test: CircusTest): Promise<void>
}

// Taken from jest-circus, which has no public way to skip a test for a reason found while it runs, nor to act before the
// user's hooks. Where it is missing (another runner, another version) `available` is false and callers do without.
const EVENT_HANDLERS = Symbol.for('EVENT_HANDLERS')
const RETRY_IMMEDIATELY = Symbol.for('RETRY_IMMEDIATELY')

/** The longest time-out that a timer can hold. */
export const FOREVER_MS = 2 ** 31 - 1

/** Watches the tests of one file as jest-circus runs them. */
export class Circus {
  /** Whether jest-circus lets us watch. */
  readonly available: boolean
  readonly #watched = new WeakMap<object, Watched>()
  readonly #skipped = new WeakMap<CircusTest, string>()
  readonly #forced = new Map<CircusTest, CircusTest['mode']>()
  #state: CircusState = {}
  #running: CircusTest | undefined

  constructor() {
    beforeEach(this.#first, FOREVER_MS)
    const handlers = (globalThis as { [EVENT_HANDLERS]?: unknown })[EVENT_HANDLERS]
    this.available = Array.isArray(handlers)
    if (!Array.isArray(handlers)) return
    // After jest-circus' own handler, and before those that report.
    handlers.splice(1, 0, ((event, state) => this.#early(event, state)) satisfies Handler)
    // After all hooks, when `expect.assertions()` has been checked.
    handlers.push(((event) => this.#late(event)) satisfies Handler)
  }

  /** A hook, since Jest lets no module be loaded between tests, and opening a system may load its driver. */
  readonly #first = async (): Promise<void> => {
    const test = this.#running
    if (test) await this.#watched.get(test.fn as object)?.begin?.(test)
  }

  /** The time-out of a test that has none, in ms. */
  get testTimeout(): number {
    return this.#state.testTimeout ?? 5000
  }

  /** Watches the test that is declared with `body`. */
  watch(body: object, watched: Watched): void {
    hideOwnFrames(watched.site)
    this.#watched.set(body, watched)
  }

  /** Marks the running test as skipped, whatever its body throws. */
  skip(test: CircusTest, reason: string): void {
    this.#skipped.set(test, reason)
  }

  #early(event: CircusEvent, state: CircusState): void {
    this.#state = state
    const { test } = event
    if (event.name === 'run_start') this.#goFirst()
    if (event.name === 'test_start') this.#running = test
    const watched = this.#watched.get((event.name === 'add_test' ? event.fn : test?.fn) as object)
    if (!watched) return
    if (event.name === 'add_test' && event.asyncError && watched.site.stack) event.asyncError.stack = watched.site.stack
    if (!test) return
    if (event.name === 'test_start') {
      this.#skipped.delete(test)
      if (!willRun(test, state) || watched.skips?.(test) === undefined) return
      this.#forced.set(test, test.mode)
      test.mode = 'skip'
    }
    // `jest.retryTimes(n, { entireDescribe: true })` runs it again, and then it may not be blocked any more.
    if (event.name === 'test_skip' && this.#forced.has(test)) {
      test.mode = this.#forced.get(test)
      this.#forced.delete(test)
    }
  }

  /** Set-up files and other worlds may have declared hooks before this one. */
  #goFirst(): void {
    const { hooks = [] } = this.#state.rootDescribeBlock ?? {}
    const index = hooks.findIndex(({ fn }) => fn === this.#first)
    if (index > 0) hooks.unshift(...hooks.splice(index, 1))
  }

  /** Whether the user's own hooks run before the body of `test`. */
  hasHooks(test: CircusTest): boolean {
    for (let block: CircusBlock | undefined = test.parent; block; block = block.parent) {
      if (block.hooks.some(({ type, fn }) => type === 'beforeEach' && fn !== this.#first)) return true
    }
    return false
  }

  async #late({ name, test }: CircusEvent): Promise<void> {
    if (name !== 'test_done' || !test) return
    try {
      await this.#watched.get(test.fn as object)?.done?.(test)
    } catch (error) {
      test.errors.push(error)
    }
    if (!this.#skipped.has(test)) return
    test.status = 'skip'
    test.errors = []
  }
}

/** Has failing tests of a block tried again at once: later, the tests that depend on what they share were skipped already. */
export function retryAtOnce(): () => void {
  const realm = globalThis as { [RETRY_IMMEDIATELY]?: unknown }
  const before = realm[RETRY_IMMEDIATELY]
  realm[RETRY_IMMEDIATELY] = true
  return () => void (realm[RETRY_IMMEDIATELY] = before)
}

/** The name that Jest prints and filters by. */
export function fullName(test: CircusTest): string {
  const names = [test.name]
  for (let block: CircusBlock | undefined = test.parent; block?.parent; block = block.parent) names.unshift(block.name)
  return names.join(' ')
}

function willRun(test: CircusTest, { hasFocusedTests, testNamePattern }: CircusState): boolean {
  if (test.mode === 'skip' || test.mode === 'todo') return false
  if (hasFocusedTests && !test.mode) return false
  return !testNamePattern || testNamePattern.test(fullName(test))
}
