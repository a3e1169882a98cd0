export {
  BackendError,
  type Constraint,
  type ErrorFamily,
  isBackendError,
  type Trouble,
} from '../../systems/shared/backend-error.ts'
export { backendErrorOf } from '../../systems/shared/cause.ts'
export { classify } from '../../systems/shared/classify.ts'
export { ConnectionConfig, type ConnectionSettings } from '../../systems/shared/connection-config.ts'
export {
  type Aftermath,
  type Capabilities,
  type Dialect,
  type IsolationLevel,
  requireBegin,
  type TransactionOptions,
  type Unconstrained,
} from './dialect.ts'
export { type NameLimit, quoter } from '../../systems/shared/names.ts'
export { mysqlDialect } from './mysql.ts'
export { postgresDialect } from './postgres.ts'
export { sqliteDialect } from './sqlite.ts'
export { isAtLeast, type Version, versionOf } from '../../systems/shared/version.ts'
export { type ConnectionSource, type Lease, Pool, type PoolLimits } from './pool.ts'
export { type Savepoint, type Speaker, TransactionManager } from './transaction.ts'
export { type Codec, type ColumnSize, type SqlType, TypeRegistry } from './registry.ts'
export { mysqlTypes, postgresTypes, sqliteTypes } from './types.ts'
export { SqlBackend, type SqlBackendOptions, type SqlMark } from './backend.ts'
export type { ExecuteOptions, QueryResult, RawResult, SqlHandle } from './result.ts'
