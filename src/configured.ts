import { dirname } from 'node:path'
import type { Settings } from './config/settings.ts'
import type { Awaitable, Worker } from './rollbackable.ts'
import { type Systems, World, type WorldOptions } from './world.ts'

/** What a world is made of whose systems the configuration names. */
export interface ConfiguredOptions<A, C> extends Omit<WorldOptions<Systems, A, C>, 'systems' | 'api'> {
  readonly systems?: undefined
  /** Makes whatever speaks to the application; called once when the world opens. */
  readonly api?: (world: {
    readonly worker: Worker
    url(system: string): string
    /** The configuration: `config.baseUrl`. */
    readonly config: Settings
  }) => Awaitable<A>
}

/** A world and what the configuration says about its steps. */
export interface Opened<S extends Systems, A, C> {
  readonly world: World<S, A, C>
  /** How long a step may take that has no time-out of its own, in ms. */
  readonly stepTimeout?: number
}

/**
 * Opens a world for a runner's worker: its systems are those given, or those of the configuration, which is loaded only
 * then. The nearest to the test file is taken, so that each package of a workspace has its own.
 */
export async function openWorld<S extends Systems, A, C>(
  options: WorldOptions<S, A, C> | ConfiguredOptions<A, C>,
  worker: Worker,
  testFile: string | undefined,
): Promise<Opened<S, A, C>> {
  if (hasSystems(options)) return { world: await World.open({ ...options, worker: { ...worker, ...options.worker } }) }
  // oxlint-disable-next-line no-restricted-imports -- loaded here, and only when it is used
  const { loadConfig, requireWorker, systemsFromConfig } = await import('./config/open.ts')
  const config = await loadConfig(testFile === undefined ? {} : { from: dirname(testFile) })
  const systems = (await systemsFromConfig(config)) as S
  const { api, systems: _, ...rest } = options
  requireWorker(config, worker)
  const world = await World.open<S, A, C>({
    ...rest,
    systems,
    ...(api && { api: ({ worker: own, url }) => api({ worker: own, url, config }) }),
    worker: { ...worker, ...options.worker },
  })
  return { world, ...(config.timeout !== undefined && { stepTimeout: config.timeout }) }
}

/** `systems: undefined` is most often a variable that was never set, but so is a world that leaves them to the configuration. */
export function hasSystems<S extends Systems, A, C>(
  options: WorldOptions<S, A, C> | ConfiguredOptions<A, C>,
): options is WorldOptions<S, A, C> {
  return options.systems !== undefined
}
