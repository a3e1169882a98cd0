import type { TestContext } from 'vitest'
import { explore } from '../src/explore/explore.ts'
import type { Model, View } from '../src/explore/model.ts'
import { milliseconds } from '../src/explore/budget.ts'
import type { ExploreOptions, Progress } from '../src/explore/options.ts'
import { reportText } from '../src/explore/report-text.ts'
import { recordedIn } from '../src/explore/token.ts'
import type { Lease } from '../src/lease.ts'
import { at } from '../src/stack.ts'
import type { Systems } from '../src/world.ts'
import type { TestWithWorld } from './rollback.ts'

/** Declares an exploration as one test, which fails when a rule breaks or a goal of coverage is missed. */
export type ExploreFunction<W> = (name: string, model: Model<W>, options?: ExploreOptions) => void

/** How much of a test's time an exploration may take, so that it reports what it saw and never runs into the time-out. */
const SHARE = 0.8

/** How long Vitest waits beyond the budget: paths are shrunk and walked once more after it. */
const MARGIN_MS = 60_000

/** Makes `explore` of a world. `terminal` says whether somebody watches. */
export function explorations<S extends Systems, A, C>(
  base: TestWithWorld<S, A, C>,
  lease: Lease<S, A, C>,
  terminal: boolean,
): ExploreFunction<View<S, A, C>> {
  return (name, model, options = {}) => {
    const site = new Error('declared here')
    const asked = process.env['VENOMQA_BUDGET'] || options.budget?.time
    const timeout = asked ? { timeout: milliseconds(asked) + MARGIN_MS } : {}
    base(name, timeout, async ({ venomqaWorld: world, task, signal, skip }) => {
      const { VENOMQA_REPLAY: token } = process.env
      if (token && recordedIn(token).name !== name) skip('VENOMQA_REPLAY is for another exploration')
      lease.enter(task.fullTestName)
      try {
        if (world.tainted) await world.recover()
        const budget = { ...options.budget, time: options.budget?.time ?? budgetOf(task.timeout) }
        const onProgress = terminal ? printer(name) : undefined
        const report = await explore(world, model, {
          name,
          signal,
          ...(onProgress && { onProgress }),
          ...options,
          budget,
        })
        const text = reportText(report)
        if (report.verdict === 'violated' || report.missed.length > 0) throw at(site, new Error(`\n${text}`))
        if (report.verdict === 'budget' || report.warnings.length > 0) console.warn(`${name}\n${text}`)
      } finally {
        lease.leave(task.fullTestName)
      }
    })
  }
}

/** 60 s where the test has no time-out. */
function budgetOf(timeout: TestContext['task']['timeout']): number {
  return timeout > 0 && Number.isFinite(timeout) ? timeout * SHARE : 60_000
}

/** A line every two seconds. */
function printer(name: string): (progress: Progress) => void {
  let told = performance.now()
  return ({ states, transitions, depth, open, perSecond }) => {
    if (performance.now() - told < 2000) return
    told = performance.now()
    console.info(`${name}: ${states} states, ${transitions} transitions, depth ${depth}, ${open} open, ${perSecond}/s`)
  }
}
