import { VenomError } from '../../errors.ts'
import { causeOf } from '../shared/cause.ts'
import { classify } from '../shared/classify.ts'
import type { Connection } from './connection.ts'
import { notHeld, requireNoTransaction, type SqliteMark, type Way } from './way.ts'

interface SavepointMark extends SqliteMark {
  readonly savepoint: string
}

/**
 * The way 'savepoint', on a handle that the application in this process uses too: all of it runs in one transaction.
 *
 * It costs nothing, and the application is not as in production: its own BEGIN fails ("cannot start a transaction within
 * a transaction"; better-sqlite3's `db.transaction()` works), deferred foreign keys are never checked, VACUUM, ATTACH and
 * `pragma foreign_keys` do nothing or fail, and no other connection sees what it writes. Its COMMIT or ROLLBACK destroys
 * the marks, which is found out: `MARK_LOST`.
 */
export function openSavepoint(handle: Connection): Way<SavepointMark> {
  const marks: SavepointMark[] = []
  const indexOf = (mark: SavepointMark): number => {
    const at = marks.indexOf(mark)
    if (at < 0) throw notHeld(mark)
    return at
  }
  let count = 0
  return {
    says: 'savepoint: everything runs in one transaction of the shared handle; its own BEGIN fails',
    handle,
    connection: handle,
    checkpoint(name) {
      if (marks.length === 0) requireNoTransaction(handle, `"${name}" cannot be taken`)
      else requireTransaction(handle, name)
      const mark = { name, savepoint: `venomqa_${++count}` }
      handle.exec(`savepoint ${mark.savepoint}`)
      marks.push(mark)
      return mark
    },
    rollback(mark) {
      const at = indexOf(mark)
      requireTransaction(handle, mark.name)
      try {
        handle.exec(`rollback to ${mark.savepoint}`)
      } catch (error) {
        throw classify(error)?.code === 'TRANSACTION' ? ended(mark.name, error) : error
      }
      marks.length = at + 1
    },
    release(mark) {
      marks.length = indexOf(mark)
      requireTransaction(handle, mark.name)
      handle.exec(`release ${mark.savepoint}`)
    },
    close() {
      const [first] = marks.splice(0)
      if (first && handle.inTransaction) handle.exec(`release ${first.savepoint}`)
    },
  }
}

/** Every mark is in a transaction that the first one began. */
function requireTransaction(handle: Connection, name: string): void {
  if (!handle.inTransaction) throw ended(name)
}

function ended(name: string, cause?: unknown): VenomError {
  return new VenomError(
    'MARK_LOST',
    `sqlite: the mark "${name}" is gone, since the transaction that it was in was ended outside.\n` +
      'The application ran its own COMMIT or ROLLBACK on the shared handle; what it wrote cannot be undone any more.\n' +
      "Let it commit as in production: sqlite(db, { way: 'serialize' }), or a database file.",
    cause === undefined ? {} : { cause: causeOf(cause, { backend: 'sqlite' }) },
  )
}
