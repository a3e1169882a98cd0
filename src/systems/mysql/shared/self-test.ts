import type { Pool } from 'mysql2/promise'
import { messageOf, VenomError } from '../../../errors.ts'
import { causeOf, errno } from '../refusal.ts'
import type { SharedMark } from './system.ts'

/** This user makes no temporary tables, or GTIDs allow none in a transaction: then there is nothing to write to. */
const NOT_ALLOWED = [1044, 1787]

/** What takes marks and goes back to them. */
interface Marks {
  checkpoint(name: string): Promise<SharedMark>
  rollback(mark: SharedMark): Promise<void>
  release(mark: SharedMark): Promise<void>
}

/**
 * Writes to a temporary table as a step would, and goes back.
 *
 * Throws `SELF_TEST_FAILED` when the row does not arrive, or is still there.
 */
export async function proveShared(pool: Pool, marks: Marks): Promise<void> {
  try {
    await pool.query('CREATE TEMPORARY TABLE venomqa_probe (id INT PRIMARY KEY) ENGINE = InnoDB')
  } catch (error) {
    if (NOT_ALLOWED.includes(errno(error))) return
    throw failed(`a temporary table could not be made: ${messageOf(error)}`, error)
  }
  const written = async (): Promise<boolean> => {
    const [rows] = await pool.query('SELECT id FROM venomqa_probe')
    return (rows as unknown[]).length > 0
  }
  const seen: boolean[] = []
  try {
    const mark = await marks.checkpoint('self-test')
    await pool.query('INSERT INTO venomqa_probe VALUES (1)')
    seen.push(await written())
    await marks.rollback(mark)
    await marks.release(mark)
    seen.push(await written())
  } catch (error) {
    throw failed(messageOf(error), error)
  } finally {
    await pool.query('DROP TEMPORARY TABLE IF EXISTS venomqa_probe').catch(() => undefined)
  }
  const [arrived, left] = seen
  if (!arrived) throw failed('what was written to a temporary table did not arrive')
  if (left) throw failed('what was written to a temporary table was not undone')
}

function failed(why: string, cause?: unknown): VenomError {
  return new VenomError(
    'SELF_TEST_FAILED',
    `mysql.shared: the way back does not work here: ${why}.\n` +
      'Something sends the queries of the pool elsewhere: code that wrapped it, or a proxy that shares out its connections.\n' +
      'Hand over the pool as createPool() made it, connected to the server itself, or use mysql(url).',
    cause === undefined ? {} : { cause: causeOf(cause, 'the database') },
  )
}
