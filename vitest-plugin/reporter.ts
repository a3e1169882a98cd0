import { relative } from 'node:path'
import { styleText } from 'node:util'
import type { Reporter, TestCase, TestModule, Vitest } from 'vitest/node'
import type { PathOutcome } from '../src/journey/limbs.ts'
import { outline } from '../src/journey/outline.ts'

/** Prints the tree of every journey: its steps with their durations, its checkpoints, and what became of each branch. */
export class JourneyReporter implements Reporter {
  #vitest: Vitest | undefined

  onInit(vitest: Vitest): void {
    this.#vitest = vitest
  }

  onTestRunEnd(modules: readonly TestModule[]): void {
    for (const module of modules) {
      const path = relative(this.#vitest?.config.root ?? process.cwd(), module.moduleId)
      // Several projects may share a file.
      const file = module.project.name === '' ? path : `[${module.project.name}] ${path}`
      for (const paths of journeysOf(module)) this.#print(['', ...outline(paths, file, styleText)].join('\n'))
    }
  }

  #print(text: string): void {
    if (this.#vitest) this.#vitest.logger.log(text)
    else process.stdout.write(`${text}\n`)
  }
}

/** The paths that belong to this run, by journey, in the order they were written in. */
function journeysOf(module: TestModule): PathOutcome[][] {
  const journeys = new Map<string, PathOutcome[]>()
  for (const test of module.children.allTests()) {
    const report = test.meta().venomqa
    const { state } = test.result()
    if (!report) continue
    const wanted = state !== 'skipped' || report.skipped !== undefined || report.declared !== undefined
    if (!wanted) continue
    const settled = state === 'pending' ? 'not run' : state
    const outcome = report.declared === 'todo' ? 'todo' : settled
    const paths = journeys.get(keyOf(test, report.names)) ?? []
    paths.push({ report, outcome, retries: test.diagnostic()?.retryCount ?? 0 })
    journeys.set(keyOf(test, report.names), paths)
  }
  return [...journeys.values()]
}

/** The journey's place in the file: two of one name may stand in different suites. */
function keyOf(test: TestCase, names: readonly string[]): string {
  let parent = test.parent
  for (let depth = 1; depth < names.length && parent.type === 'suite'; depth++) parent = parent.parent
  return `${parent.id} ${names[0]}`
}
