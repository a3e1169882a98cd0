import { once } from 'node:events'
import { setTimeout as sleep } from 'node:timers/promises'
import fc from 'fast-check'
import { createPool as createCallbackPool } from 'mysql2'
import { createPool, type Pool, type PoolConnection, type ResultSetHeader } from 'mysql2/promise'
import { describe, expect, test } from 'vitest'
import type { Worker } from '../../../src/rollbackable.ts'
import { mysql, type SharedOptions } from '../../../src/systems/mysql/index.ts'
import { World } from '../../../src/world.ts'
import { onBoth } from './bench.ts'
import { connect, type Database, makeDatabase } from './database.ts'

const TABLES = `
  CREATE TABLE t (id INT PRIMARY KEY, n INT NOT NULL DEFAULT 0) ENGINE = InnoDB;
  CREATE TABLE child (id INT PRIMARY KEY, t INT, FOREIGN KEY (t) REFERENCES t (id) ON DELETE CASCADE);
  CREATE TABLE numbered (id INT AUTO_INCREMENT PRIMARY KEY, v INT);
  CREATE PROCEDURE add_one(i INT) INSERT INTO t VALUES (i, 100);
  CREATE PROCEDURE two() BEGIN SELECT COUNT(*) AS n FROM t; SELECT 2 AS n; END;
  CREATE PROCEDURE sneaky() BEGIN INSERT INTO t VALUES (77, 7); COMMIT; END;
`

const NUMBERS = fc.integer({ min: 1, max: 4 })

/** What a connection says, most of it about transactions. */
const STATEMENT = fc.oneof(
  fc.constantFrom(
    'BEGIN',
    'begin work',
    'START TRANSACTION',
    'START TRANSACTION WITH CONSISTENT SNAPSHOT, READ WRITE',
    'COMMIT',
    'commit work and no chain',
    '/* that was all; */ Commit -- ; begin',
    '# one\nCOMMIT AND CHAIN',
    'ROLLBACK',
    'rollback and chain',
    'SAVEPOINT a',
    'savepoint `b`',
    'ROLLBACK TO a',
    'rollback work to savepoint b',
    'RELEASE SAVEPOINT a',
    'SET autocommit = 0',
    'SET SESSION autocommit = OFF, @x = 1',
    'SET @@session.autocommit=1',
    'set @@autocommit := on',
    'SELECT id, n FROM t ORDER BY id',
    "SELECT 'ROLLBACK; COMMIT' AS `a; b`",
    'SELECT nothing FROM t',
    'INSERT INTO t VALUES (5, NULL)',
    'BEGIN; INSERT INTO t VALUES (5, 0); COMMIT; SELECT COUNT(*) AS n FROM t',
    'INSERT INTO t VALUES (6, 0); SELECT nothing FROM t; INSERT INTO t VALUES (7, 0)',
    'INSERT INTO t VALUES (6, 0); ROLLBACK; INSERT INTO t VALUES (7, 0)',
    'BEGIN; INSERT INTO t VALUES (5, 0); INSERT INTO t VALUES (6, 0); SELECT id FROM t; CALL two(); COMMIT; SELECT 1 AS n',
    'CALL two()',
    'SAVEPOINT x; DELETE FROM t WHERE id > 2',
    "SET @x = 'autocommit = 0'",
    'CREATE TEMPORARY TABLE IF NOT EXISTS own (n INT)',
    'DO 1',
    '(SELECT 1 AS n) UNION (SELECT 2)',
  ),
  NUMBERS.map((id) => `INSERT INTO t (id) VALUES (${id})`),
  NUMBERS.map((id) => `INSERT INTO t (id) VALUES (${id + 4}), (${id})`),
  NUMBERS.map((id) => `UPDATE t SET n = n + 1 WHERE id <= ${id}`),
  NUMBERS.map((id) => `DELETE FROM t WHERE id = ${id}`),
  NUMBERS.map((id) => `INSERT INTO child VALUES (${id}, ${id})`),
  NUMBERS.map((id) => `CALL add_one(${id})`),
)

onBoth((url) => {
  test('answers any program as connections of their own would', { timeout: 120_000 }, async () => {
    await using direct = await open(url)
    await using shared = await open(url)
    await using world = await worldOn(shared)
    await fc.assert(
      fc.asyncProperty(fc.array(STATEMENT, { minLength: 3, maxLength: 25 }), async (statements) => {
        const mark = await world.checkpoint('empty')
        try {
          await direct.pool.query('DELETE FROM child; DELETE FROM t')
          expect(await talk(shared.pool, statements)).toEqual(await talk(direct.pool, statements))
        } finally {
          await world.rollback(mark)
        }
        expect(await contents(shared.pool)).toEqual([[], []])
        await world.release(mark)
      }),
      {
        numRuns: Number(process.env['VENOMQA_FUZZ_RUNS'] ?? 0) || 100,
        ...(process.env['VENOMQA_SEED'] && { seed: Number(process.env['VENOMQA_SEED']) }),
      },
    )
  })

  test('commits nothing, and all is as it was at the mark', async () => {
    await using place = await open(url)
    const { pool, database } = place
    const db = mysql.shared(pool)
    await using world = await World.open({ systems: { db }, worker: { notice: () => undefined } })
    const mark = await world.checkpoint('before')
    await pool.execute('INSERT INTO t VALUES (?, ?)', [1, 1])
    const connection = await pool.getConnection()
    await connection.beginTransaction()
    await connection.execute('INSERT INTO t VALUES (?, ?)', [2, 2])
    await connection.commit()
    await connection.beginTransaction()
    await connection.query('DELETE FROM t WHERE id = ?', [1])
    await connection.rollback()
    connection.release()
    expect((await db.observe()).data).toEqual({
      child: [],
      numbered: [],
      t: [
        { id: 1, n: 1 },
        { id: 2, n: 2 },
      ],
    })
    expect(await database.sql('SELECT * FROM t')).toEqual([])
    await world.rollback(mark)
    expect((await pool.query('SELECT * FROM t'))[0]).toEqual([])
    await pool.query('INSERT INTO numbered (v) VALUES (1)')
    await world.rollback(mark)
    const [{ insertId }] = await pool.query<ResultSetHeader>('INSERT INTO numbered (v) VALUES (1)')
    expect(insertId, 'generated ids go on').toBe(2)
  })

  test.each([
    'ALTER TABLE t ADD COLUMN more INT',
    'INSERT INTO t VALUES (2, 2); /* now */ TRUNCATE numbered',
    'create table made (id int)',
    'LOCK TABLES t WRITE',
    'ANALYZE TABLE t',
    "XA START 'x'",
  ])('refuses what would commit: %s', async (sql) => {
    await using place = await open(url)
    await using world = await worldOn(place)
    const mark = await world.checkpoint('before')
    await place.pool.query('INSERT INTO t VALUES (1, 1)')
    for (const refused of [() => place.pool.query(sql), () => place.pool.execute(sql)]) {
      await expect(refused()).rejects.toMatchObject({
        code: 'UNSUPPORTED',
        message: expect.stringMatching(/^mysql\.shared: "[^"]+" would commit all that the application did/),
      })
    }
    expect((await place.pool.query('SELECT * FROM t'))[0]).toEqual([{ id: 1, n: 1 }])
    await world.rollback(mark)
    expect((await place.pool.query('SELECT * FROM t'))[0]).toEqual([])
  })

  test('a procedure that commits is found out, and nothing more runs', async () => {
    await using place = await open(url)
    const world = await worldOn(place)
    const mark = await world.checkpoint('before')
    const gone = {
      code: 'MARK_LOST',
      message: expect.stringMatching(/"CALL sneaky\(\)" ended the transaction[^]*for good/),
    }
    await place.pool.query('CALL sneaky()').catch(() => undefined)
    await expect(place.pool.query('INSERT INTO t VALUES (8, 8)')).rejects.toMatchObject(gone)
    await expect(world.rollback(mark)).rejects.toMatchObject(gone)
    await world.close().catch(() => undefined)
    expect(await place.database.sql('SELECT id FROM t')).toEqual([{ id: 77 }])
  })

  test('a deadlock ends the transaction, and nothing more runs', async () => {
    await using place = await open(url)
    await place.pool.query('INSERT INTO t VALUES (1, 1), (2, 2), (3, 3), (4, 4)')
    const world = await worldOn(place)
    const mark = await world.checkpoint('before')
    await place.pool.query('UPDATE t SET n = 9 WHERE id = 1')
    const other = await connect(place.database.url)
    // The one who wrote less gives way.
    await other.query(
      'START TRANSACTION; UPDATE t SET n = 8 WHERE id > 1; INSERT INTO numbered (v) VALUES (1), (2), (3), (4), (5), (6)',
    )
    const waits = other.query('UPDATE t SET n = 8 WHERE id = 1').catch((error: unknown) => error)
    const first = await place.pool.query('UPDATE t SET n = 9 WHERE id = 2').catch((error: unknown) => error)
    await waits
    await other.query('ROLLBACK')
    await other.end()
    expect(first).toMatchObject({ errno: 1213 })
    const gone = {
      code: 'MARK_LOST',
      message: expect.stringMatching(/"UPDATE t SET n = 9 WHERE id = 2" ended[^]*Deadlock[^]*rolled back/),
    }
    await expect(place.pool.query('INSERT INTO t VALUES (8, 8)')).rejects.toMatchObject(gone)
    await expect(world.rollback(mark)).rejects.toMatchObject(gone)
    await world.close().catch(() => undefined)
    expect(await place.database.sql('SELECT n FROM t')).toEqual([{ n: 1 }, { n: 2 }, { n: 3 }, { n: 4 }])
  })

  test('what another connection committed is found out, what the application wrote is not taken for it', async () => {
    await using place = await open(url)
    const world = await worldOn(place)
    const mark = await world.checkpoint('before')
    for (const n of [1, 2]) {
      await sleep(1100)
      await place.pool.query(`INSERT INTO t VALUES (${n + 10}, ${n})`)
      await world.rollback(mark)
    }
    await sleep(1100)
    const other = await connect(url)
    await other.query(`INSERT INTO ${place.database.name}.numbered (v) VALUES (1)`)
    await other.end()
    await expect(world.rollback(mark)).rejects.toThrow(/another connection wrote to numbered in "/)
    await world.close().catch(() => undefined)
  })

  test('what runs beside an open transaction waits for its end', async () => {
    await using place = await open(url, { patience: 200, settle: 100 })
    await using world = await worldOn(place)
    const connection = await place.pool.getConnection()
    await connection.query('BEGIN; INSERT INTO t VALUES (1, 1)')
    const beside = place.pool.query('SELECT COUNT(*) AS n FROM t')
    await connection.query('COMMIT')
    expect((await beside)[0]).toEqual([{ n: 1 }])
    await connection.beginTransaction()
    await expect(place.pool.query('SELECT 2')).rejects.toThrow(
      /"SELECT 2" waited 0\.2 s, since the transaction that began with "START TRANSACTION" has the shared connection/,
    )
    await expect(world.checkpoint('paid')).rejects.toMatchObject({
      code: 'NOT_QUIET',
      message: expect.stringContaining('"paid" cannot be taken'),
    })
    await connection.rollback()
    connection.release()
    await world.checkpoint('paid')
  })

  test('many connections at once are served one after the other', async () => {
    await using place = await open(url)
    await using world = await worldOn(place)
    const mark = await world.checkpoint('before')
    await Promise.all(
      Array.from({ length: 12 }, async (_, id) => {
        for (let round = 0; round < 5; round += 1) {
          const connection = await place.pool.getConnection()
          await connection.beginTransaction()
          await connection.execute('INSERT INTO t VALUES (?, 1) ON DUPLICATE KEY UPDATE n = n + 1', [id])
          if (round % 2 > 0) await connection.rollback()
          else await connection.commit()
          connection.release()
        }
      }),
    )
    expect((await place.pool.query('SELECT COUNT(*) AS c, CAST(SUM(n) AS SIGNED) AS s FROM t'))[0]).toEqual([
      { c: 12, s: 36 },
    ])
    await world.rollback(mark)
    expect((await place.pool.query('SELECT * FROM t'))[0]).toEqual([])
  })

  test('reset() empties what is there, triggers or not, and checks foreign keys afterwards', async () => {
    await using place = await open(url)
    await place.database.sql(
      'CREATE TRIGGER gone AFTER DELETE ON t FOR EACH ROW INSERT INTO numbered (v) VALUES (OLD.id)',
    )
    await place.pool.query(
      'INSERT INTO t VALUES (1, 1), (2, 2); INSERT INTO child VALUES (1, 1); INSERT INTO numbered (v) VALUES (5)',
    )
    const db = mysql.shared(place.pool)
    await using world = await World.open({ systems: { db }, worker: { notice: () => undefined } })
    const mark = await world.checkpoint('filled')
    await expect(Promise.resolve(db.reset?.({ except: ['child'] }))).rejects.toMatchObject({ code: 'BAD_ARGUMENT' })
    await world.reset()
    expect((await db.observe()).data).toEqual({ child: [], numbered: [], t: [] })
    await expect(place.pool.query('INSERT INTO child VALUES (1, 9)')).rejects.toThrow(/foreign key/)
    await world.rollback(mark)
    expect((await place.pool.query('SELECT COUNT(*) AS n FROM t'))[0]).toEqual([{ n: 2 }])
  })

  describe('the driver', () => {
    test('callbacks, events, streams and options work as ever', async () => {
      await using place = await open(url)
      const pool = createCallbackPool({ uri: place.database.url, multipleStatements: true, namedPlaceholders: true })
      const world = await World.open({ systems: { db: mysql.shared(pool) }, worker: { notice: () => undefined } })
      const asked = (sql: string, values: number[] | { [name: string]: number | string } = []): Promise<unknown> =>
        new Promise((resolve, reject) =>
          pool.query(sql, values, (error, rows) => (error ? reject(error) : resolve(rows))),
        )
      expect(await asked('SELECT :a AS a, :b AS b', { a: 1, b: "it's ?" })).toEqual([{ a: 1, b: "it's ?" }])
      expect(await asked('SELECT 1 AS a; SELECT ? AS b', [2])).toEqual([[{ a: 1 }], [{ b: 2 }]])
      expect(await asked('BEGIN; INSERT INTO t VALUES (?, 0); COMMIT; SELECT id FROM t', [3])).toEqual([
        expect.objectContaining({ affectedRows: 0 }),
        expect.objectContaining({ affectedRows: 1 }),
        expect.objectContaining({ affectedRows: 0 }),
        [{ id: 3 }],
      ])
      await expect(asked('SELECT nothing')).rejects.toMatchObject({ errno: 1054, code: 'ER_BAD_FIELD_ERROR' })
      const executed = await new Promise((resolve) =>
        pool.execute('SELECT ? + 1 AS n', [4], (_, rows) => resolve(rows)),
      )
      expect(executed).toEqual([{ n: 5 }])
      const listened = pool.query('SELECT 6 AS n')
      const [row] = (await once(listened, 'result')) as [unknown]
      expect(row).toEqual({ n: 6 })
      const streamed: unknown[] = []
      for await (const one of pool.query('SELECT 7 AS n UNION SELECT 8').stream()) streamed.push(one)
      expect(streamed).toEqual([{ n: 7 }, { n: 8 }])
      await new Promise<void>((resolve, reject) =>
        pool.getConnection((error, connection) => {
          if (error) return reject(error)
          connection.beginTransaction(() =>
            connection.query({ sql: 'SELECT 9 AS n', rowsAsArray: true }, (failed, rows) => {
              expect([failed, rows]).toEqual([null, [[9]]])
              connection.commit(() => (connection.release(), resolve()))
            }),
          )
        }),
      )
      await world.close()
      await new Promise((resolve) => pool.end(resolve))
    })

    test('several statements at once are refused where the pool was not made for them', async () => {
      await using place = await open(url)
      const pool = createPool(place.database.url)
      await using _ = await worldOn({ ...place, pool })
      for (const sql of ['BEGIN; INSERT INTO t VALUES (1, 1); COMMIT', 'SELECT 1; SELECT 2']) {
        await expect(pool.query(sql)).rejects.toMatchObject({ errno: 1064 })
      }
      await pool.query('BEGIN;')
      await pool.end()
    })

    test('a connection that is given back inside its transaction is rolled back, and that is said', async () => {
      await using place = await open(url)
      const notices: string[] = []
      await using _ = await worldOn(place, { notice: (message) => void notices.push(message) })
      const connection = await place.pool.getConnection()
      await connection.query('BEGIN; INSERT INTO t VALUES (1, 1)')
      connection.release()
      expect((await place.pool.query('SELECT * FROM t'))[0]).toEqual([])
      expect(notices.join('\n')).toMatch(/never committed[^]*given back to the pool with the transaction that began/)
    })

    test('the pool is as it was when the world is closed', async () => {
      await using place = await open(url)
      const world = await worldOn(place)
      await place.pool.query('INSERT INTO t VALUES (1, 1)')
      await world.close()
      await place.pool.query('INSERT INTO t VALUES (2, 2)')
      expect(await place.database.sql('SELECT id FROM t')).toEqual([{ id: 2 }])
    })

    test('refuses what is not handed over whole, and what would leave the shared connection', async () => {
      await using place = await open(url)
      expect(() => mysql.shared('mysql://x' as never)).toThrow(/not a pool of the driver "mysql2"/)
      const held = await place.pool.getConnection()
      await expect(worldOn(place)).rejects.toThrow(/has lent out 1 connection already/)
      held.release()
      await using world = await worldOn(place)
      const connection = await place.pool.getConnection()
      await expect(connection.prepare('SELECT 1')).rejects.toMatchObject({ code: 'UNSUPPORTED' })
      await expect(connection.changeUser({})).rejects.toMatchObject({ code: 'UNSUPPORTED' })
      await connection.ping()
      connection.release()
      await world.checkpoint('still')
    })

    test('a connection that the server ends is told as what it is', async () => {
      await using place = await open(url)
      const world = await worldOn(place)
      const mark = await world.checkpoint('before')
      const [rows] = await place.pool.query('SELECT CONNECTION_ID() AS id')
      await place.database.sql(`KILL ${(rows as { id: number }[])[0]?.id}`)
      await expect(world.rollback(mark)).rejects.toMatchObject({ code: 'MARK_LOST' })
      await world.close().catch(() => undefined)
    })
  })
})

interface Place extends AsyncDisposable {
  readonly database: Database
  readonly pool: Pool
  readonly options: SharedOptions
}

async function open(server: string, options: SharedOptions = {}): Promise<Place> {
  const database = await makeDatabase(server, TABLES)
  const pool = createPool({ uri: database.url, multipleStatements: true })
  return {
    database,
    pool,
    options,
    [Symbol.asyncDispose]: async () => {
      await pool.end()
      await database[Symbol.asyncDispose]()
    },
  }
}

async function worldOn({ pool, options }: Place, worker: Partial<Worker> = { notice: () => undefined }) {
  return World.open({ systems: { db: mysql.shared(pool, options) }, worker })
}

/** Says statements on one connection, and then looks from another. */
async function talk(pool: Pool, statements: readonly string[]): Promise<unknown[]> {
  const answers: unknown[] = []
  const connection = await pool.getConnection()
  for (const statement of statements) answers.push([statement, await said(connection, statement)])
  await connection.query('ROLLBACK; SET autocommit = 1; DROP TEMPORARY TABLE IF EXISTS own')
  connection.release()
  return [...answers, await contents(pool)]
}

async function said(connection: PoolConnection, statement: string): Promise<unknown> {
  try {
    const [rows] = await connection.query(statement)
    return JSON.parse(JSON.stringify(rows, ['affectedRows', 'id', 'n', 'a; b']))
  } catch (error) {
    return (error as { code?: string }).code
  }
}

async function contents(pool: Pool): Promise<unknown> {
  const [rows] = await pool.query('SELECT * FROM t ORDER BY id; SELECT * FROM child ORDER BY id')
  return rows
}
