import type { Row } from '../../rollbackable.ts'
import type { TransactionOptions } from './dialect.ts'

/** What a driver answered to a statement. */
export interface RawResult {
  /** The rows as the driver gave them, a property a column. */
  readonly rows: readonly Row[]
  /** How many rows were inserted, updated or deleted. Default 0. */
  readonly affectedRows?: number | undefined
  /** The id that was generated last, where the driver tells. */
  readonly lastInsertId?: bigint | number | string | undefined
  /** What the driver calls the types of the columns, so that the values are read by the codecs of these. */
  readonly types?: Readonly<Record<string, string>> | undefined
}

/** What a statement did, with values as the types make them. */
export interface QueryResult<R = Row> {
  readonly rows: R[]
  readonly affectedRows: number
  readonly lastInsertId: bigint | number | string | undefined
  readonly durationMs: number
}

/** How one statement is read. */
export interface ExecuteOptions {
  /** The types of columns by name, for those that the driver does not tell or that are to be read as another. */
  readonly columnTypes?: Readonly<Record<string, string>>
}

/** What a step sees of a SQL database. All throw `BackendError`. */
export interface SqlHandle {
  /** Runs one statement. Its parameters go by the types that accept them. */
  execute<R = Row>(sql: string, params?: readonly unknown[], options?: ExecuteOptions): Promise<QueryResult<R>>
  /** The rows of one statement. */
  query<R = Row>(sql: string, params?: readonly unknown[], options?: ExecuteOptions): Promise<R[]>
  /** Runs `work` in a transaction: committed when it returns, rolled back when it throws. It may have others inside. */
  transaction<T>(work: (tx: SqlHandle) => T | PromiseLike<T>, options?: TransactionOptions): Promise<T>
}
