import { existsSync } from 'node:fs'
import { type LilconfigResult, type Loaders, lilconfig } from 'lilconfig'
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

const loader = () =>
  lilconfig('venomqa', { searchPlaces: FILES, loaders: LOADERS, cache: false, ignoreEmptySearchPlaces: false })

/** Finds the file in `folder` or the nearest above it. Throws `BAD_CONFIG`. */
export async function findConfig(folder: string): Promise<Found | undefined> {
  return foundBy(await loader().search(folder))
}

/** Reads the file that `VENOMQA_CONFIG` names. Throws `BAD_CONFIG`, also when there is none. */
export async function namedConfig(file: string): Promise<Found | undefined> {
  const isKnown = FILES.some((name) => file.endsWith(name.slice(name.lastIndexOf('.'))))
  if (isKnown && existsSync(file)) return foundBy(await loader().load(file))
  throw badConfig(
    `VENOMQA_CONFIG names ${file}, and there is no such file${isKnown ? '' : ' of a known kind'}.`,
    'Without its configuration a run would test something else, without a word.',
    `Give the path of a file like ${FILES.join(', ')}; or unset it, and the nearest of these is taken.`,
  )
}

function foundBy(result: LilconfigResult): Found | undefined {
  return result ? { file: result.filepath, says: result.isEmpty ? {} : (result.config as unknown) } : undefined
}

/** What the nearest package.json that has a "venomqa" says there. Throws `BAD_CONFIG`. */
export async function findPackage(folder: string): Promise<Found | undefined> {
  const { search } = lilconfig('venomqa', { searchPlaces: ['package.json'], loaders: { '.json': json }, cache: false })
  return foundBy(await search(folder))
}
