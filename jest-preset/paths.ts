import { types } from 'node:util'
import { afterAll, beforeAll, describe, expect, test as jestTest } from '@jest/globals'
import { reportOf } from '../src/journey/report.ts'
import type { JourneyNode, Mode, Path } from '../src/journey/tree.ts'
import { markedSkip, Walk } from '../src/journey/walk.ts'
import type { Lease, WorldContext } from '../src/lease.ts'
import { declareJourney, type Runner } from '../src/runner.ts'
import { pointTo } from '../src/stack.ts'
import type { Systems, World } from '../src/world.ts'
import { type Circus, FOREVER_MS, fullName, retryAtOnce } from './circus.ts'
import type { StepsOfTests } from './steps.ts'
import type { Stories } from './story.ts'

/** What a world gives to the tests that run its paths. */
export interface PathsOptions<S extends Systems, A, C> {
  readonly open: () => Promise<World<S, A, C>>
  readonly lease: Lease<S, A, C>
  readonly steps: StepsOfTests
  readonly circus: Circus
  readonly stories: Stories | undefined
  /** The time-out of steps that have none, in ms, where a configuration says it: known once the world is open. */
  readonly configured?: () => number | undefined
  /** What a step sees, on top of what it gets of Jest. */
  contextOf(on: object): WorldContext<S, A, C>
}

/** Thrown by a step's `skip()`. */
class Skip extends Error {
  override readonly name = 'Skip'
}

function skip(condition: string | boolean = '', reason = ''): void {
  if (condition !== false) throw new Skip(typeof condition === 'string' ? condition : reason)
}

/** How long Jest waits for a path beside the steps' own time-outs: opening, checkpoints and rollbacks have limits of their own. */
const MARGIN_MS = 60_000

/** Makes the function that declares a journey's paths as Jest tests. */
export function pathsAsTests<S extends Systems, A, C>(options: PathsOptions<S, A, C>): (journey: JourneyNode) => void {
  const { circus, lease, steps, stories } = options

  return (journey) => {
    let walk: Walk | undefined
    const walkOf = async (): Promise<Walk> => {
      walk ??= new Walk(journey, (await options.open()) as unknown as World<Systems, unknown, unknown>)
      return walk
    }
    /** `jest.retryTimes(n, { entireDescribe: true })` may run the journey again, perhaps in a world that is opened anew. */
    const end = async (): Promise<void> => {
      const ended = walk
      walk = undefined
      await ended?.end()
    }

    const declarePath = (path: Path): void => {
      const report = (): ReturnType<typeof reportOf> => reportOf(path)
      let begun: { readonly name: string; readonly hooks: boolean; readonly error?: unknown } | undefined
      let skipped: string | undefined

      const begin = async (name: string, hooks: boolean): Promise<void> => {
        try {
          const here = await walkOf()
          lease.enter(name)
          await here.begin(path)
          begun = { name, hooks }
        } catch (error) {
          begun = { name, hooks, error }
        }
      }
      const ended = async (name: string): Promise<void> => {
        await walk?.settled()
        lease.leave(name)
        if (journey.root.kind === 'path') await end()
      }
      const tell = (name: string, told: ReturnType<typeof reportOf>): void => {
        const { testPath } = expect.getState()
        if (testPath !== undefined) stories?.tell(testPath, { test: name, report: told })
      }

      const body = async (): Promise<void> => {
        const name = begun?.name ?? expect.getState().currentTestName ?? path.names.join(' ')
        const told = report()
        skipped = undefined
        if (!circus.available) {
          const reason = (await walkOf()).blocked(path, name)
          if (reason !== undefined) throw short(reason)
        }
        if (!begun) await begin(name, false)
        try {
          if (begun?.error) throw begun.error
          await (
            await walkOf()
          ).run(path, told, {
            name,
            timeout: options.configured?.() ?? circus.testTimeout,
            hooks: begun?.hooks ?? false,
            changes: stories?.wanted.changes ?? 'failed',
            context: (signal) =>
              options.contextOf({
                expect,
                signal,
                skip,
              }),
            asStep: (step, work) => steps.run(step, work),
            kept: () => undefined,
            isSkip: (thrown) => thrown instanceof Skip,
          })
        } catch (error) {
          if (!(error instanceof Skip)) throw types.isNativeError(error) ? pointTo(path.site, error) : error
          skipped = error.message
          told.skipped = error.message
          if (!circus.available) throw short(`skipped: ${error.message}`)
        } finally {
          tell(name, told)
          if (!circus.available) {
            begun = undefined
            await ended(name)
          }
        }
      }

      circus.watch(body, {
        site: path.site,
        skips: (test) => {
          const name = fullName(test)
          const reason = walk?.blocked(path, name) ?? markedSkip(path)
          if (reason !== undefined) tell(name, { ...report(), skipped: reason })
          return reason
        },
        begin: async (test) => begin(fullName(test), circus.hasHooks(test)),
        done: async (test) => {
          begun = undefined
          if (skipped !== undefined) circus.skip(test, skipped)
          await ended(fullName(test))
        },
      })
      for (const node of path.nodes) if (node.kind === 'step') steps.expectKey(node)
      if (path.mode === 'todo') return jestTest.todo(path.name)
      const declare: Record<Exclude<Mode, 'todo'>, typeof jestTest.only> = {
        run: jestTest,
        only: jestTest.only,
        skip: jestTest.skip,
      }
      declare[path.mode](path.name, body, timeoutOf(path, options.configured ? 0 : circus.testTimeout))
    }

    const runner: Runner = {
      group(name, mode, _site, declare) {
        const block: Record<Mode, typeof describe.only> = {
          run: describe,
          only: describe.only,
          skip: describe.skip,
          todo: describe.skip,
        }
        block[mode](name, declare)
      },
      path: declarePath,
      afterGroup(last) {
        let back: (() => void) | undefined
        beforeAll(() => void (back = retryAtOnce()))
        afterAll(async () => {
          back?.()
          await last()
        })
      },
    }
    declareJourney(journey, runner, end)
  }
}

/** A failure of one line: the stack that matters is the reporting test's. */
function short(reason: string): Error {
  const error = new Error(reason)
  error.stack = reason
  return error
}

function timeoutOf(path: Path, testTimeout: number): number {
  let sum = MARGIN_MS
  for (const node of path.nodes) {
    if (node.kind === 'checkpoint') continue
    const { timeout = testTimeout, retry = 0 } = node.options
    if (timeout === 0 || timeout === Infinity) return FOREVER_MS
    sum += timeout * (retry + 1)
  }
  return sum
}
