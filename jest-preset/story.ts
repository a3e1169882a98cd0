import { appendFileSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { basename, join } from 'node:path'
import { createHash } from 'node:crypto'
import type { PathReport } from '../src/journey/report.ts'
import type { Host } from '../src/journey/walk.ts'
import type { ExplorationStory } from '../src/report/exploration.ts'

/** How one test's path or exploration went. */
export interface Story {
  readonly test: string
  readonly report?: PathReport
  readonly exploration?: ExplorationStory
}

/** What the reporter wants to be told. */
export interface Wanted {
  /** When a path tells what it changed. */
  readonly changes: Host['changes']
  /** Whether explorations tell their graphs. */
  readonly graphs: boolean
}

const VARIABLE = 'VENOMQA_JEST_RUN'
const WANTED = 'wanted.json'

/**
 * Where the workers tell the reporter how their paths went: Jest has no place for it in a test's result. A folder of one
 * run, with a file for each test file; its name is the run's id, handed to the workers by their environment.
 */
export class Stories {
  readonly #folder: string

  /** What the reporter wants to be told. */
  readonly wanted: Wanted

  private constructor(folder: string, wanted: Wanted) {
    this.#folder = folder
    this.wanted = wanted
  }

  /** Begins a run, before its workers are started. */
  static begin(wanted: Wanted): Stories {
    const folder = mkdtempSync(join(tmpdir(), 'venomqa-jest-'))
    process.env[VARIABLE] = folder
    writeFileSync(join(folder, WANTED), JSON.stringify(wanted))
    return new Stories(folder, wanted)
  }

  /** The run that this worker belongs to; undefined without the reporter. */
  static ofWorker(): Stories | undefined {
    const folder = process.env[VARIABLE]
    if (folder === undefined) return undefined
    return new Stories(folder, JSON.parse(readFileSync(join(folder, WANTED), 'utf8')) as Wanted)
  }

  get runId(): string {
    return basename(this.#folder).slice('venomqa-jest-'.length)
  }

  tell(testPath: string, story: Story): void {
    appendFileSync(this.#file(testPath), `${JSON.stringify(story)}\n`)
  }

  /** The last story of each test of a file. */
  of(testPath: string): ReadonlyMap<string, Story> {
    let text = ''
    try {
      text = readFileSync(this.#file(testPath), 'utf8')
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'ENOENT') throw error
    }
    const stories = text.split('\n').filter(Boolean)
    return new Map(stories.map((line) => JSON.parse(line) as Story).map((story) => [story.test, story]))
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
