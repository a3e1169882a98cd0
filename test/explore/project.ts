import { spawnSync } from 'node:child_process'
import { mkdirSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { stripVTControlCharacters } from 'node:util'

const root = fileURLToPath(new URL('../..', import.meta.url))

/** The entries that exploration needs, each led to its source. */
const ENTRIES = {
  '.': './src/index.ts',
  './explore': './src/explore/index.ts',
  './fast-check': './src/explore/fast-check/index.ts',
  './vitest': './vitest-plugin/index.ts',
  './memory': './src/systems/memory/index.ts',
}

/** A user's project in .cache, with a Vitest of its own. */
export class Project {
  readonly folder: string

  constructor(name: string, files: Readonly<Record<string, string>>) {
    this.folder = join(root, '.cache/explore', name)
    rmSync(this.folder, { recursive: true, force: true })
    this.#write('package.json', JSON.stringify({ private: true, type: 'module' }))
    this.#write(
      'node_modules/venomqa/package.json',
      JSON.stringify({ name: 'venomqa', type: 'module', exports: ENTRIES }),
    )
    for (const part of ['src', 'vitest-plugin']) {
      symlinkSync(join(root, part), join(this.folder, 'node_modules/venomqa', part))
    }
    for (const [file, text] of Object.entries(files)) this.#write(file, text)
  }

  read(file: string): string {
    return readFileSync(join(this.folder, file), 'utf8')
  }

  /** Runs Vitest and returns what it printed. */
  run(file: string, env: NodeJS.ProcessEnv = {}): { readonly ok: boolean; readonly text: string } {
    const { VITEST: _, VITEST_MODE: __, NODE_ENV: ___, ...outside } = process.env
    const vitest = join(root, 'node_modules/vitest/vitest.mjs')
    const { status, stdout, stderr } = spawnSync(process.execPath, [vitest, 'run', '--root', this.folder, file], {
      cwd: this.folder,
      encoding: 'utf8',
      env: { ...outside, NO_COLOR: '1', ...env },
    })
    return { ok: status === 0, text: stripVTControlCharacters(stdout + stderr) }
  }

  #write(file: string, text: string): void {
    const path = join(this.folder, file)
    mkdirSync(dirname(path), { recursive: true })
    writeFileSync(path, text)
  }
}
