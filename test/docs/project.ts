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

/** A folder in .cache where `venomqa` is this repository's sources, with a folder in it for each page. */
export class Project {
  readonly #folder: string

  constructor(name: string) {
    this.#folder = join(root, '.cache', name)
    rmSync(this.#folder, { recursive: true, force: true })
    this.#write('package.json', JSON.stringify({ private: true, type: 'module' }))
    const options = { extends: join(root, 'test/docs/tsconfig.reader.json'), include: ['.'] }
    this.#write('tsconfig.json', JSON.stringify(options))
    this.#linkSources()
  }

  /** Puts a block into the folder of its page. */
  write(page: string, file: string, code: string): void {
    this.#write(join(folderOf(page), file), code)
  }

  /** Type-checks all files that are there. */
  check(): Outcome {
    return this.#run('.', [bin('typescript/bin/tsc')])
  }

  /** Runs a test file with Vitest, any other file with Node. */
  run(page: string, file: string, env: NodeJS.ProcessEnv): Outcome {
    const vitest = file.endsWith('.test.ts') ? [bin('vitest/vitest.mjs'), 'run'] : []
    return this.#run(folderOf(page), [...vitest, file], env)
  }

  #write(file: string, text: string): void {
    const path = join(this.#folder, file)
    mkdirSync(dirname(path), { recursive: true })
    writeFileSync(path, text)
  }

  #run(folder: string, args: readonly string[], env: NodeJS.ProcessEnv = {}): Outcome {
    const { VITEST: _, VITEST_MODE: __, NODE_ENV: ___, ...outside } = process.env
    const child = spawnSync(process.execPath, args, {
      cwd: join(this.#folder, folder),
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
    this.#write('node_modules/venomqa/package.json', entry)
    for (const folder of ['src', 'vitest-plugin', 'jest-preset']) {
      symlinkSync(join(root, folder), join(this.#folder, 'node_modules/venomqa', folder))
    }
  }
}

function folderOf(page: string): string {
  return page.replaceAll(/\W+/g, '-')
}
