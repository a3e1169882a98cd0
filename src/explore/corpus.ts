import { mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { isVenomError, VenomError } from '../errors.ts'
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
      .map((file) => this.#recorded(join(this.#folder, file)))
      .filter((recorded) => recorded.name === name)
  }

  /** Keeps a path; under the same name, only the newest. */
  write(file: string, recorded: Recorded): void {
    mkdirSync(this.#folder, { recursive: true })
    const steps = recorded.path.map(({ key }, i) => `${i + 1}. ${key}`)
    const text = [recorded.name, ...steps, tokenOf(recorded), ''].join('\n')
    writeFileSync(join(this.#folder, `${file}.path`), text)
  }

  #recorded(file: string): Recorded {
    try {
      return recordedIn(readFileSync(file, 'utf8').trimEnd().split('\n').at(-1) ?? '')
    } catch (cause) {
      if (!isVenomError(cause)) throw cause
      throw new VenomError(
        'BAD_ARGUMENT',
        `The path in ${file} cannot be read.\n` +
          'Its last line was changed, or another version of venomqa wrote it.\n' +
          'Restore it, or remove the file: the exploration will find the path again if it still breaks a rule.',
        { cause },
      )
    }
  }

  #files(): string[] {
    try {
      return readdirSync(this.#folder).filter((file) => file.endsWith('.path'))
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code === 'ENOENT') return []
      throw error
    }
  }
}
