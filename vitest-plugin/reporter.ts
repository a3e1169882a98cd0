import { styleText } from 'node:util'
import type { Reporter, TestModule, Vitest } from 'vitest/node'
import { outline } from '../src/journey/outline.ts'
import { type ReportFiles, writeReports } from '../src/report/write.ts'
import { collected } from './collect.ts'

/** Prints the tree of every journey: its steps with their durations, its checkpoints, and what became of each branch. */
export class JourneyReporter implements Reporter {
  #vitest: Vitest | undefined

  onInit(vitest: Vitest): void {
    this.#vitest = vitest
  }

  onTestRunEnd(modules: readonly TestModule[]): void {
    for (const module of modules) {
      const { file, journeys } = collected(module, this.#vitest?.config.root ?? process.cwd())
      for (const paths of journeys) this.#print(['', ...outline(paths, file, styleText)].join('\n'))
    }
  }

  #print(text: string): void {
    if (this.#vitest) this.#vitest.logger.log(text)
    else process.stdout.write(`${text}\n`)
  }
}

/** Writes the report of the run to files. */
export class ReportWriter implements Reporter {
  readonly #files: ReportFiles
  #vitest: Vitest | undefined

  constructor(files: ReportFiles) {
    this.#files = files
  }

  onInit(vitest: Vitest): void {
    this.#vitest = vitest
  }

  async onTestRunEnd(modules: readonly TestModule[]): Promise<void> {
    const root = this.#vitest?.config.root ?? process.cwd()
    // While it watches, Vitest tells only of those that ran again.
    const all = this.#vitest?.state.getTestModules() ?? modules
    const files = all.map((module) => collected(module, root)).toSorted((a, b) => (a.file < b.file ? -1 : 1))
    await writeReports({ files, ended: new Date() }, this.#files, root)
  }
}
