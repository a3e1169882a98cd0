import { type ChildProcessByStdio, spawn } from 'node:child_process'
import { cpSync, existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import type { Readable } from 'node:stream'
import { stripVTControlCharacters } from 'node:util'
import { home, type Origin, root, vitestIn } from './package.ts'

/** One test in Vitest's JSON report, as far as it is read here. */
export interface Outcome {
  readonly fullName: string
  readonly status: 'passed' | 'failed' | 'skipped' | 'pending' | 'todo' | 'disabled'
  readonly failureMessages: readonly string[]
  readonly location?: { readonly line: number; readonly column: number }
  readonly meta: {
    readonly venomqa?: { readonly skipped?: string; readonly nodes: readonly { name: string; state: string }[] }
  }
}

/** What a run of the real Vitest came to. */
export interface Run {
  readonly status: number | null
  /** What it printed, on both streams, without colours. */
  readonly text: string
  /** What it printed on standard output. */
  readonly stdout: string
  /** The tests of the JSON report by their full names. */
  readonly tests: ReadonlyMap<string, Outcome>
  /** Names by outcome, in the order of the report. */
  readonly passed: readonly string[]
  readonly failed: readonly string[]
  readonly skipped: readonly string[]
  readonly todo: readonly string[]
  /** What the steps traced, in the order in which they ran. */
  readonly trace: readonly string[]
}

const ENVIRONMENT = Object.fromEntries(
  Object.entries(process.env).filter(([name]) => !/^(VITEST|NODE_ENV|CI|GITHUB_ACTIONS|FORCE_COLOR)/.test(name)),
)
/** For `vi.setConfig`: tests that spawn wait for their turn, and for a machine that others use as well. */
export const PATIENCE = { testTimeout: 180_000, hookTimeout: 180_000 }

const AT_ONCE = 2
const waiting: (() => void)[] = []
let running = 0

/** A user's project: a copy of projects/NAME over projects/common, with `venomqa` in its node_modules. */
export class Project implements Disposable {
  readonly folder: string
  readonly #vitest: string
  #runs = 0

  constructor(name: string, origin: Origin = 'vitest5') {
    const place = home(origin)
    this.#vitest = vitestIn(place, origin)
    this.folder = mkdtempSync(join(place, `${name}-`))
    for (const part of ['common', name]) {
      cpSync(join(root, 'test/runners/projects', part), this.folder, { recursive: true })
    }
  }

  /** Runs `vitest run` with `args`, and reads what it says and what the steps did. */
  async run(args: readonly string[] = [], env: Record<string, string> = {}): Promise<Run> {
    const files = this.#files()
    const reporters = args.some((arg) => arg.startsWith('--reporter')) ? [] : ['--reporter=default']
    const json = ['--reporter=json', `--outputFile.json=${files.json}`]
    const { status, stdout, text } = await this.vitest(['run', ...reporters, ...json, ...args], {
      TRACE: files.trace,
      ...env,
    })
    const report = existsSync(files.json) ? JSON.parse(readFileSync(files.json, 'utf8')) : { testResults: [] }
    const outcomes = (report.testResults as { assertionResults: Outcome[] }[]).flatMap((file) => file.assertionResults)
    const named = (...wanted: Outcome['status'][]): string[] =>
      outcomes.filter((test) => wanted.includes(test.status)).map((test) => test.fullName)
    return {
      status,
      stdout,
      text,
      tests: new Map(outcomes.map((test) => [test.fullName, test])),
      passed: named('passed'),
      failed: named('failed'),
      skipped: named('skipped', 'pending', 'disabled'),
      todo: named('todo'),
      trace: readTrace(files.trace),
    }
  }

  /** Runs any Vitest command. */
  async vitest(
    args: readonly string[],
    env: Record<string, string> = {},
  ): Promise<Pick<Run, 'status' | 'stdout' | 'text'>> {
    await turn()
    try {
      const child = this.#start(args, env)
      let [stdout, text] = ['', '']
      child.stdout.on('data', (part: string) => ((stdout += part), (text += part)))
      child.stderr.on('data', (part: string) => (text += part))
      const status = await new Promise<number | null>((resolve, reject) =>
        child.on('close', resolve).on('error', reject),
      )
      return { status, stdout: stripVTControlCharacters(stdout), text: stripVTControlCharacters(text) }
    } finally {
      running--
      waiting.shift()?.()
    }
  }

  /** Starts `vitest watch`. */
  watch(args: readonly string[] = []): Watch {
    const { trace } = this.#files()
    return new Watch(this.#start(['watch', ...args], { TRACE: trace }), trace)
  }

  #start(args: readonly string[], env: Record<string, string>): ChildProcessByStdio<null, Readable, Readable> {
    const child = spawn(process.execPath, [this.#vitest, ...args], {
      cwd: this.folder,
      env: { ...ENVIRONMENT, NO_COLOR: '1', ...env },
      stdio: ['ignore', 'pipe', 'pipe'],
    })
    child.stdout.setEncoding('utf8')
    child.stderr.setEncoding('utf8')
    return child
  }

  read(file: string): string {
    return readFileSync(join(this.folder, file), 'utf8')
  }

  write(file: string, text: string): void {
    writeFileSync(join(this.folder, file), text)
  }

  [Symbol.dispose](): void {
    rmSync(this.folder, { recursive: true, force: true })
  }

  #files(): { json: string; trace: string } {
    this.#runs++
    return { json: join(this.folder, `report-${this.#runs}.json`), trace: join(this.folder, `trace-${this.#runs}`) }
  }
}

/** A `vitest watch` that is under way. */
export class Watch implements Disposable {
  readonly #child: ChildProcessByStdio<null, Readable, Readable>
  readonly #traceFile: string
  #text = ''

  constructor(child: ChildProcessByStdio<null, Readable, Readable>, traceFile: string) {
    this.#child = child
    this.#traceFile = traceFile
    for (const stream of [child.stdout, child.stderr]) stream.on('data', (part: string) => (this.#text += part))
  }

  /** Waits until it waits for changes. What it printed since the last time. */
  async settled(): Promise<string> {
    while (!this.#text.includes('Waiting for file changes')) await new Promise((resolve) => setTimeout(resolve, 20))
    const text = stripVTControlCharacters(this.#text)
    this.#text = ''
    return text
  }

  trace(): readonly string[] {
    return readTrace(this.#traceFile)
  }

  [Symbol.dispose](): void {
    this.#child.kill()
  }
}

/** Runs projects/NAME once, from a copy that is gone afterwards. */
export async function run(
  name: string,
  args: readonly string[] = [],
  { origin, env }: { origin?: Origin; env?: Record<string, string> } = {},
): Promise<Run> {
  using project = new Project(name, origin)
  return await project.run(args, env)
}

function readTrace(file: string): string[] {
  return existsSync(file) ? readFileSync(file, 'utf8').trimEnd().split('\n') : []
}

/** Two runs at once are what two cores can do. */
async function turn(): Promise<void> {
  if (running >= AT_ONCE) await new Promise<void>((resolve) => waiting.push(resolve))
  running++
}
