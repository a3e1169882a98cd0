import { requireTestDatabase } from '../../safety.ts'
import { TEST_DATABASE } from './access.ts'
import { ServerControl } from './control.ts'
import { loadDriver } from './driver.ts'
import { literal, placeName, quoted } from './place.ts'

/**
 * Says in the comment on a database that it is for tests, beside what the comment says already.
 *
 * Throws `CONNECTION_REFUSED`, `NOT_FOUND`; `NOT_A_TEST_DATABASE` where the environment says that it is production.
 */
export async function mark(url: string): Promise<string> {
  const control = new ServerControl(await loadDriver(), url, 'venomqa mark')
  const { database } = control.place
  requireTestDatabase({ system: 'postgres', database, proved: true })
  await control.connect()
  try {
    const [row] = await control.query(
      `select shobj_description(oid, 'pg_database') as comment from pg_database where datname = current_database()`,
    )
    const comment = row?.['comment'] ?? ''
    if (comment.includes(TEST_DATABASE)) return `${placeName(control.place)} is marked as a test database already.`
    const text = comment === '' ? TEST_DATABASE : `${comment} (${TEST_DATABASE})`
    await control.run(`comment on database ${quoted(database)} is ${literal(text)}`)
    return `${placeName(control.place)} is marked as a test database now: its comment says so.`
  } finally {
    await control.close()
  }
}
