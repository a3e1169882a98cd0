import { type SpawnOptions, spawnSync, type SpawnSyncReturns } from 'node:child_process'
import { cpSync, existsSync, globSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { stripVTControlCharacters } from 'node:util'
import { home, root } from './package.ts'

/** How a project's TypeScript becomes what Jest runs: CommonJS by swc or babel, or ES modules by Node's own stripping. */
export type Format = 'swc' | 'babel' | 'esm'

const installed = (name: string): string => join(root, 'node_modules', name)

const FORMATS: Record<Format, object> = {
  swc: {
    transform: {
      '^.+\\.ts$': [
        installed('@swc/jest'),
        { jsc: { target: 'es2022', parser: { syntax: 'typescript' } }, module: { type: 'commonjs' } },
      ],
    },
  },
  babel: {
    transform: {
      '^.+\\.ts$': [
        installed('babel-jest'),
        {
          presets: [
            [installed('@babel/preset-env'), { targets: { node: 'current' } }],
            installed('@babel/preset-typescript'),
          ],
        },
      ],
    },
  },
  esm: { transform: {}, extensionsToTreatAsEsm: ['.ts'] },
}

const ALWAYS = { preset: 'venomqa', testLocationInResults: true, cacheDirectory: '<rootDir>/.jest' }

/** What a run of the real Jest came to. */
export interface JestRun {
  readonly status: number | null
  readonly text: string
  readonly passed: readonly string[]
  readonly failed: readonly string[]
  readonly skipped: readonly string[]
  readonly todo: readonly string[]
  readonly messages: ReadonlyMap<string, string>
  readonly lines: ReadonlyMap<string, number | undefined>
  readonly trace: readonly string[]
}

interface Outcome {
  readonly fullName: string
  readonly status: string
  readonly failureMessages: readonly string[]
  readonly location?: { readonly line: number } | null
}

/** A user's Jest project: a copy of projects/NAME, the same files that Vitest runs, over projects/common-jest. */
export class JestProject implements Disposable {
  readonly folder: string
  readonly #format: Format

  constructor(name: string, format: Format = 'swc', config: object = {}) {
    this.#format = format
    this.folder = mkdtempSync(join(home('vitest5'), `jest-${name}-`))
    for (const part of ['common-jest', name]) {
      cpSync(join(root, 'test/runners/projects', part), this.folder, { recursive: true })
    }
    for (const file of globSync('*.ts', { cwd: this.folder })) {
      const source = this.read(file).replaceAll("from 'vitest'", "from '@jest/globals'")
      this.write(file, source.replaceAll("'venomqa/vitest'", "'venomqa/jest'"))
    }
    const manifest = { private: true, type: format === 'esm' ? 'module' : 'commonjs' }
    const jest = { ...ALWAYS, ...FORMATS[format], ...config }
    this.write('package.json', JSON.stringify({ ...manifest, jest }))
  }

  run(args: readonly string[] = [], env: Record<string, string> = {}): JestRun {
    const [json, trace] = [join(this.folder, 'report.json'), join(this.folder, 'trace')]
    for (const file of [json, trace]) rmSync(file, { force: true })
    const { status, stdout, stderr } = this.spawn(['--json', `--outputFile=${json}`, ...args], env)
    const report = existsSync(json) ? JSON.parse(readFileSync(json, 'utf8')) : { testResults: [] }
    const tests = (report.testResults as { assertionResults: Outcome[] }[]).flatMap((file) => file.assertionResults)
    const named = (...statuses: string[]): string[] =>
      tests.filter((test) => statuses.includes(test.status)).map((test) => test.fullName)
    return {
      status,
      text: stripVTControlCharacters(`${stdout}${stderr}`),
      passed: named('passed'),
      failed: named('failed'),
      skipped: named('pending', 'skipped', 'disabled'),
      todo: named('todo'),
      messages: new Map(
        tests.map((test) => [test.fullName, stripVTControlCharacters(test.failureMessages.join('\n'))]),
      ),
      lines: new Map(tests.map((test) => [test.fullName, test.location?.line])),
      trace: existsSync(trace) ? readFileSync(trace, 'utf8').trimEnd().split('\n') : [],
    }
  }

  /** Runs Jest with nothing but `args`. */
  spawn(args: readonly string[], env: Record<string, string> = {}): SpawnSyncReturns<string> {
    const [command, all, options] = this.command(args, env)
    return spawnSync(command, all, { ...options, encoding: 'utf8' })
  }

  /** What to start, and how. */
  command(args: readonly string[], env: Record<string, string> = {}): [string, string[], SpawnOptions] {
    const outside = Object.entries(process.env).filter(
      ([name]) => !/^(VITEST|NODE_ENV|CI|FORCE_COLOR|VENOMQA_JEST)/.test(name),
    )
    const node = this.#format === 'esm' ? ['--experimental-vm-modules', '--no-warnings'] : []
    const own = { NO_COLOR: '1', TRACE: join(this.folder, 'trace'), ...env }
    const options = { cwd: this.folder, env: { ...Object.fromEntries(outside), ...own } }
    return [process.execPath, [...node, installed('jest/bin/jest.js'), ...args], options]
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
}

/** Runs projects/NAME once, from a copy that is gone afterwards. */
export function runJest(name: string, args: readonly string[] = [], format: Format = 'swc'): JestRun {
  using project = new JestProject(name, format)
  return project.run(args)
}
