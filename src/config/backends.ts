import { existsSync } from 'node:fs'
import { createRequire } from 'node:module'
import { dirname, resolve } from 'node:path'
import { messageOf } from '../errors.ts'
import { fromStateManager } from '../kit/state-manager/from.ts'
import type { StateManager } from '../kit/state-manager/state-manager.ts'
import type { Awaitable, Rollbackable } from '../rollbackable.ts'
import { findPackage } from './find.ts'
import { loadFile } from './module.ts'
import { badConfig, nearest, onlyKnown } from './refusal.ts'
import { fields } from './values.ts'

/** A backend that package.json registers: `"venomqa": { "backends": { "mysql": "./state.js#MySQLStateManager" } }`. */
export interface Backend {
  readonly name: string
  /** The file or package, and the export in it: `./state.js#MySQLStateManager`. */
  readonly target: string
  /** The package.json that registers it. */
  readonly file: string
}

/** The backends that the nearest package.json with a "venomqa" registers. Throws `BAD_CONFIG`. */
export async function registeredBackends(folder: string): Promise<readonly Backend[]> {
  const found = await findPackage(folder)
  if (!found) return []
  const { file } = found
  const says = fields(found.says, `"venomqa" in ${file}`)
  onlyKnown(says, ['backends'], `"venomqa" in ${file}`)
  return Object.entries(fields(says['backends'] ?? {}, `"backends" in ${file}`)).map(([name, target]) => {
    if (typeof target === 'string' && /^[^#]+#[^#]+$/.test(target)) return { name, target, file }
    throw badConfig(
      `The backend "${name}" in ${file} is ${JSON.stringify(target)}, which is no file and export.`,
      'A backend is a class or a function that a file exports under a name.',
      `Write both: "${name}": "./state.js#MyStateManager".`,
    )
  })
}

/**
 * Loads a registered backend and makes a system of it: a class is constructed, a function called, with the URL and the
 * options; a state manager becomes a system. Throws `BAD_CONFIG`.
 */
export async function makeRegistered(backend: Backend, url: string, options: object): Promise<Rollbackable> {
  const { name, target, file } = backend
  const [path = '', exported = ''] = target.split('#')
  const module = loadFile(located(backend, path), `The backend "${name}" of ${file}`)
  const made = module[exported]
  if (typeof made !== 'function') {
    const there = Object.keys(module).filter((key) => typeof module[key] === 'function')
    const meant = nearest(exported, there)
    throw badConfig(
      `The backend "${name}" of ${file} is "${target}", and that file exports no class or function "${exported}".`,
      there.length > 0 ? `It exports: ${there.join(', ')}.` : 'It exports no class and no function.',
      meant === undefined ? 'Export it there, or name the right one.' : `Did you mean "${path}#${meant}"?`,
    )
  }
  const system = (await madeBy(made, url, options)) as Partial<Rollbackable & StateManager> | undefined
  if (typeof system?.checkpoint !== 'function' || typeof system.rollback !== 'function') {
    throw badConfig(
      `The backend "${name}" of ${file}, ${exported}(url, options), made no system: it has no checkpoint and rollback.`,
      'A backend is a state manager, or an object that can remember its state and put it back.',
      'Let it return one: docs/custom-backends.md has whole examples.',
    )
  }
  const named = typeof system.connect === 'function' && typeof system.isConnected === 'function'
  return named ? (fromStateManager(system as StateManager) as Rollbackable) : (system as Rollbackable)
}

function located({ name, target, file }: Backend, path: string): string {
  if (!path.startsWith('.')) {
    try {
      return createRequire(file).resolve(path)
    } catch (error) {
      throw badConfig(
        `The backend "${name}" of ${file} is "${target}", and there is no package of that name: ${messageOf(error).split('\n')[0]}`,
        'It is not installed, or does not export that file.',
        'Install it, or write "./file.js#Name" for a file beside package.json.',
      )
    }
  }
  const place = resolve(dirname(file), path)
  if (existsSync(place)) return place
  throw badConfig(
    `The backend "${name}" of ${file} is "${target}", and there is no file ${place}.`,
    'The path starts at package.json.',
    'Write the path with its ending, as the file is called: "./state.js#MyStateManager".',
  )
}

/** A class has its members in its prototype; anything else is called. */
function madeBy(made: object, url: string, options: object): Awaitable<unknown> {
  const { prototype } = made as { readonly prototype?: { readonly checkpoint?: unknown } }
  const isClass = /^class\b/.test(Function.prototype.toString.call(made)) || typeof prototype?.checkpoint === 'function'
  return isClass
    ? new (made as new (url: string, options: object) => unknown)(url, options)
    : (made as (url: string, options: object) => unknown)(url, options)
}
