import { dirname, resolve } from 'node:path'
import type { Config, SystemConfig } from './config.ts'
import { FILES, findConfig, type Found, namedConfig } from './find.ts'
import { type Environment, interpolated } from './interpolate.ts'
import { badConfig, nearest, onlyKnown } from './refusal.ts'
import { Settings, SystemSettings } from './settings.ts'
import { count, duration, fields, flag, type Read, text } from './values.ts'

/** Where a configuration is looked for. */
export interface LoadOptions {
  /** Where relative paths of variables start. Default: where the process runs. */
  readonly cwd?: string
  /** The folder where the search for a file begins. Default: `cwd`. */
  readonly from?: string
  /** Default: the variables of the process. */
  readonly env?: Environment
}

/** Whatever is known by one name in the file and by one in the environment. */
const VARIABLES = {
  baseUrl: 'VENOMQA_BASE_URL',
  dbUrl: 'VENOMQA_DB_URL',
  dbBackend: 'VENOMQA_DB_BACKEND',
  timeout: 'VENOMQA_TIMEOUT',
  parallelPaths: 'VENOMQA_PARALLEL_PATHS',
  verbose: 'VENOMQA_VERBOSE',
} as const satisfies Partial<Record<keyof Config, string>>
type Name = keyof typeof VARIABLES

const KEYS: readonly string[] = [...Object.keys(VARIABLES), 'systems'] satisfies string[]
const SYSTEM_KEYS: readonly string[] = ['url', 'backend', 'options'] satisfies (keyof SystemConfig)[]

/** What people look for here, and where it is. */
const ELSEWHERE: Readonly<Record<string, string>> = {
  failFast: "That is the runner's: vitest run --bail=1, jest --bail.",
  reportDir: "Reports are the runner's and its plugin's: docs/reports.md has pages, Markdown and --reporter=junit.",
  reportFormats: "Reports are the runner's and its plugin's: docs/reports.md has pages, Markdown and --reporter=junit.",
  dockerComposeFile: 'Start the servers before the run: docker compose up -d --wait.',
  captureLogs: "Say in code where the application logs, and a failed step shows it: defineWorld({ logs: 'app.log' }).",
  logLines: "Say in code where the application logs, and a failed step shows it: defineWorld({ logs: 'app.log' }).",
  tablesToReset:
    'Belongs to the backend: systems: { db: { url, options: { tablesToReset } } }; ours have reset({ only, except }).',
  excludeTables:
    'Belongs to the backend: systems: { db: { url, options: { excludeTables } } }; ours have reset({ only, except }).',
}

/**
 * Reads the configuration: what an environment variable says, else what `venomqa.config.*` says (the nearest above `from`,
 * or the one that `VENOMQA_CONFIG` names), else the default. Nothing is opened.
 *
 * Throws `BAD_CONFIG` for a name that is not known, a value that cannot be, a variable that is missing, a file that
 * cannot be loaded.
 */
export async function loadConfig({
  cwd = process.cwd(),
  from = cwd,
  env = process.env,
}: LoadOptions = {}): Promise<Settings> {
  const named = set(env, 'VENOMQA_CONFIG')
  const found = await (named === undefined ? findConfig(from) : namedConfig(resolve(cwd, named)))
  const file = found ? checked(found, env) : {}
  const read = <T>(name: Name, as: Read<T>): T | undefined => {
    const variable = set(env, VARIABLES[name])
    if (variable !== undefined) return as(variable, VARIABLES[name])
    return file[name] === undefined ? undefined : as(file[name], `${name} in ${found!.file}`)
  }
  const systems = systemsOf(file, found, env)
  refuseSlips(env, Object.keys(systems))
  return new Settings({
    file: found?.file,
    folder: found ? dirname(found.file) : cwd,
    baseUrl: read('baseUrl', text),
    systems,
    timeout: read('timeout', duration),
    parallelPaths: read('parallelPaths', count) ?? 1,
    verbose: read('verbose', flag) ?? false,
  })
}

/** What an environment variable says; one that is empty says nothing. */
function set(env: Environment, name: string): string | undefined {
  return env[name] === '' ? undefined : env[name]
}

function checked({ file, says }: Found, env: Environment): Readonly<Record<string, unknown>> {
  const config = fields(says ?? {}, file)
  onlyKnown(config, KEYS, file, ELSEWHERE)
  // An empty value of YAML is null.
  const said = Object.entries(config).filter(([, value]) => value !== null)
  return interpolated(Object.fromEntries(said), env, '') as Readonly<Record<string, unknown>>
}

function systemsOf(
  file: Readonly<Record<string, unknown>>,
  found: Found | undefined,
  env: Environment,
): Record<string, SystemSettings> {
  const inFile = file['systems'] === undefined ? {} : fields(file['systems'], `systems in ${found!.file}`)
  const { dbUrl, dbBackend } = file
  const short = dbUrl !== undefined || dbBackend !== undefined
  if (short && inFile['db'] !== undefined) {
    throw badConfig(
      `${found!.file} has systems.db, and ${dbUrl === undefined ? 'dbBackend' : 'dbUrl'} too.`,
      'Both say where the system "db" is, and only one can be right.',
      'Keep one of them.',
    )
  }
  const named = set(env, VARIABLES.dbUrl) !== undefined || set(env, VARIABLES.dbBackend) !== undefined
  const db = short || (named && inFile['db'] === undefined) ? { db: { url: dbUrl, backend: dbBackend } } : {}
  const systems: Record<string, SystemSettings> = {}
  for (const [name, value] of Object.entries({ ...inFile, ...db })) {
    const key = name === 'db' && inFile['db'] === undefined ? 'dbUrl' : `systems.${name}`
    systems[name] = systemOf(name, key, value, found?.file, env)
  }
  return systems
}

function systemOf(
  name: string,
  key: string,
  value: unknown,
  file: string | undefined,
  env: Environment,
): SystemSettings {
  const given = typeof value === 'string' ? { url: value } : fields(value ?? {}, key)
  onlyKnown(given, SYSTEM_KEYS, key)
  const variable = variableOf(name)
  const ofEnv = set(env, variable)
  const from = ofEnv === undefined ? `${key} in ${file}` : variable
  const url = ofEnv ?? given['url']
  if (url === undefined) {
    throw badConfig(
      `Nothing says where the system "${name}" is.`,
      'Its URL is neither in the configuration nor in the environment.',
      `Set ${variable}, or ${key === 'dbUrl' ? key : `${key}.url`} in ${file ?? FILES[0]}.`,
    )
  }
  const backend = (name === 'db' ? set(env, VARIABLES.dbBackend) : undefined) ?? given['backend']
  return new SystemSettings(
    text(url, from),
    backend === undefined ? undefined : text(backend, `the backend of "${name}"`),
    given['options'] === undefined ? {} : fields(given['options'], `${key}.options`),
    from,
  )
}

/** The variable that says where a system is: `VENOMQA_SEARCH_INDEX_URL` for searchIndex. */
function variableOf(system: string): string {
  const name = system
    .replaceAll(/([a-z\d])([A-Z])/g, '$1_$2')
    .toUpperCase()
    .replaceAll(/\W+/g, '_')
  const variable = `VENOMQA_${name}_URL`
  if (variable !== VARIABLES.baseUrl) return variable
  throw badConfig(
    `A system cannot be called "${system}" in the configuration.`,
    `${variable} is where the application answers.`,
    'Give the system another name.',
  )
}

/** A variable that is nearly one of ours was meant to be it. */
function refuseSlips(env: Environment, systems: readonly string[]): void {
  const known = [...Object.values(VARIABLES), 'VENOMQA_CONFIG', ...systems.map(variableOf)]
  for (const name of Object.keys(env)) {
    if (!name.startsWith('VENOMQA_') || known.includes(name)) continue
    // By its own part: the common beginning would make everything look alike.
    const own = (variable: string): string => variable.slice('VENOMQA_'.length)
    const meant = nearest(own(name), known.map(own))
    if (meant === undefined) continue
    throw badConfig(
      `The environment has ${name}, which means nothing.`,
      'A misspelt variable would do nothing, without a word.',
      `Did you mean VENOMQA_${meant}? Unset it otherwise.`,
    )
  }
}
