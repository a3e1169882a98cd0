import { VenomError } from '../errors.ts'
import type { Rollbackable } from '../rollbackable.ts'
import { type Backend, makeRegistered, registeredBackends } from './backends.ts'
import { FILES } from './find.ts'
import { KINDS, type Kind, kindNamed, kindOf } from './kinds.ts'
import { loadConfig } from './load.ts'
import { logged } from './logged.ts'
import { badConfig, nearest, onlyKnown } from './refusal.ts'
import type { Settings, SystemSettings } from './settings.ts'

/** Systems of which no more is known than their names. */
export type NamedSystems = Readonly<Record<string, Rollbackable & { readonly handle: unknown }>>

/**
 * Makes the systems that a configuration names, none of them opened: `World.open({ systems: await systemsFromConfig() })`.
 *
 * Throws `NO_SYSTEMS` when it names none, and `BAD_CONFIG`.
 */
export async function systemsFromConfig(settings?: Settings): Promise<NamedSystems> {
  const config = settings ?? (await loadConfig())
  const systems: Record<string, Rollbackable> = {}
  for (const name of systemNames(config)) systems[name] = (await systemFromConfig(config, name)).system
  return systems as NamedSystems
}

/** The names of the systems of a configuration. Throws `NO_SYSTEMS` when there are none. */
export function systemNames({ systems, file, folder }: Settings): readonly string[] {
  const names = Object.keys(systems)
  if (names.length > 0) return names
  throw new VenomError(
    'NO_SYSTEMS',
    `The world has no systems: none are given, and ${file === undefined ? `there is no ${FILES[0]} in ${folder} or above it` : `${file} names none`}.\n` +
      'Every branch would run on what the branch before it left behind.\n' +
      'Set VENOMQA_DB_URL, or dbUrl or systems in the configuration; or give the systems in code: defineWorld({ systems: { db: … } }).',
  )
}

/** Makes one of the systems of a configuration, and says which kind it is. Throws `BAD_CONFIG`. */
export async function systemFromConfig(
  config: Settings,
  name: string,
): Promise<{ readonly kind: string; readonly system: Rollbackable }> {
  const given = config.systems[name]!
  const found = await backendOf(name, given, config.folder)
  if (config.parallelPaths > 1) requireCopies(found, name, given, config.parallelPaths)
  const made =
    'options' in found
      ? await ofOurs(found, name, given, config)
      : await makeRegistered(found, given.url, given.options)
  return { kind: found.name, system: config.verbose ? logged(name, made) : made }
}

async function backendOf(
  name: string,
  { url, backend, from }: SystemSettings,
  folder: string,
): Promise<Kind | Backend> {
  const registered = await registeredBackends(folder)
  const byUrl = kindOf(url)
  const scheme = /^([a-z][\w+.-]*):/i.exec(url)?.[1]
  const begins = scheme === undefined ? 'is a path' : `begins with "${scheme}:"`
  if (backend === undefined) {
    const found = byUrl ?? registered.find((one) => one.name === scheme)
    if (found) return found
    throw badConfig(
      `${from} ${begins}, and no backend is known for that.`,
      `The system "${name}" is rolled back by the backend that its URL belongs to.`,
      `Name the backend (dbBackend, or systems.${name}.backend), of these: ${names(registered).join(', ')}.`,
    )
  }
  const found = registered.find((one) => one.name === backend) ?? kindNamed(backend)
  if (!found) {
    const meant = nearest(backend, names(registered))
    throw badConfig(
      `There is no backend "${backend}", which is to roll back the system "${name}".`,
      'A backend is one of ours, or one that the "venomqa" of package.json registers under "backends".',
      meant === undefined ? `These are known: ${names(registered).join(', ')}.` : `Did you mean ${meant}?`,
    )
  }
  if ('options' in found && byUrl !== found) {
    throw badConfig(
      `The system "${name}" has the backend "${backend}", but ${from} ${begins}.`,
      'The URL and the backend are of two kinds of databases.',
      'Change one of them, or leave the backend out: the URL says it.',
    )
  }
  return found
}

async function ofOurs(
  kind: Kind,
  name: string,
  { url, options }: SystemSettings,
  { parallelPaths, folder }: Settings,
): Promise<Rollbackable> {
  onlyKnown(options, Object.keys(kind.options), `systems.${name}.options (${kind.name})`)
  return kind.make(url, parallelPaths > 1 ? { perWorker: true, ...options } : options, folder)
}

/** Throws unless each worker gets a copy of the database. A backend of the user's says so by an option of that name. */
function requireCopies(found: Kind | Backend, name: string, { options }: SystemSettings, parallelPaths: number): void {
  if ('options' in found ? 'perWorker' in found.options : options['perWorker'] === true) return
  throw badConfig(
    `parallelPaths is ${parallelPaths}, but "${name}" (${found.name}) is one place for all workers.`,
    "Paths of two workers would write into each other's state.",
    'Set parallelPaths to 1 and run with one worker (--maxWorkers=1), or use a backend that copies the database for each worker.',
  )
}

function names(registered: readonly Backend[]): string[] {
  return [...registered, ...KINDS].map(({ name }) => name)
}
