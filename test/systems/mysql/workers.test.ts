import assert from 'node:assert/strict'
import { describe, expect, test } from 'vitest'
import { World } from '../../../src/index.ts'
import { addressOf } from '../../../src/systems/mysql/address.ts'
import { clone, moved } from '../../../src/systems/mysql/clone.ts'
import { Session } from '../../../src/systems/mysql/session.ts'
import { workerDatabase } from '../../../src/systems/mysql/worker-database.ts'
import { contentsOf, type Flavour, nextIds, onBoth, type Opened, systemOn, worker } from './bench.ts'
import { connect, type Database, makeDatabase, quoted, urlOf } from './database.ts'
import { Application } from './process.ts'

/** A bit of everything. One table has the name of its database, and views need others that come later. */
const SHOP = (database: string, flavour: Flavour): string => String.raw`
  ALTER DATABASE ${database} CHARACTER SET latin1 COLLATE latin1_german1_ci;
  SET SESSION sql_mode = 'ALLOW_INVALID_DATES', foreign_key_checks = 0;
  CREATE TABLE a_child (id INT AUTO_INCREMENT PRIMARY KEY, p INT, v VARCHAR(20) CHARACTER SET utf8mb4,
    CONSTRAINT of_parent FOREIGN KEY (p) REFERENCES parent (id) ON DELETE CASCADE);
  CREATE TABLE parent (id INT AUTO_INCREMENT PRIMARY KEY, up INT, FOREIGN KEY (up) REFERENCES parent (id) ON DELETE SET NULL);
  SET SESSION foreign_key_checks = 1;
  CREATE TABLE ${database} (id BIGINT UNSIGNED AUTO_INCREMENT PRIMARY KEY, e ENUM('a\\b', 'it''s', 'ü'), d DATETIME(3), f FLOAT,
    b BLOB, t VARCHAR(20) DEFAULT '\\', g INT AS (f + 1) VIRTUAL, h VARCHAR(30) AS (CONCAT(t, '\\\'')) STORED, KEY (h), CONSTRAINT positive CHECK (f > -9));
  CREATE TABLE keyless (v VARCHAR(20)) ENGINE = MyISAM COMMENT 'no \\ key';
  CREATE TABLE parts (id INT AUTO_INCREMENT PRIMARY KEY, v INT) PARTITION BY HASH (id) PARTITIONS 3;
  CREATE TABLE used (id INT AUTO_INCREMENT PRIMARY KEY);
  INSERT INTO parent VALUES (1, NULL), (2, 1); INSERT INTO a_child VALUES (7, 1, 'ü🏴'), (8, 2, NULL);
  INSERT INTO ${database} (id, e, d, f, b, t) VALUES (9007199254740993, 'a\\b', '0000-00-00', 0.1, x'00ff', 'x'), (5, 'ü', '2024-02-31', 1.2345678, x'', 'größe');
  INSERT INTO keyless VALUES ('a'), ('a'); INSERT INTO parts (v) VALUES (1), (2), (3); DELETE FROM parts WHERE id = 3;
  INSERT INTO used () VALUES (), (); DELETE FROM used;
  CREATE FUNCTION twice(x INT) RETURNS INT DETERMINISTIC RETURN x * 2;
  CREATE VIEW between_them AS SELECT 1 AS id;
  CREATE VIEW a_last AS SELECT * FROM between_them;
  CREATE VIEW z_first AS SELECT ${database}.id, ${database}.twice(f) AS f, '${database}.x\\' AS s FROM ${database} LEFT JOIN parent ON parent.id = ${database}.id WHERE ${database}.e <> '\\';
  CREATE OR REPLACE VIEW between_them AS SELECT id FROM z_first;
  CREATE VIEW other AS SELECT ${database}.parent.id, ${database}.e FROM ${database}.parent JOIN (${database}.${database} JOIN information_schema.ENGINES s);
  CREATE PROCEDURE refill(IN n INT) BEGIN DELETE FROM keyless; WHILE n > 0 DO INSERT INTO keyless VALUES ('p\\'); SET n = n - 1; END WHILE; END;
  CREATE TRIGGER named BEFORE INSERT ON a_child FOR EACH ROW SET NEW.v = CONCAT(NEW.v, twice(2), '\\');
  SET SESSION sql_mode = 'ANSI_QUOTES,NO_BACKSLASH_ESCAPES';
  CREATE TRIGGER "second" BEFORE INSERT ON "a_child" FOR EACH ROW FOLLOWS "named" SET NEW."v" = CONCAT(NEW."v", '\');
  CREATE PROCEDURE "quoted"() SELECT '\' AS "x";
  SET SESSION sql_mode = DEFAULT;
  CREATE EVENT at_night ON SCHEDULE EVERY 1 DAY DO DELETE FROM used;
  ${flavour === 'mariadb' ? 'CREATE SEQUENCE numbers START 5 INCREMENT 2 NOCACHE; DO NEXTVAL(numbers); CREATE TABLE numbered (id INT PRIMARY KEY DEFAULT NEXTVAL(numbers), s INT);' : ''}
`

/** Every definition and every row of a database, with its name left out. */
async function everything(database: Database, name: string): Promise<Record<string, unknown>> {
  const { sql } = database
  await sql(`USE ${quoted(name)}`)
  const all: Record<string, unknown> = {
    contents: await contentsOf({ ...database, name }),
    ids: await nextIds({ ...database, name }),
  }
  const show = async (type: string, what: string): Promise<void> => {
    const [row] = await sql(`SHOW CREATE ${type} ${quoted(what)}`)
    const { Created: _, ...rest } = row!
    all[`${type} ${what}`] = Object.values(rest).map((text) =>
      String(text)
        .replaceAll(/vqtest_\w+_test/g, 'the database')
        // What the server itself writes down in another way, or not at all.
        .replace(/^.* TRIGGER [^]*?FOR EACH ROW( FOLLOWS \S+)? */, '')
        .replaceAll(/ CHARACTER SET \w+ COLLATE /g, ' COLLATE ')
        .replace(/;$/, ''),
    )
  }
  await show('DATABASE', name)
  all['DATABASE'] = all[`DATABASE ${name}`]
  delete all[`DATABASE ${name}`]
  for (const row of await sql('SHOW FULL TABLES')) {
    const [table, type] = Object.values(row) as [string, string]
    if (table !== 'vq_mark') await show(type === 'VIEW' ? 'VIEW' : 'TABLE', table)
  }
  for (const { Trigger } of await sql('SHOW TRIGGERS')) await show('TRIGGER', Trigger)
  for (const type of ['FUNCTION', 'PROCEDURE']) {
    for (const { Name } of await sql(`SHOW ${type} STATUS WHERE Db = '${name}'`)) await show(type, Name)
  }
  await sql(`USE ${quoted(database.name)}`)
  return all
}

onBoth((url, flavour) => {
  test('a copy has everything that its template has, but events', async () => {
    await using database = await makeDatabase(url, '')
    const { name, sql } = database
    await sql(SHOP(name, flavour))
    await using copy = await makeDatabase(url, '')
    await sql(`DROP DATABASE ${copy.name}`)
    const before = await everything(database, name)
    const session = await Session.open(addressOf(database.url), 2000)
    try {
      assert.deepEqual(await clone(session, name, copy.name, 'CREATE TABLE vq_mark (id INT)'), [])
    } finally {
      await session.close()
    }
    const after = await everything(database, copy.name)
    delete (after['contents'] as Record<string, unknown>)['vq_mark']
    expect(after).toEqual(before)
    assert.deepEqual(await sql(`SHOW EVENTS FROM ${copy.name}`), [])
    expect(await everything(database, name), 'the template is as it was').toEqual(before)

    const rows = await sql(`SELECT * FROM ${copy.name}.a_last`)
    assert.equal(rows.length, 2)
    await sql(`DROP DATABASE ${name}; USE ${copy.name}`)
    assert.deepEqual(await sql('SELECT * FROM a_last'), rows)
    assert.equal((await sql(`SELECT * FROM other`)).length > 0, true)
    if (flavour === 'mariadb') {
      await sql('INSERT INTO numbered (s) VALUES (1)')
      assert.deepEqual(await sql('SELECT id FROM numbered'), [{ id: 7 }])
    }
  })

  describe('perWorker', () => {
    const TABLES =
      'CREATE TABLE t (id INT AUTO_INCREMENT PRIMARY KEY, v INT); INSERT INTO t (v) VALUES (1); CREATE TABLE gone (id INT); CREATE VIEW broken AS SELECT id FROM gone; DROP TABLE gone;' +
      'CREATE TRIGGER mine BEFORE INSERT ON t FOR EACH ROW SET NEW.v = NEW.v + 1;'

    test('each worker has a database of its own, which is rolled back, and dropped at the end', async () => {
      await using database = await makeDatabase(url, TABLES)
      const { name, sql } = database
      await sql(`CREATE PROCEDURE elsewhere() DELETE FROM ${name}.t`)
      const before = await contentsOf(database)
      const [one, two] = ['1', '2'].map(() => systemOn(database.url, { perWorker: true })) as [Opened, Opened]
      const notices: string[] = []
      await Promise.all([one.open(worker(notices)), two.open(worker([], '2'))])
      assert.deepEqual([one.url, two.url], [urlOf(url, `${name}_vq_1`), urlOf(url, `${name}_vq_2`)])
      assert.deepEqual(notices, [
        `mysql: the view broken of ${name} cannot be used, so ${name}_vq_1 has none.`,
        `mysql: elsewhere names the database ${name}, and does so in ${name}_vq_1 too: what it writes there stays.`,
      ])
      await one.selfTest()
      const [first, mark] = [await one.observe(), await one.checkpoint('start')]
      await using application = Application.on(urlOf(url, `${name}_vq_1`))
      for (let i = 0; i < 2; i++) {
        assert.equal(await application.insert('INSERT INTO t (v) VALUES (5)'), 2)
        assert.deepEqual(await application.sql('SELECT v FROM t ORDER BY id'), [{ v: 1 }, { v: 6 }])
        assert.deepEqual((await one.handle.query('SELECT COUNT(*) AS n FROM t'))[0], [{ n: 2 }])
        await one.rollback(mark)
      }
      assert.deepEqual(await one.observe(), first)
      assert.deepEqual(await two.observe(), first)
      await application[Symbol.asyncDispose]()
      await Promise.all([one.close(), two.close()])
      assert.deepEqual(await sql(`SHOW DATABASES LIKE '${name}\\_vq%'`), [])
      assert.deepEqual(await database.leftovers(), [])
      assert.deepEqual(await contentsOf(database), before)
    })

    test('what a killed run left is replaced, also while another world has the template', async () => {
      await using database = await makeDatabase(url, TABLES)
      const { name, sql } = database
      const notices: string[] = []
      await using world = await World.open({ systems: { db: systemOn(database.url) } })
      for (let run = 0; run < 2; run++) {
        const db = systemOn(database.url, { perWorker: true })
        const world = await World.open({ systems: { db }, worker: worker(notices) })
        assert.equal(world.url('db'), urlOf(url, `${name}_vq_1`))
        assert.deepEqual(await sql(`SELECT v FROM ${name}_vq_1.t`), [{ v: 1 }])
        await sql(`INSERT INTO ${name}_vq_1.t (v) VALUES (7)`)
        if (run > 0) await world.close()
        else await killed(sql, `${name}_vq_1`)
      }
      assert.deepEqual(
        notices.filter((notice) => !notice.includes('broken')),
        [],
      )
      assert.deepEqual(await sql(`SHOW DATABASES LIKE '${name}\\_vq%'`), [])
      assert.ok(world.url)
    })

    test('a database of that name that is not ours is not touched', async () => {
      await using database = await makeDatabase(url, TABLES)
      await using taken = await makeDatabase(
        url,
        'CREATE TABLE precious (id INT); CREATE TABLE vq_mark (id INT)',
        `${database.name}_vq_1`,
      )
      const system = systemOn(database.url, { perWorker: true })
      const refused = await Promise.resolve(system.open(worker())).catch((error: unknown) => error)
      expect(refused).toMatchObject({
        code: 'NOT_A_TEST_DATABASE',
        message: expect.stringContaining(`DROP DATABASE \`${taken.name}\``),
      })
      assert.equal((await taken.sql('SHOW TABLES')).length, 2)
      await system.close()
      assert.equal((await taken.sql('SHOW TABLES')).length, 2)
    })

    test('long names are cut, and still differ', async () => {
      const [long, longer] = ['x'.repeat(60), 'x'.repeat(61)]
      await using database = await makeDatabase(url, TABLES, `${long}_te`)
      const system = systemOn(database.url, { perWorker: true })
      await system.open(worker())
      const name = new URL(system.url ?? '').pathname.slice(1)
      assert.match(name, /^x{50}_[0-9a-f]{8}_vq_1$/)
      await system.close()
      assert.deepEqual(await database.sql(`SHOW DATABASES LIKE '${name}'`), [])
      assert.notEqual(workerDatabase(long, worker()), workerDatabase(longer, worker()))
      assert.notEqual(workerDatabase(long, worker()), workerDatabase(long, worker([], '2')))
      assert.equal(workerDatabase('x'.repeat(59), worker()).length, 64)
    })

    test('a half-made one goes', async () => {
      await using database = await makeDatabase(url, TABLES)
      const { name, sql } = database
      await sql('CREATE TABLE odd (id INT); INSERT INTO odd VALUES (1); ')
      const system = systemOn(database.url, { perWorker: true, settle: 1000 })
      const locking = await connect(database.url)
      await locking.query('LOCK TABLES odd WRITE')
      await expect(Promise.resolve(system.open(worker()))).rejects.toMatchObject({ code: 'NOT_QUIET' })
      await locking.end()
      assert.deepEqual(await sql(`SHOW DATABASES LIKE '${name}\\_vq%'`), [])
      await system.open(worker())
      await system.close()
    })
  })
})

/** Ends the connections to a database, as when their process is killed. */
async function killed(sql: Database['sql'], name: string): Promise<void> {
  const rows = await sql(`SELECT ID AS id FROM information_schema.PROCESSLIST WHERE DB = '${name}'`)
  for (const { id } of rows) await sql(`KILL ${id}`)
}

describe('a definition that names its database', () => {
  test.each([
    ['select `shop`.`id` AS `id` from `shop`', undefined],
    [
      'select `shop`.`shop`.`id` AS `shop.` from (`shop`.`shop` join `shop`.`o``rders` `o`)',
      'select `w`.`shop`.`id` AS `shop.` from (`w`.`shop` join `w`.`o``rders` `o`)',
    ],
    [
      "select '`shop`.`x`.`y`' AS `a`,`shop`.`f`(`shop`.`id`) AS `b`",
      "select '`shop`.`x`.`y`' AS `a`,`w`.`f`(`shop`.`id`) AS `b`",
    ],
    ['`id` int(11) NOT NULL DEFAULT nextval(`shop`.`numbers`)', '`id` int(11) NOT NULL DEFAULT nextval(`w`.`numbers`)'],
    ["COMMENT='from `shop`.`x`'", undefined],
    ['REFERENCES `shop` (`id`)', undefined],
  ])('%s', (definition, expected) => {
    assert.equal(moved(definition, 'shop', 'w'), expected ?? definition)
  })
})
