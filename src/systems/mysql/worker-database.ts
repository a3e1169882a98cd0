import { createHash } from 'node:crypto'
import { VenomError } from '../../errors.ts'
import type { Worker } from '../../rollbackable.ts'
import { MARK } from './catalog.ts'
import { clone } from './clone.ts'
import type { Ground } from './install.ts'
import { name, text } from './sql.ts'

/** As long as the name of a database may be. https://dev.mysql.com/doc/refman/9.0/en/identifier-length.html */
const LONGEST = 64

/** The database of a worker: `shop_test_vq_1`. A long name is cut, and told from others by a hash. */
export function workerDatabase(template: string, { id }: Worker): string {
  const whole = `${template}_vq_${id}`
  if (whole.length <= LONGEST) return whole
  const tail = `_${createHash('sha256').update(whole).digest('hex').slice(0, 8)}_vq_${id}`
  return template.slice(0, LONGEST - tail.length) + tail
}

/**
 * Makes the database of a worker from `template`, and makes it the session's own. One that a killed run left is dropped
 * first.
 *
 * Throws `NOT_A_TEST_DATABASE` when there is one that we did not make.
 */
export async function makeWorkerDatabase(ground: Ground, template: string, worker: Worker): Promise<void> {
  const { session, places } = ground
  const comment = `a copy that venomqa made of ${template}; it may be dropped`
  await requireOurs(ground, template, comment)
  await dropWorkerDatabase(ground)
  const mark = `CREATE TABLE ${MARK} (id INT) COMMENT ${text(comment)}`
  try {
    const notices = await clone(session, template, places.database, mark)
    for (const notice of notices) worker.notice(notice)
  } catch (error) {
    await session.allowed(`DROP DATABASE IF EXISTS ${name(places.database)}`)
    throw error
  }
}

/** Drops the database of a worker, and what we keep about it. */
export async function dropWorkerDatabase({ session, places }: Ground): Promise<void> {
  await session.run([`DROP DATABASE IF EXISTS ${name(places.database)}`, `DROP DATABASE IF EXISTS ${places.schema}`])
}

async function requireOurs({ session, places }: Ground, template: string, comment: string): Promise<void> {
  const [databases, marks] = await session.run([
    `SELECT 1 AS there FROM information_schema.SCHEMATA WHERE SCHEMA_NAME = ${text(places.database)}`,
    `SELECT TABLE_COMMENT AS comment FROM information_schema.TABLES
      WHERE TABLE_SCHEMA = ${text(places.database)} AND TABLE_NAME = ${text(MARK)}`,
  ])
  if (databases!.length === 0 || marks![0]?.['comment'] === comment) return
  throw new VenomError(
    'NOT_A_TEST_DATABASE',
    `mysql: the database ${places.database} is there already, and nothing says that we made it, so it is not touched.\n` +
      `With perWorker each worker gets a copy of ${template} under that name, which is dropped at the end.\n` +
      `If nobody needs it: DROP DATABASE ${name(places.database)}. Else give ${template} another name.`,
  )
}
