import { VenomError, type VenomErrorCode } from '../../errors.ts'
import type { Dialect as Syntax } from '../../systems/shared/statements.ts'
import type { Version } from '../../systems/shared/version.ts'

/** What one transaction may see of others, from least to most strict. */
export type IsolationLevel = 'read uncommitted' | 'read committed' | 'repeatable read' | 'serializable'

/** How a transaction is begun. */
export interface TransactionOptions {
  readonly isolation?: IsolationLevel
  readonly readOnly?: boolean
}

/** What a server can do, which its version decides. */
export interface Capabilities {
  readonly savepoints: boolean
  /** `INSERT … RETURNING`. */
  readonly returning: boolean
  /** Whether `CREATE TABLE` in a transaction is undone with it. */
  readonly transactionalDdl: boolean
  /** Whether constraints can be made to wait for the end of the transaction. */
  readonly deferrable: boolean
  readonly readOnlyTransactions: boolean
  /** Whether the next generated id after a rollback is the one that was rolled back. */
  readonly generatedIdsRollBack: boolean
}

/** What is left of a transaction after a statement of it failed: all of it, nothing until a rollback, or no transaction. */
export type Aftermath = 'open' | 'aborted' | 'ended'

/** Statements around a piece of work on one connection in which no constraint is checked. */
export interface Unconstrained {
  /** A query whose first value is handed to `after`, where a setting must be put back as it was. */
  readonly ask?: string
  readonly before: readonly string[]
  after(was: unknown): readonly string[]
}

/** How one family of databases writes SQL. A plain object: spread it to make another one that differs in a part. */
export interface Dialect {
  readonly name: string
  readonly version: Version
  readonly supports: Capabilities
  /** How the ends of statements are told apart. */
  readonly syntax: Syntax
  readonly isolationLevels: readonly IsolationLevel[]
  /** A name as SQL, or several that lead to it: `quote('sales', 'orders')`. Throws `BAD_ARGUMENT`. */
  quote(...path: readonly string[]): string
  /** The parameter number `index`, from 1. */
  placeholder(index: number): string
  /** What begins a transaction, in the order in which it must be sent. Throws `UNSUPPORTED`. */
  begin(options?: TransactionOptions): readonly string[]
  /** What begins a transaction that only reads, and sees one moment however long it takes. */
  readonly beginReading: readonly string[]
  readonly commit: string
  readonly rollback: string
  savepoint(name: string): string
  rollbackTo(name: string): string
  release(name: string): string
  aftermath(code: VenomErrorCode): Aftermath
  /**
   * A query of one row a column, in the order of tables and columns: `schema` ('' where the name alone is enough),
   * `table`, `column`, `key` (more than 0 when it is in the primary key), `computed` (1 when it cannot be written),
   * `internal` (1 for a table that people need not see) and `read` (the type that it must be cast to, so that the
   * driver gets all of it, or '').
   */
  readonly catalog: string
  /** Stands before a table in SELECT and DELETE, where other tables may inherit from it. */
  readonly only?: string
  /** Empties tables at once, where that can be rolled back. Without it every table gets a DELETE. */
  truncate?(tables: readonly string[]): string
  /**
   * A query whose first value is true, `t` or 1 when this connection is the only one that asked it of this database.
   * The server forgets that when the connection ends. Without it nobody is kept from a database that a world uses.
   */
  readonly claim?: string
  /** Stands between the columns and the rows of an INSERT that brings rows back as they were. */
  readonly overriding?: string
  readonly unconstrained?: Unconstrained
}

/** Throws `UNSUPPORTED` for a way to begin a transaction that the dialect does not have. */
export function requireBegin(
  { name, isolationLevels, supports }: Pick<Dialect, 'name' | 'isolationLevels' | 'supports'>,
  { isolation, readOnly }: TransactionOptions,
): void {
  const refuse = (what: string, fix: string): never => {
    throw new VenomError(
      'UNSUPPORTED',
      `${name} has no ${what}.\nIt would run with another one, and the test would prove something else.\n${fix}`,
    )
  }
  if (isolation !== undefined && !isolationLevels.includes(isolation)) {
    refuse(`isolation level "${isolation}"`, `These are its levels: ${isolationLevels.join(', ')}.`)
  }
  if (readOnly && !supports.readOnlyTransactions) refuse('read-only transactions', 'Leave readOnly out.')
}
