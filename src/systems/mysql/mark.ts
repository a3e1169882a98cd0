import { requireTestDatabase } from '../../safety.ts'
import { addressOf } from './address.ts'
import { MARK } from './catalog.ts'
import { isMarked } from './open.ts'
import { refused } from './refusal.ts'
import { Session } from './session.ts'
import { name } from './sql.ts'

/**
 * Makes the empty table that says that a database is for tests.
 *
 * Throws `BAD_ARGUMENT`, `CONNECTION_REFUSED`, `NOT_FOUND`, `MISSING_GRANT`; `NOT_A_TEST_DATABASE` where the environment
 * says that it is production.
 */
export async function mark(url: string): Promise<string> {
  const address = addressOf(url)
  const { database, shown } = address
  requireTestDatabase({ system: 'mysql', database, proved: true })
  const session = await Session.open(address, 2000)
  try {
    if (await isMarked(session, database)) return `${shown} is marked as a test database already.`
    await session.run([`CREATE TABLE ${name(database)}.${name(MARK)} (id INT)`])
    return `${shown} is marked as a test database now: it has a table ${MARK}.`
  } catch (error) {
    throw refused(error, shown, 'marking the database')
  } finally {
    await session.close()
  }
}
