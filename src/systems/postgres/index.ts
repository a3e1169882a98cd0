import type { Pool } from 'pg'
import { VenomError } from '../../errors.ts'
import type { Change, Health, Observation, ResetOptions, Rollbackable, Worker } from '../../rollbackable.ts'
import type { SafetyOptions } from '../../safety.ts'
import { ConnectionConfig, type ConnectionSettings, urlOf } from '../shared/connection-config.ts'
import { type PgliteDatabase, reachPglite } from './pglite.ts'
import { type PostgresOptions, reachServer } from './server.ts'
import { Shared, type SharedMark, type SharedOptions } from './shared/system.ts'
import { Template, type TemplateMark, type TemplateOptions } from './template.ts'
import { type Mark, Undo, type UndoOptions } from './undo.ts'

export type { PgliteDatabase } from './pglite.ts'
export type { PostgresOptions } from './server.ts'
export type { SharedMark, SharedOptions } from './shared/system.ts'
export type { TemplateMark, TemplateOptions } from './template.ts'
export type { Mark } from './undo.ts'

/** What PostgreSQL is rolled back by, whichever way. Steps see a `pg.Pool`, or PGlite. */
export interface PostgresWay<M, Handle = Pool> extends Rollbackable<M, Handle> {
  readonly handle: Handle
  open(worker: Worker): Promise<void>
  checkpoint(name: string): Promise<M>
  rollback(mark: M): Promise<void>
  release(mark: M): Promise<void>
  observe(): Promise<Observation>
  reset(options?: ResetOptions): Promise<void>
  ping(): Promise<Health>
  selfTest(): Promise<void>
  close(): Promise<void>
}

/** A PostgreSQL database as a system, by the default way. */
export interface PostgresSystem extends PostgresWay<Mark> {
  changes(since: Mark): Promise<readonly Change[]>
}

/**
 * Rolls back a PostgreSQL database (14 or newer), whoever writes to it: the application keeps its own process, its own
 * pool and its own commits.
 *
 * `url` is that of a superuser of a test server, or of a role that owns the tables and may set
 * `session_replication_role`, or a `ConnectionConfig`; the application may use another.
 *
 * Opening throws `DRIVER_MISSING`, `BAD_ARGUMENT`, `CONNECTION_REFUSED`, `NOT_FOUND`, `NOT_A_TEST_DATABASE`,
 * `MISSING_GRANT`, `LEASED`, `CRASHED`, `READ_ONLY`, `UNSUPPORTED`, `NOT_QUIET`. A checkpoint or a rollback throws
 * `NOT_QUIET`; a rollback also `SCHEMA_CHANGED`, `NOT_VERIFIED`, `TOO_LARGE`. The state is then as it was.
 */
export function postgres(url: string | ConnectionSettings, options?: PostgresOptions): PostgresSystem
/**
 * Rolls back a PostgreSQL database by copies of it: the schema comes back too, and the application must connect to
 * `world.url(…)` and survive that its connections end at every mark and rollback.
 *
 * Opening throws what it throws by default, and `NOT_QUIET` while somebody is connected to the database.
 */
export function postgres(url: string | ConnectionSettings, options: TemplateOptions): PostgresWay<TemplateMark>
export function postgres(
  address: string | ConnectionSettings,
  options: PostgresOptions | TemplateOptions = {},
): PostgresWay<unknown> {
  const url = pgUrl(address)
  switch (options.way) {
    case 'template':
      return new Template(url, options)
    case 'undo':
    case undefined:
      return new Undo((worker) => reachServer(url, options, worker), options)
    default:
      throw new VenomError(
        'BAD_ARGUMENT',
        `postgres: there is no way '${String((options as { way: unknown }).way)}'.\n` +
          'A misspelt way would undo less than you meant.\n' +
          `The ways of a URL are 'undo', the default, and 'template'; for a pool, postgres.shared(pool).`,
      )
  }
}

/** To pg a unix socket is a host that begins with a slash. */
function pgUrl(address: string | ConnectionSettings): string {
  if (typeof address !== 'object' || address === null) return address
  const config = ConnectionConfig.of(address)
  const { socketPath } = config
  return urlOf(
    socketPath === undefined ? config : config.clone({ host: socketPath, socketPath: undefined }),
    'postgres',
  )
}

/**
 * Rolls back what an application in this process does with the `pg.Pool` it hands over: all its connections become one,
 * its transactions become savepoints, and nothing is ever committed. Needs no grant, undoes changes of the schema too,
 * and distorts what docs/systems/postgres.md lists.
 *
 * Opening throws `BAD_ARGUMENT`, `NOT_QUIET`, `CONNECTION_REFUSED`, `NOT_A_TEST_DATABASE`, `LEASED`; a checkpoint or a
 * rollback `NOT_QUIET`, `NOT_VERIFIED`, `MARK_LOST`. The application's queries throw `LOCKED` when they wait for each
 * other.
 */
postgres.shared = (pool: Pool, options: SharedOptions = {}): PostgresWay<SharedMark> => new Shared(pool, options)

/**
 * Rolls back a PGlite database that the application in this process uses, by the same triggers as `postgres(url)`.
 *
 * Opening throws `BAD_ARGUMENT`, `NOT_A_TEST_DATABASE`, `CRASHED`; a rollback `SCHEMA_CHANGED`, `NOT_VERIFIED`.
 */
export function pglite<P extends PgliteDatabase>(
  db: P,
  options: SafetyOptions & Pick<UndoOptions, 'keep'> = {},
): PostgresWay<Mark, P> & Pick<PostgresSystem, 'changes'> {
  return new Undo<P>(() => reachPglite(db, options), options)
}
