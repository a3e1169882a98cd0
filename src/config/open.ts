import type { Worker } from '../rollbackable.ts'
import { badConfig } from './refusal.ts'
import type { Settings } from './settings.ts'

export { loadConfig } from './load.ts'
export { systemsFromConfig } from './systems.ts'

/** Throws `BAD_CONFIG` for a worker beyond those that the configuration allows, where it says how many. */
export function requireWorker({ parallelPaths }: Settings, { id, runner }: Worker): void {
  if (parallelPaths === 1 || Number(id) <= parallelPaths) return
  throw badConfig(
    `This is worker ${id} of ${runner}, but parallelPaths is ${parallelPaths}.`,
    'Each worker would make a database of its own.',
    `Start the runner with --maxWorkers=${parallelPaths}, or raise parallelPaths (VENOMQA_PARALLEL_PATHS).`,
  )
}
