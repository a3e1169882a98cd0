import { appendFileSync, mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { basename, join } from 'node:path'
import { createHash } from 'node:crypto'
import type { PathReport } from '../src/journey/report.ts'

/** How one test's path went. */
export interface Story {
  readonly test: string
  readonly report: PathReport
}

const VARIABLE = 'VENOMQA_JEST_RUN'

/**
 * Where the workers tell the reporter how their paths went: Jest has no place for it in a test's result. A folder of one
 * run, with a file for each test file; its name is the run's id, handed to the workers by their environment.
 */
export class Stories {
  readonly #folder: string

  private constructor(folder: string) {
    this.#folder = folder
  }

  /** Begins a run, before its workers are started. */
  static begin(): Stories {
    const folder = mkdtempSync(join(tmpdir(), 'venomqa-jest-'))
    process.env[VARIABLE] = folder
    return new Stories(folder)
  }

  /** The run that this worker belongs to; undefined without the reporter. */
  static ofWorker(): Stories | undefined {
    const folder = process.env[VARIABLE]
    return folder === undefined ? undefined : new Stories(folder)
  }

  get runId(): string {
    return basename(this.#folder).slice('venomqa-jest-'.length)
  }

  tell(testPath: string, story: Story): void {
    appendFileSync(this.#file(testPath), `${JSON.stringify(story)}\n`)
  }

  /** The last story of each test of a file. */
  of(testPath: string): ReadonlyMap<string, PathReport> {
    let text = ''
    try {
      text = readFileSync(this.#file(testPath), 'utf8')
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'ENOENT') throw error
    }
    const stories = text.split('\n').filter(Boolean)
    return new Map(stories.map((line) => JSON.parse(line) as Story).map(({ test, report }) => [test, report]))
  }

  forget(testPath: string): void {
    rmSync(this.#file(testPath), { force: true })
  }

  end(): void {
    rmSync(this.#folder, { recursive: true, force: true })
    delete process.env[VARIABLE]
  }

  #file(testPath: string): string {
    return join(this.#folder, `${createHash('sha256').update(testPath).digest('hex').slice(0, 16)}.jsonl`)
  }
}
