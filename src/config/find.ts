import { existsSync } from 'node:fs'
import { resolve } from 'node:path'
import { type Loaders, lilconfig } from 'lilconfig'
import { messageOf } from '../errors.ts'
import { loadFile } from './module.ts'
import { badConfig } from './refusal.ts'

/** A configuration file and what it says. */
export interface Found {
  readonly file: string
  readonly says: unknown
}

/** The names of the file, in the order in which they are looked for in each folder. */
export const FILES = ['ts', 'mts', 'js', 'mjs', 'cjs', 'json', 'yaml', 'yml'].map((end) => `venomqa.config.${end}`)

const read =
  (parse: (text: string) => unknown) =>
  async (file: string, text: string): Promise<unknown> => {
    try {
      return await parse(text)
    } catch (error) {
      // Without what a parser shows of the text, and without the error itself: a password may stand there.
      const [why = ''] = messageOf(error).split('\n')
      throw badConfig(
        `${file} could not be read: ${why.replace(/, (?:\.\.\.)?".*" is not valid JSON$/, '')}`,
        'The configuration comes from this file.',
        'Mend it there.',
      )
    }
  }

const code = async (file: string): Promise<unknown> => {
  const module = loadFile(file, 'The configuration')
  const config = 'default' in module ? module['default'] : module
  return typeof config === 'function' ? ((await config()) as unknown) : config
}

const json = read((text) => JSON.parse(text))
const yaml = read(async (text) => (await import('yaml')).parse(text))

const LOADERS: Loaders = {
  '.ts': code,
  '.mts': code,
  '.js': code,
  '.mjs': code,
  '.cjs': code,
  '.json': json,
  '.yaml': yaml,
  '.yml': yaml,
}

/** Finds the file in `cwd` or the nearest folder above it, or takes the one that is named. Throws `BAD_CONFIG`. */
export async function findConfig(cwd: string, named: string | undefined): Promise<Found | undefined> {
  const { load, search } = lilconfig('venomqa', {
    searchPlaces: FILES,
    loaders: LOADERS,
    cache: false,
    ignoreEmptySearchPlaces: false,
  })
  const found = named === undefined ? await search(cwd) : await load(existing(resolve(cwd, named)))
  return found ? { file: found.filepath, says: found.isEmpty ? {} : (found.config as unknown) } : undefined
}

/** What the nearest package.json that has a "venomqa" says there. Throws `BAD_CONFIG`. */
export async function findPackage(cwd: string): Promise<Found | undefined> {
  const { search } = lilconfig('venomqa', { searchPlaces: ['package.json'], loaders: { '.json': json }, cache: false })
  const found = await search(cwd)
  return found ? { file: found.filepath, says: found.config as unknown } : undefined
}

function existing(file: string): string {
  const ending = FILES.some((name) => file.endsWith(name.slice(name.lastIndexOf('.'))))
  if (ending && existsSync(file)) return file
  throw badConfig(
    `VENOMQA_CONFIG names ${file}, and there is no such file${ending ? '' : ' of a known kind'}.`,
    'Without its configuration a run would test something else, without a word.',
    `Give the path of a file like ${FILES.join(', ')}; or unset it, and the nearest of these is taken.`,
  )
}
