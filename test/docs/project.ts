import { spawnSync } from 'node:child_process'
import { mkdirSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { stripVTControlCharacters } from 'node:util'

const root = fileURLToPath(new URL('../..', import.meta.url))
const bin = (path: string): string => join(root, 'node_modules', path)

/** What a command printed, and whether it went well. */
export interface Outcome {
  readonly ok: boolean
  readonly text: string
}

/** A reader's project in .cache/docs, where `venomqa` is this repository's sources. */
export class Project {
  readonly #folder: string

  constructor(name: string) {
    this.#folder = join(root, '.cache/docs', name.replaceAll(/\W+/g, '-'))
    rmSync(this.#folder, { recursive: true, force: true })
    this.write('package.json', JSON.stringify({ private: true, type: 'module' }))
    this.write(
      'tsconfig.json',
      JSON.stringify({ extends: join(root, 'test/docs/tsconfig.reader.json'), include: ['.'] }),
    )
    this.#linkSources()
  }

  /** Puts a file into the project. */
  write(file: string, text: string): void {
    const path = join(this.#folder, file)
    mkdirSync(dirname(path), { recursive: true })
    writeFileSync(path, text)
  }

  /** Type-checks all files that are there. */
  check(): Outcome {
    return this.#run([bin('typescript/bin/tsc'), '-p', this.#folder])
  }

  /** Runs a test file with Vitest, any other file with Node. */
  run(file: string, env: NodeJS.ProcessEnv): Outcome {
    if (!file.endsWith('.test.ts')) return this.#run([file], env)
    return this.#run([bin('vitest/vitest.mjs'), 'run', '--root', this.#folder, file], env)
  }

  #run(args: readonly string[], env: NodeJS.ProcessEnv = {}): Outcome {
    const { VITEST: _, VITEST_MODE: __, NODE_ENV: ___, ...outside } = process.env
    const child = spawnSync(process.execPath, args, {
      cwd: this.#folder,
      encoding: 'utf8',
      env: { ...outside, ...env, NO_COLOR: '1' },
    })
    return { ok: child.status === 0, text: stripVTControlCharacters(`${child.stdout}${child.stderr}`) }
  }

  /** The package's own exports, each led to the source it is built from. */
  #linkSources(): void {
    const { exports } = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8'))
    const sources = JSON.stringify(exports).replaceAll(/\.\/dist\/(?:esm|cjs)\/([\w/-]+)\.(?:d\.ts|js)/g, './$1.ts')
    const entry = JSON.stringify({ name: 'venomqa', type: 'module', exports: JSON.parse(sources) })
    this.write('node_modules/venomqa/package.json', entry)
    for (const folder of ['src', 'vitest-plugin', 'jest-preset']) {
      symlinkSync(join(root, folder), join(this.#folder, 'node_modules/venomqa', folder))
    }
  }
}
