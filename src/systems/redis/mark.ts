import { requireTestDatabase } from '../../safety.ts'
import { Connection, good } from './connection.ts'
import { placeName, placeOf } from './place.ts'
import { TEST_MARK } from './safe.ts'

/**
 * Sets the key that says that a database is for tests.
 *
 * Throws `BAD_ARGUMENT`, `CONNECTION_REFUSED`; `NOT_A_TEST_DATABASE` where the environment says that it is production.
 */
export async function mark(url: string): Promise<string> {
  const place = placeOf(url)
  requireTestDatabase({ system: 'redis', database: String(place.database), proved: true })
  const connection = await Connection.open(place)
  try {
    const [made] = (await connection.trip([['SET', TEST_MARK, 'yes', 'NX']])).map(good)
    const name = placeName(place)
    if (made === null) return `${name} is marked as for tests already.`
    return `${name} is marked as for tests now: it has a key ${TEST_MARK}.`
  } finally {
    connection.close()
  }
}
