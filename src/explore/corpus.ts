import { mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { type Recorded, recordedIn, tokenOf } from './token.ts'

/** Paths that broke a rule once, a file each, to be walked first the next time. */
export class Corpus {
  readonly #folder: string

  constructor(folder: string) {
    this.#folder = folder
  }

  /** The paths of one exploration. */
  read(name: string): readonly Recorded[] {
    return this.#files()
      .map((file) => recordedIn(readFileSync(join(this.#folder, file), 'utf8').split('\n').at(-2) ?? ''))
      .filter((recorded) => recorded.name === name)
  }

  /** Keeps a path; under the same name, only the newest. */
  write(file: string, recorded: Recorded): void {
    mkdirSync(this.#folder, { recursive: true })
    const steps = recorded.path.map(({ key }, i) => `${i + 1}. ${key}`)
    const text = [recorded.name, ...steps, tokenOf(recorded), ''].join('\n')
    writeFileSync(join(this.#folder, `${file}.path`), text)
  }

  #files(): string[] {
    try {
      return readdirSync(this.#folder)
        .filter((file) => file.endsWith('.path'))
        .toSorted()
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code === 'ENOENT') return []
      throw error
    }
  }
}
