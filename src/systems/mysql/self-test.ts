import type { Pool } from 'mysql2/promise'
import { messageOf, VenomError } from '../../errors.ts'
import { capturesOf, createCapture, logTable } from './capture.sql.ts'
import { Cascades } from './cascade.sql.ts'
import type { Opened } from './open.ts'
import { alone } from './gate.ts'
import { type Places, type Tracked } from './tracked.ts'
import { undo } from './undo.sql.ts'

const COLUMN = { collation: undefined, generated: false }

/** A table of ours, tracked as the user's tables are. */
const PROBE: Tracked = {
  table: {
    name: 'probe',
    engine: 'InnoDB',
    partitioned: false,
    columns: [
      { ...COLUMN, name: 'id', type: 'int', kind: 'int' },
      { ...COLUMN, name: 'value', type: 'int', kind: 'int' },
    ],
    key: ['id'],
    autoIncrement: false,
    definition: '',
    shape: '',
  },
  number: 0,
  way: 'log',
  images: [
    { column: { ...COLUMN, name: 'id', type: 'int', kind: 'int' }, as: 'c1' },
    { column: { ...COLUMN, name: 'value', type: 'int', kind: 'int' }, as: 'c2' },
  ],
  key: [{ column: { ...COLUMN, name: 'id', type: 'int', kind: 'int' }, as: 'c1' }],
}

/**
 * Inserts, updates and deletes in a table of our own, through a connection as steps have it, and takes it back.
 *
 * Throws `SELF_TEST_FAILED` when it is still there.
 */
export async function prove({ ground, counting }: Opened, pool: Pool): Promise<void> {
  const { session, server } = ground
  const places: Places = { ...ground.places, database: ground.places.schema, table: ground.places.own }
  const probe = places.own('probe')
  const captures = capturesOf(places, new Cascades(server.flavour, places, new Map(), []), PROBE)
  const rows = async (): Promise<string> =>
    JSON.stringify(await session.query(`SELECT id, value FROM ${probe} ORDER BY id`))
  try {
    await session.run([
      `CREATE TABLE ${probe} (id INT PRIMARY KEY, value INT) ENGINE = InnoDB`,
      logTable(places, PROBE),
      ...captures.map((capture) => createCapture(places, 'probe', capture)),
      `INSERT INTO ${probe} VALUES (1, 1), (2, 2)`,
    ])
    const before = await rows()
    const [[drawn]] = (await session.run(['SELECT UUID_SHORT() AS seq'])) as [[{ seq: string }]]
    for (const sql of [
      `INSERT INTO ${probe} VALUES (3, 3)`,
      `UPDATE ${probe} SET value = 9`,
      `DELETE FROM ${probe} WHERE id = 2`,
    ]) {
      await pool.query(sql)
    }
    await alone(ground, counting, new Map(), 'the self-test could not be made', async () => {
      await session.run(undo(places, PROBE, BigInt(drawn.seq)))
    })
    if ((await rows()) === before) return
  } catch (cause) {
    throw failed(messageOf(cause), cause)
  } finally {
    await session.run([`DROP TABLE IF EXISTS ${probe}, ${places.own('u0')}`])
  }
  throw failed('rows that a step wrote were not put back')
}

function failed(why: string, cause?: unknown): VenomError {
  return new VenomError(
    'SELF_TEST_FAILED',
    `mysql: the way back does not work here: ${why}.\n` +
      'A proxy that changes statements, or a server with triggers switched off, can be the reason.\n' +
      'Connect to the server itself; if that is what you do, please report it with the version of the server.',
    { cause },
  )
}
