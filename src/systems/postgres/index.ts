import type { Pool } from 'pg'
import type { Change, Health, Observation, ResetOptions, Rollbackable, Worker } from '../../rollbackable.ts'
import { type Mark, type PostgresOptions, Undo } from './undo.ts'

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
