import { relative } from 'node:path'
import { styleText } from 'node:util'
import type { PathOutcome } from '../src/journey/limbs.ts'
import { outline } from '../src/journey/outline.ts'
import { Stories } from './story.ts'

/** As much of Jest's results as is read here. */
interface FileResult {
  readonly testFilePath: string
  readonly testResults: readonly {
    readonly fullName: string
    readonly status: string
    readonly invocations?: number
  }[]
}

/** Prints the tree of every journey: its steps with their durations, its checkpoints, and what became of each branch. */
class JourneyReporter {
  readonly #root: string
  readonly #stories = Stories.begin()

  constructor({ rootDir }: { readonly rootDir: string }) {
    this.#root = rootDir
  }

  onTestFileStart({ path }: { readonly path: string }): void {
    this.#stories.forget(path)
  }

  onTestFileResult(_test: unknown, { testFilePath, testResults }: FileResult): void {
    const stories = this.#stories.of(testFilePath)
    const journeys = new Map<string, PathOutcome[]>()
    for (const { fullName, status, invocations = 1 } of testResults) {
      const report = stories.get(fullName)
      if (!report) continue
      const key = report.names[0] ?? ''
      const outcome = { report, outcome: outcomeOf(status), retries: invocations - 1 }
      journeys.set(key, [...(journeys.get(key) ?? []), outcome])
    }
    const file = relative(this.#root, testFilePath)
    for (const paths of journeys.values()) process.stderr.write(`\n${outline(paths, file, styleText).join('\n')}\n`)
  }

  onRunComplete(): void {
    this.#stories.end()
  }
}

// oxlint-disable-next-line import/no-default-export -- by which Jest loads a reporter
export { JourneyReporter as default }

function outcomeOf(status: string): PathOutcome['outcome'] {
  if (status === 'passed' || status === 'failed' || status === 'todo') return status
  return 'skipped'
}
