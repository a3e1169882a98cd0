export { BackendError, type Constraint, type ErrorFamily, isBackendError, type Trouble } from './backend-error.ts'
export { classify } from './classify.ts'
export { ConnectionConfig, type ConnectionSettings } from './config.ts'
export {
  type Aftermath,
  type Capabilities,
  type Dialect,
  type IsolationLevel,
  type NameLimit,
  quoter,
  requireBegin,
  type TransactionOptions,
  type Unconstrained,
} from './dialect.ts'
export { mysqlDialect } from './mysql.ts'
export { postgresDialect } from './postgres.ts'
export { sqliteDialect } from './sqlite.ts'
export { isAtLeast, type Version, versionOf } from './version.ts'
export { type ConnectionSource, type Lease, Pool, type PoolLimits } from './pool.ts'
export { type Savepoint, type Speaker, TransactionManager } from './transaction.ts'
export { type Codec, type ColumnSize, type SqlType, TypeRegistry } from './registry.ts'
export { mysqlTypes, postgresTypes, sqliteTypes } from './types.ts'
export { SqlBackend, type SqlBackendOptions, type SqlMark } from './backend.ts'
export type { ExecuteOptions, QueryResult, RawResult, SqlHandle } from './result.ts'
