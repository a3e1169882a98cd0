import { createPool, type Pool } from 'mysql2/promise'
import { expect, test } from 'vitest'
import { mysql } from '../../../src/systems/mysql/index.ts'
import { World } from '../../../src/world.ts'
import { onBoth } from './bench.ts'
import { makeDatabase, quoted } from './database.ts'

const TABLES = 'CREATE TABLE t (id INT PRIMARY KEY)'
const worker = { notice: () => undefined }

const worldOn = (pool: Pool) => World.open({ systems: { db: mysql.shared(pool) }, worker })

onBoth((server) => {
  test('a pool whose queries go elsewhere is found out before the first step', async () => {
    await using database = await makeDatabase(server, TABLES)
    const [pool, elsewhere] = [createPool(database.url), createPool({ uri: database.url, connectionLimit: 1 })]
    try {
      pool.query = elsewhere.query.bind(elsewhere)
      await expect(worldOn(pool)).rejects.toMatchObject({
        code: 'SELF_TEST_FAILED',
        message: expect.stringContaining('was not undone'),
      })
      expect(await database.sql('SELECT id FROM t')).toEqual([])
    } finally {
      await pool.end()
      await elsewhere.end()
    }
  })

  test('a pool that shares its queries out over several connections is found out', async () => {
    await using database = await makeDatabase(server, TABLES)
    const pool = createPool(database.url)
    const others = [createPool(database.url), createPool(database.url)]
    let asked = 0
    try {
      pool.query = ((...of: Parameters<Pool['query']>) => others[asked++ % 2]!.query(...of)) as Pool['query']
      await expect(worldOn(pool)).rejects.toMatchObject({ code: 'SELF_TEST_FAILED' })
    } finally {
      for (const it of [pool, ...others]) await it.end()
    }
  })

  test('a user who may make no temporary tables has a world all the same', async () => {
    await using database = await makeDatabase(server, TABLES)
    const user = `'vq_few_${process.pid}'@'%'`
    await database.sql(
      `CREATE USER ${user} IDENTIFIED BY 'few'; GRANT SELECT, INSERT, DELETE ON ${quoted(database.name)}.* TO ${user}; GRANT PROCESS ON *.* TO ${user}`,
    )
    const url = Object.assign(new URL(database.url), { username: `vq_few_${process.pid}`, password: 'few' }).href
    const pool = createPool(url)
    try {
      await using world = await worldOn(pool)
      const empty = await world.checkpoint('empty')
      await pool.query('INSERT INTO t VALUES (1)')
      await world.rollback(empty)
      expect((await pool.query('SELECT id FROM t'))[0]).toEqual([])
    } finally {
      await pool.end()
      await database.sql(`DROP USER ${user}`)
    }
  })

  test('the self-test leaves no table behind', async () => {
    await using database = await makeDatabase(server, TABLES)
    const pool = createPool(database.url)
    try {
      await using world = await worldOn(pool)
      await expect(world.systems.db.query('SELECT * FROM venomqa_probe')).rejects.toMatchObject({ errno: 1146 })
    } finally {
      await pool.end()
    }
  })

  test('tables that take part in no transaction are named when the world opens', async () => {
    await using database = await makeDatabase(
      server,
      `${TABLES}; CREATE TABLE words (id INT PRIMARY KEY) ENGINE = MyISAM`,
    )
    const pool = createPool(database.url)
    const notices: string[] = []
    try {
      const notice = (message: string): void => void notices.push(message)
      await using world = await World.open({ systems: { db: mysql.shared(pool) }, worker: { notice } })
      expect(world.tainted).toBeUndefined()
      expect(notices.join('\n')).toMatch(
        /stays, since they take part in no transaction: words \(its engine is MyISAM\)/,
      )
    } finally {
      await pool.end()
    }
  })
})
