import type { Pool } from 'pg'
import type { Worker } from '../../rollbackable.ts'
import type { SafetyOptions } from '../../safety.ts'
import { requireAccess, requireTestPlace } from './access.ts'
import { ServerControl } from './control.ts'
import { Copies } from './copies.ts'
import { type Driver, loadDriver } from './driver.ts'
import { takeLease } from './lease.ts'
import { configOf } from './place.ts'
import type { Ground, UndoOptions } from './undo.ts'

/** How a PostgreSQL database is put back. */
export interface PostgresOptions extends UndoOptions, SafetyOptions {
  readonly way?: 'undo'
  /**
   * Makes a copy of the database for each worker when the world opens, and drops it when the world closes: the
   * application of the worker connects to `world.url(…)`. Default false.
   */
  readonly perWorker?: boolean
}

/** How long the session of a run that was killed may take to notice, in ms. */
const LEAST_PATIENCE = 1000

/**
 * Reaches a database on a server, or the copy of it that is made for the worker.
 *
 * Throws `DRIVER_MISSING`, `BAD_ARGUMENT`, `CONNECTION_REFUSED`, `NOT_FOUND`, `NOT_A_TEST_DATABASE`, `MISSING_GRANT`,
 * `LEASED`, `READ_ONLY`, `UNSUPPORTED`, `NOT_QUIET`.
 */
export async function reachServer(url: string, options: PostgresOptions, worker: Worker): Promise<Ground<Pool>> {
  const driver = await loadDriver()
  if (!options.perWorker) return connect(driver, url, options, worker)
  const copies = await Copies.open(driver, url, worker, { ...options, settle: options.settle ?? 2000 })
  try {
    await copies.make()
    const ground = await connect(driver, copies.url, options, worker)
    const end = async (): Promise<void> => {
      await ground.end()
      await copies.end()
    }
    return { ...ground, url: copies.url, end }
  } catch (error) {
    await copies.end()
    throw error
  }
}

async function connect(driver: Driver, url: string, options: PostgresOptions, worker: Worker): Promise<Ground<Pool>> {
  const patience = Math.max(options.settle ?? 2000, LEAST_PATIENCE)
  const control = new ServerControl(driver, url, `venomqa ${worker.runner} worker ${worker.id}, process ${process.pid}`)
  requireTestPlace(control.place, options)
  await control.connect()
  try {
    await requireAccess(control, options)
    await takeLease(control, patience)
  } catch (error) {
    await control.close()
    throw error
  }
  const pool = poolOf(driver, url)
  return {
    control,
    handle: pool,
    canTellOfDdl: true,
    prepare: async () => {
      await control.configure()
      await takeLease(control, patience)
    },
    leave: () => pool.end(),
    end: () => control.close(),
  }
}

/** A small pool of connections for steps. */
export function poolOf({ Pool }: Driver, url: string): Pool {
  const pool = new Pool({ ...configOf(url, 'venomqa step'), max: 4, allowExitOnIdle: true })
  // A connection that breaks while it is idle is replaced by the next query; one that breaks while it ends has ended.
  pool.on('error', () => undefined)
  pool.on('connect', (client) => void client.on('error', () => undefined))
  return pool
}
