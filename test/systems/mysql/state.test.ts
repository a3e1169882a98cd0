import assert from 'node:assert/strict'
import { describe, expect, test } from 'vitest'
import { contentsOf, onBoth, open, systemOn, undoes, worker } from './bench.ts'
import { makeDatabase, quoted } from './database.ts'

const SHOP = `
  CREATE TABLE users (id INT AUTO_INCREMENT PRIMARY KEY, name VARCHAR(20), boss INT, FOREIGN KEY (boss) REFERENCES users (id));
  CREATE TABLE orders (id INT AUTO_INCREMENT PRIMARY KEY, user INT NOT NULL, FOREIGN KEY (user) REFERENCES users (id) ON DELETE CASCADE);
  CREATE TABLE knex_migrations (id INT PRIMARY KEY, name VARCHAR(20)); CREATE TABLE flags (name VARCHAR(20));
  CREATE TABLE audit (id INT AUTO_INCREMENT PRIMARY KEY, what VARCHAR(20));
  INSERT INTO users VALUES (1, 'ada', NULL), (2, 'bob', 1); INSERT INTO orders VALUES (1, 2); INSERT INTO knex_migrations VALUES (1, 'first'); INSERT INTO flags VALUES ('a');
  CREATE TRIGGER gone AFTER DELETE ON orders FOR EACH ROW INSERT INTO audit (what) VALUES ('gone');
`

onBoth((url, flavour) => {
  describe('reset', () => {
    test('empties all but migration tables, gives the first ids again, and is undone like any change', async () => {
      await using bench = await open(url, SHOP)
      const counts = async (): Promise<unknown> =>
        (
          await bench.app.sql(
            'SELECT (SELECT COUNT(*) FROM users) AS users, (SELECT COUNT(*) FROM orders) AS orders, (SELECT COUNT(*) FROM knex_migrations) AS migrations, (SELECT COUNT(*) FROM flags) AS flags, (SELECT COUNT(*) FROM audit) AS audit',
          )
        )[0]
      await undoes(bench, async () => {
        await bench.system.reset()
        assert.deepEqual(await counts(), { users: 0, orders: 0, migrations: 1, flags: 0, audit: 0 })
        assert.equal(await bench.app.insert("INSERT INTO users (name) VALUES ('first')"), 1)
      })
    })

    test('only and except', async () => {
      await using bench = await open(url, SHOP)
      const { system, database } = bench
      await system.reset({ only: ['orders', 'knex_migrations', 'no such table'] })
      assert.deepEqual(
        Object.values(await contentsOf(database)).map((rows) => rows.length),
        [0, 1, 0, 0, 2],
      )
      await system.reset({ except: ['users'] })
      assert.deepEqual(
        Object.values(await contentsOf(database)).map((rows) => rows.length),
        [0, 0, 0, 0, 2],
      )
    })

    test('does not leave rows that refer to nothing, and checks foreign keys for everybody afterwards', async () => {
      await using bench = await open(url, SHOP)
      const { app, system, database } = bench
      const before = await contentsOf(database)
      await expect(Promise.resolve(system.reset({ except: ['orders'] }))).rejects.toMatchObject({
        code: 'BAD_ARGUMENT',
        message: expect.stringMatching(/cannot empty users: rows of orders refer to it by user/),
      })
      assert.deepEqual(await contentsOf(database), before)
      await app.sql('ALTER TABLE audit RENAME TO audits')
      await expect(Promise.resolve(system.reset())).rejects.toThrow(/audit/)
      assert.deepEqual((await contentsOf(database))['users'], before['users'])
      await expect(app.sql('INSERT INTO orders (user) VALUES (99)')).rejects.toThrow(/foreign key/)
      await expect(system.handle.query('INSERT INTO orders (user) VALUES (99)')).rejects.toThrow(/foreign key/)
    })
  })

  test('observe() reads only what was written to, and is the same for the same rows', async () => {
    await using bench = await open(url, SHOP)
    const { app, system } = bench
    const data = async (): Promise<Record<string, unknown>> => (await system.observe()).data as Record<string, unknown>
    const first = await data()
    const second = await data()
    assert.deepEqual(first, second)
    assert.equal(first['users'], second['users'], 'users is not read again')
    const mark = await system.checkpoint('before')
    await app.sql(
      "INSERT INTO users (name) VALUES ('cy'); CREATE TABLE made (id INT PRIMARY KEY); INSERT INTO made VALUES (1)",
    )
    const third = await data()
    assert.deepEqual(third['made'], [{ id: 1 }])
    assert.equal((third['users'] as unknown[]).length, 3)
    assert.equal(third['orders'], first['orders'], 'orders is not read again')
    await system.rollback(mark)
    assert.deepEqual(await data(), first)
    await app.on('open', "START TRANSACTION; UPDATE orders SET id = 9; UPDATE users SET name = 'x'")
    assert.deepEqual(await data(), first)
    await app.on('open', 'COMMIT')
    assert.notDeepEqual(await data(), first)
    await system.rollback(mark)
    assert.deepEqual(await data(), first)
  })

  test('observe() knows the schema, whoever changed one on the server, and forgets no change of its own', async () => {
    await using bench = await open(url, SHOP)
    await using elsewhere = await makeDatabase(url, 'CREATE TABLE t (id INT PRIMARY KEY)')
    const { app, system } = bench
    const data = async (): Promise<Record<string, unknown>> => (await system.observe()).data as Record<string, unknown>
    const first = await data()
    const mark = await system.checkpoint('before')
    await elsewhere.sql('ALTER TABLE t ADD COLUMN v INT')
    assert.deepEqual(await data(), first)
    await app.sql('ALTER TABLE audit ADD COLUMN who VARCHAR(20); CREATE TABLE made (id INT PRIMARY KEY)')
    const altered = await data()
    assert.deepEqual(altered['audit'], [])
    assert.deepEqual(altered['made'], [])
    await app.sql("INSERT INTO audit (what, who) VALUES ('seen', 'ada'); INSERT INTO made VALUES (1)")
    await elsewhere.sql('DROP TABLE t')
    const written = await data()
    assert.deepEqual(written['audit'], [{ id: 1, what: 'seen', who: 'ada' }])
    assert.deepEqual(written['made'], [{ id: 1 }])
    await app.sql('DROP TABLE made')
    assert.ok(!('made' in (await data())))
    await system.rollback(mark)
    assert.deepEqual(await data(), first)
  })

  test('changes() costs one question when nothing changed', async () => {
    await using bench = await open(url, SHOP)
    const mark = await bench.system.checkpoint('before')
    assert.deepEqual(await bench.system.changes(mark), [])
    await bench.app.sql("UPDATE users SET name = 'x'; UPDATE users SET name = IF(id = 1, 'ada', 'bob')")
    assert.deepEqual(await bench.system.changes(mark), [])
  })

  test('any name will do', async () => {
    // MySQL itself stumbles over a ' in the name of a database, where its information_schema asks InnoDB for statistics.
    const name = `od-d \`na"me${flavour === 'mariadb' ? "'" : ''} ü% _ test`
    await using database = await makeDatabase(
      url,
      `CREATE TABLE ${quoted('or`ders "x" ü')} (${quoted('sel`ect 1')} INT AUTO_INCREMENT PRIMARY KEY, ${quoted('größe')} INT);
       CREATE TABLE ${quoted('a.b')} (id INT PRIMARY KEY, p INT, FOREIGN KEY (p) REFERENCES ${quoted('or`ders "x" ü')} (${quoted('sel`ect 1')}) ON DELETE CASCADE);
       CREATE TABLE ${quoted('x'.repeat(64))} (${quoted('y'.repeat(64))} INT PRIMARY KEY, v INT);
       INSERT INTO ${quoted('or`ders "x" ü')} VALUES (1, 1), (2, 2); INSERT INTO ${quoted('a.b')} VALUES (1, 1); INSERT INTO ${quoted('x'.repeat(64))} VALUES (1, 1);`,
      name,
    )
    const system = systemOn(database.url)
    await system.open(worker())
    const before = await contentsOf(database)
    const mark = await system.checkpoint('before')
    for (let i = 0; i < 2; i++) {
      await database.sql(
        `INSERT INTO ${quoted('or`ders "x" ü')} () VALUES (); DELETE FROM ${quoted('or`ders "x" ü')} WHERE ${quoted('größe')} = 1; UPDATE ${quoted('x'.repeat(64))} SET v = 2`,
      )
      await system.rollback(mark)
      assert.deepEqual(await contentsOf(database), before)
    }
    await database.sql(`TRUNCATE ${quoted('a.b')}`)
    await expect(Promise.resolve(system.rollback(mark))).rejects.toMatchObject({ code: 'SCHEMA_CHANGED' })
    await system.close()
    assert.deepEqual(await database.leftovers(), [])
  })

  test('a database that is not provably for tests is not touched', async () => {
    await using database = await makeDatabase(
      url,
      'CREATE TABLE t (id INT PRIMARY KEY)',
      `shop_${process.pid}_${Date.now()}`,
    )
    const system = systemOn(database.url)
    const refused = await Promise.resolve(system.open(worker())).catch((error: unknown) => error)
    expect(refused).toMatchObject({
      code: 'NOT_A_TEST_DATABASE',
      message: expect.stringContaining('npx venomqa mark <its URL>'),
    })
    await database.sql('CREATE TABLE vq_mark (id INT)')
    await system.open(worker())
    expect((await system.observe()).data).toEqual({ t: [] })
    await system.close()
    const elsewhere = systemOn(database.url.replace('127.0.0.1', 'db.example.com'))
    await expect(Promise.resolve(elsewhere.open(worker()))).rejects.toMatchObject({ code: 'NOT_A_TEST_DATABASE' })
  })
})
