import type { Awaitable, Row } from '../../rollbackable.ts'
import { BackendError } from '../../systems/shared/backend-error.ts'
import type { TransactionOptions } from './dialect.ts'
import type { ExecuteOptions, QueryResult, SqlHandle } from './result.ts'
import type { Session } from './session.ts'

/** Who lends a session for one piece of work, and takes it back whether that failed or not. */
export interface Access<C> {
  alone<T>(doing: string, work: (session: Session<C>) => Promise<T>): Promise<T>
  /** Whether every statement gets a savepoint of its own, since the transaction that it is in must outlive its failure. */
  readonly isGuarded: boolean
}

/** A handle whose statements each take a session, and whose transactions keep one. */
export function handleOn<C>(access: () => Access<C>): SqlHandle {
  const handle: SqlHandle = {
    execute: async <R = Row>(sql: string, params?: readonly unknown[], options?: ExecuteOptions) => {
      const lender = access()
      return lender.alone(`"${sql}"`, (session) => {
        const run = (): Promise<QueryResult<R>> => session.execute(sql, params, options)
        return lender.isGuarded ? session.manager.transaction(run) : run()
      })
    },
    query: async <R = Row>(sql: string, params?: readonly unknown[], options?: ExecuteOptions) =>
      (await handle.execute<R>(sql, params, options)).rows,
    transaction: async (work, options) => access().alone('a transaction', (session) => inside(session, work, options)),
  }
  return handle
}

async function inside<C, T>(
  session: Session<C>,
  work: (tx: SqlHandle) => Awaitable<T>,
  options?: TransactionOptions,
): Promise<T> {
  const { manager } = session
  const depth = manager.depth + 1
  const mine = (): void => {
    if (manager.depth !== depth) throw notInnermost(manager.depth < depth)
  }
  const tx: SqlHandle = {
    execute: async (sql, params, executeOptions) => {
      mine()
      return session.execute(sql, params, executeOptions)
    },
    query: async <R = Row>(sql: string, params?: readonly unknown[], executeOptions?: ExecuteOptions) =>
      (await tx.execute<R>(sql, params, executeOptions)).rows,
    transaction: async (inner, innerOptions) => {
      mine()
      return inside(session, inner, innerOptions)
    },
  }
  return manager.transaction(() => work(tx), options)
}

function notInnermost(isOver: boolean): BackendError {
  const [what, means, fix] = isOver
    ? [
        'a transaction was used after its end.',
        'Something that it began was not awaited, and would run outside of it.',
        'Await all work before the function that transaction() was given returns.',
      ]
    : [
        'a transaction was used while another one is open inside of it.',
        'On one connection there is one innermost transaction, and what ran here would be part of that one.',
        'Use the tx that the inner transaction() hands over, and run inner transactions one after the other.',
      ]
  return new BackendError({ family: 'transaction', code: 'TRANSACTION' }, `sql: ${what}\n${means}\n${fix}`, {
    backend: 'sql',
  })
}
