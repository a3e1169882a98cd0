import type { Pool as CallbackPool } from 'mysql2'
import type { Pool } from 'mysql2/promise'
import type { Rollbackable } from '../../rollbackable.ts'
import type { SafetyOptions } from '../../safety.ts'
import { type ConnectionSettings, urlOf } from '../shared/connection-config.ts'
import { Shared, type SharedMark, type SharedOptions } from './shared/system.ts'
import type { Mark } from './state.ts'
import { MysqlSystem } from './system.ts'

export type { SharedMark, SharedOptions } from './shared/system.ts'

/** How `mysql()` works. */
export interface MysqlOptions extends SafetyOptions {
  /** How long a mark or a rollback waits for open transactions of the application, in ms; whole seconds are waited. Default 2000. */
  readonly settle?: number
  /** Whether the next generated ids come back too. Default true; it costs an ALTER TABLE for each table that gave an id. */
  readonly autoIncrement?: boolean
  /** Tables of which a copy is kept, so that TRUNCATE, DROP and any ALTER of them come back; `true` for all. */
  readonly copy?: true | readonly string[]
  /** Leaves the triggers and our schema in the database at the end: the next run starts quicker. */
  readonly keep?: boolean
  /** Gives each worker a database of its own: the one in the URL, copied, is the template. The application connects to `url`. */
  readonly perWorker?: boolean
}

/** A MySQL or MariaDB database. Steps see a mysql2 pool. */
export type Mysql = Required<
  Pick<Rollbackable<Mark, Pool>, 'checkpoint' | 'rollback' | 'handle' | 'changes' | 'observe'>
> &
  Rollbackable<Mark, Pool>

/**
 * Rolls back a MySQL or MariaDB database, whoever wrote to it: the application keeps its process, its connections and
 * its commits.
 *
 * `url` is `mysql://user:password@host:port/database`, or a `ConnectionConfig`. The database must be one for tests (see `allowDatabase` and
 * `allowHosts`), and this worker's alone.
 */
export function mysql(url: string | ConnectionSettings, options: MysqlOptions = {}): Mysql {
  const { settle = 2000, autoIncrement = true, copy = [], keep = false, perWorker = false, ...safety } = options
  return new MysqlSystem(urlOf(url, 'mysql'), { settle, autoIncrement, copy, keep, perWorker, ...safety })
}

/** A pool in this process, as a system. */
export type SharedMysql = Required<
  Pick<Rollbackable<SharedMark, Pool>, 'checkpoint' | 'rollback' | 'handle' | 'observe'>
> &
  Rollbackable<SharedMark, Pool>

/**
 * Rolls back what an application in this process does with the mysql2 pool it hands over, with promises or callbacks: all
 * its connections become one, its transactions become savepoints, and nothing is ever committed. Needs no grant and costs
 * next to nothing, but generated ids go on, and statements that commit, such as changes of the schema, are refused.
 *
 * Opening throws `BAD_ARGUMENT`, `NOT_QUIET`, `CONNECTION_REFUSED`, `NOT_A_TEST_DATABASE`, `LEASED`; a checkpoint or a
 * rollback `NOT_QUIET`, `MARK_LOST`. The application's queries throw `LOCKED` when they wait for each other, and
 * `UNSUPPORTED` instead of committing.
 */
mysql.shared = (pool: Pool | CallbackPool, options: SharedOptions = {}): SharedMysql => new Shared(pool, options)
