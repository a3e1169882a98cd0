import type { Pool } from 'pg'
import type { Change, Health, Observation, ResetOptions, Rollbackable, Worker } from '../../rollbackable.ts'
import { Shared, type SharedMark, type SharedOptions } from './shared/system.ts'
import { type Mark, type PostgresOptions, Undo } from './undo.ts'

export type { SharedMark, SharedOptions } from './shared/system.ts'
export type { Mark, PostgresOptions } from './undo.ts'

/** A PostgreSQL database as a system. Steps see a `pg.Pool`. */
export interface PostgresSystem extends Rollbackable<Mark, Pool> {
  readonly handle: Pool
  open(worker: Worker): Promise<void>
  checkpoint(name: string): Promise<Mark>
  rollback(mark: Mark): Promise<void>
  release(mark: Mark): Promise<void>
  changes(since: Mark): Promise<readonly Change[]>
  observe(): Promise<Observation>
  reset(options?: ResetOptions): Promise<void>
  ping(): Promise<Health>
  selfTest(): Promise<void>
  close(): Promise<void>
}

/** A pool that the application in this process handed over. */
export interface SharedPostgres extends Rollbackable<SharedMark, Pool> {
  readonly handle: Pool
  open(worker: Worker): Promise<void>
  checkpoint(name: string): Promise<SharedMark>
  rollback(mark: SharedMark): Promise<void>
  release(mark: SharedMark): Promise<void>
  observe(): Promise<Observation>
  reset(options?: ResetOptions): Promise<void>
  ping(): Promise<Health>
  selfTest(): Promise<void>
  close(): Promise<void>
}

/**
 * Rolls back a PostgreSQL database (14 or newer), whoever writes to it: the application keeps its own process, its own
 * pool and its own commits.
 *
 * `url` is that of a superuser of a test server, or of a role that owns the tables and may set
 * `session_replication_role`; the application may use another.
 *
 * Opening throws `DRIVER_MISSING`, `BAD_ARGUMENT`, `CONNECTION_REFUSED`, `NOT_FOUND`, `NOT_A_TEST_DATABASE`,
 * `MISSING_GRANT`, `LEASED`, `CRASHED`, `READ_ONLY`, `UNSUPPORTED`, `NOT_QUIET`. A checkpoint or a rollback throws
 * `NOT_QUIET`; a rollback also `SCHEMA_CHANGED`, `NOT_VERIFIED`, `TOO_LARGE`. The state is then as it was.
 */
export function postgres(url: string, options: PostgresOptions = {}): PostgresSystem {
  return new Undo(url, options)
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
postgres.shared = (pool: Pool, options: SharedOptions = {}): SharedPostgres => new Shared(pool, options)
