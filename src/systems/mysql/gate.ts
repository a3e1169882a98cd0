import type { Counters, Counting } from './counters.ts'
import type { Ground } from './install.ts'
import { notQuiet } from './quiet.ts'
import { isDeadlock, isLockTimeout, refused } from './refusal.ts'
import type { Tracking } from './tracked.ts'

/** A moment at which nobody writes. */
export interface Moment {
  /** Every entry of a log that is there is lower, every one that comes is higher. */
  readonly seq: bigint
  readonly counters: Counters
  /** Runs the last statements and ends the moment, in one round trip. */
  finish(statements: readonly string[]): Promise<void>
}

/**
 * Waits until no transaction that has written is open, lets none write until the transaction ends that is open then,
 * and runs `work` in it. The transaction is committed, or given up when `work` throws. Throws `NOT_QUIET` when somebody
 * is in the way for `settle` ms.
 */
export async function alone<T>(
  { session, server, places, settle }: Ground,
  counting: Counting,
  tracking: Tracking,
  what: string,
  work: (moment: Moment) => Promise<T>,
): Promise<T> {
  const end = performance.now() + settle
  for (;;) {
    try {
      const [, , drawn, ...counts] = await session.run([
        'START TRANSACTION',
        `SELECT id FROM ${places.own('gate')} WHERE id = 1 FOR UPDATE`,
        'SELECT UUID_SHORT() AS seq',
        ...counting.statements(),
      ])
      let isOver = false
      const finish = async (statements: readonly string[]): Promise<void> => {
        await session.run([...statements, 'COMMIT'])
        isOver = true
      }
      const counters = await counting.read(session, counts, tracking)
      const result = await work({ seq: BigInt(drawn![0]!['seq']!), counters, finish })
      if (!isOver) await finish([])
      return result
    } catch (error) {
      await session.allowed('ROLLBACK')
      // One who waits for us may hold a row that we wait for, or that another writer waits for. The server ends who
      // has done least, which is us: under many writers that may happen often in a row.
      if (isDeadlock(error) && performance.now() < end) continue
      if (isLockTimeout(error) || isDeadlock(error))
        throw await notQuiet(session, server, places.database, what, { settle, who: 'writers', error })
      throw refused(error, session.shown, what)
    }
  }
}
