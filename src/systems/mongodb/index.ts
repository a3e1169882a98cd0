import type { Db } from 'mongodb'
import type { Change, Observation, ResetOptions, Rollbackable } from '../../rollbackable.ts'
import type { SafetyOptions } from '../../safety.ts'
import { System } from './system.ts'
import type { MongodbMark, WayName } from './way.ts'

export type { MongodbMark } from './way.ts'

/** How a MongoDB server is rolled back. */
export interface MongodbOptions extends SafetyOptions {
  /** The databases that are rolled back together. Default: the one in the URL. */
  readonly databases?: readonly string[]
  /** Only these collections, as `orders` or `shop_test.orders`. Default: all. */
  readonly collections?: readonly string[]
  /** Not these collections. */
  readonly except?: readonly string[]
  /**
   * `past` (default): the server's own log and past. `stream`: the same with a change stream instead of the log, for a
   * user who may not read `local`; it does not see time series. `copy`: a copy of the collections that changed at each mark, for a
   * standalone server and little data.
   */
  readonly way?: WayName
  /** How long a mark or a rollback waits for open transactions and running writes, in ms. Default 2000. */
  readonly settle?: number
  /** `exact`: documents that were deleted come back where they were in natural order, which puts their whole collection back. */
  readonly order?: 'exact' | 'any'
  /** Gives each worker a database of its own, a copy of the one in the URL. The application connects to `url`. */
  readonly perWorker?: boolean
  /** What to do with a database that a killed process left changed. `restore` (default): put its first mark back. `keep`: take it as it is. */
  readonly recover?: 'restore' | 'keep'
}

/** Databases of a MongoDB server as a system. Steps see a `Db` of the official driver. */
export interface MongodbSystem extends Rollbackable<MongodbMark, Db> {
  readonly kind: 'tree'
  readonly handle: Db
  readonly way: string
  changes(since: MongodbMark): Promise<readonly Change[]>
  observe(): Promise<Observation>
  reset(options?: ResetOptions): Promise<void>
}

/**
 * Rolls back databases of a MongoDB server (7.0 or newer, a replica set; one member is enough), whoever writes to them:
 * the application keeps its process, its connections and its commits.
 *
 * A mark copies nothing. A rollback writes only what changed, inside the server. The database must be one for tests
 * (see `allowDatabase` and `allowHosts`), and this worker's alone.
 *
 * @param url `mongodb://user:password@host:port/shop_test`, as the driver takes it
 */
export function mongodb(url: string, options: MongodbOptions = {}): MongodbSystem {
  return new System(url, options)
}
