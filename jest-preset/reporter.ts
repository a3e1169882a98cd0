import { relative } from 'node:path'
import { stripVTControlCharacters, styleText } from 'node:util'
import type { PathOutcome } from '../src/journey/limbs.ts'
import { outline } from '../src/journey/outline.ts'
import type { Host } from '../src/journey/walk.ts'
import type { Failure, ReportedFile, ReportedPath, ReportedTest } from '../src/report/run.ts'
import { checkReport, type ReportFiles, writeReports } from '../src/report/write.ts'
import { Stories } from './story.ts'

/** The options of the reporter: `['venomqa/jest-reporter', { html: 'report.html' }]`. */
export interface ReporterOptions extends ReportFiles {
  /** Which paths tell what they changed. Default `'failed'`. */
  readonly changes?: Host['changes']
}

/** As much of Jest's results as is read here. */
interface FileResult {
  readonly testFilePath: string
  /** Why the file could not be run. */
  readonly failureMessage?: string | null
  readonly testResults: readonly {
    readonly fullName: string
    readonly status: string
    readonly invocations?: number
    readonly failureMessages: readonly string[]
  }[]
}

/** Prints the tree of every journey: its steps with their durations, its checkpoints, and what became of each branch. */
class JourneyReporter {
  readonly #root: string
  readonly #options: ReporterOptions
  readonly #stories: Stories
  readonly #files: ReportedFile[] = []

  constructor({ rootDir }: { readonly rootDir: string }, options: ReporterOptions = {}) {
    checkReport(options, ['changes'])
    this.#root = rootDir
    this.#options = options
    const graphs = options.html !== undefined || options.markdown !== undefined
    this.#stories = Stories.begin({ changes: options.changes ?? 'failed', graphs })
  }

  onTestFileStart({ path }: { readonly path: string }): void {
    this.#stories.forget(path)
  }

  onTestFileResult(_test: unknown, result: FileResult): void {
    const reported = this.#collected(result)
    this.#files.push(reported)
    const { file, journeys } = reported
    for (const paths of journeys) process.stderr.write(`\n${outline(paths, file, styleText).join('\n')}\n`)
  }

  async onRunComplete(): Promise<void> {
    this.#stories.end()
    const files = this.#files.toSorted((a, b) => (a.file < b.file ? -1 : 1))
    await writeReports({ files, ended: new Date() }, this.#options, this.#root)
  }

  #collected({ testFilePath, testResults, failureMessage }: FileResult): ReportedFile {
    const stories = this.#stories.of(testFilePath)
    const journeys = new Map<string, ReportedPath[]>()
    const tests: ReportedTest[] = []
    for (const { fullName, status, invocations = 1, failureMessages } of testResults) {
      const { report, exploration } = stories.get(fullName) ?? {}
      const failures = failureMessages.map((message) => failureOf(message, this.#root))
      if (report) {
        const paths = journeys.get(report.names[0] ?? '') ?? []
        paths.push({ report, outcome: outcomeOf(status), retries: invocations - 1, failures })
        journeys.set(report.names[0] ?? '', paths)
      } else if (status === 'passed' || status === 'failed') {
        tests.push({ name: fullName, outcome: status, failures, ...(exploration && { exploration }) })
      }
    }
    if (testResults.length === 0 && failureMessage) {
      const failures = [failureOf(failureMessage, this.#root)]
      tests.push({ name: 'the file itself', outcome: 'failed', failures })
    }
    return { file: relative(this.#root, testFilePath), journeys: [...journeys.values()], tests }
  }
}

// oxlint-disable-next-line import/no-default-export -- by which Jest loads a reporter
export { JourneyReporter as default }

function outcomeOf(status: string): PathOutcome['outcome'] {
  if (status === 'passed' || status === 'failed' || status === 'todo') return status
  return 'skipped'
}

const FRAME = /^\s+at .*?\(?((?:\/|[A-Za-z]:\\)[^()]*:\d+:\d+)\)?$/m

/** Jest tells a failure as a stack, with the message and its difference at the head. */
function failureOf(told: string, root: string): Failure {
  const text = stripVTControlCharacters(told)
  const lines = text.split('\n')
  const end = lines.findIndex((line) => FRAME.test(line))
  const message = (end < 0 ? lines : lines.slice(0, end)).join('\n').trimEnd()
  const [, place] =
    lines.map((line) => FRAME.exec(line)).find((match) => match && !match[1]?.includes('node_modules')) ?? []
  return { message, ...(place !== undefined && { place: relative(root, place) }) }
}
