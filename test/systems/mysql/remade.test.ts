import assert from 'node:assert/strict'
import { describe, expect, test } from 'vitest'
import { type Bench, contentsOf, onBoth, open, undoes } from './bench.ts'
import { shapeOf } from './subject.ts'

const TABLES = `
  CREATE TABLE users (id INT AUTO_INCREMENT PRIMARY KEY, name VARCHAR(20));
  CREATE TABLE orders (id INT AUTO_INCREMENT PRIMARY KEY, user INT, FOREIGN KEY (user) REFERENCES users (id) ON DELETE CASCADE);
  CREATE TABLE audit (id INT AUTO_INCREMENT PRIMARY KEY, what VARCHAR(20));
  CREATE TRIGGER told AFTER INSERT ON users FOR EACH ROW INSERT INTO audit (what) VALUES (NEW.name);
  CREATE TRIGGER clean BEFORE UPDATE ON users FOR EACH ROW SET NEW.name = LOWER(NEW.name);
  CREATE TRIGGER cleaner BEFORE UPDATE ON users FOR EACH ROW SET NEW.name = CONCAT(NEW.name, '!');
  INSERT INTO users (name) VALUES ('ada'), ('bob'); INSERT INTO orders (user) VALUES (1), (2), (2);
`

/** What the tool that makes a schema does when it is told to begin anew. */
const ANEW = `
  SET foreign_key_checks = 0; DROP TABLE users; DROP TABLE orders;
  CREATE TABLE orders (id INT AUTO_INCREMENT PRIMARY KEY, user INT, FOREIGN KEY (user) REFERENCES users (id) ON DELETE CASCADE);
  CREATE TABLE users (id INT AUTO_INCREMENT PRIMARY KEY, name VARCHAR(20)); SET foreign_key_checks = 1;
`

const COPIED: Readonly<Record<string, string>> = {
  'tables that were dropped and made again just as they were': `${ANEW} INSERT INTO users (name) VALUES ('new'); INSERT INTO orders (user) VALUES (1)`,
  'tables that were dropped and made again, and stay empty': ANEW,
  'a table that was dropped': 'DROP TABLE orders; DELETE FROM users WHERE id = 1',
  'a table that has another name':
    "RENAME TABLE orders TO buys; INSERT INTO buys (user) VALUES (2); UPDATE users SET name = 'X'",
  'a column that was dropped': 'ALTER TABLE users DROP COLUMN name, ADD COLUMN age INT; UPDATE orders SET user = 1',
}

onBoth((url) => {
  /** The shape with the user's triggers, which still do what they did. */
  async function whole({ database, app, system }: Bench): Promise<string> {
    const mark = await system.checkpoint('now')
    await app.sql(
      "INSERT INTO users (name) VALUES ('Eve'); UPDATE users SET name = 'EVE'; DELETE FROM users WHERE id = 2",
    )
    const done = JSON.stringify(await contentsOf(database))
    await system.rollback(mark)
    await system.release(mark)
    const triggers = await database.sql('SHOW TRIGGERS')
    return JSON.stringify([await shapeOf(database), done, triggers.map(({ Trigger }) => String(Trigger)).toSorted()])
  }

  describe('with a copy comes back', () => {
    for (const [name, sql] of Object.entries(COPIED)) {
      test(name, async () => {
        await using bench = await open(url, TABLES, { copy: true })
        const before = await whole(bench)
        await undoes(bench, () => bench.app.sql(sql))
        assert.equal(await whole(bench), before)
        const mark = await bench.system.checkpoint('before')
        await bench.app.sql(sql)
        expect((await bench.system.changes(mark)).map(({ table }) => table)).toContain('users')
        await bench.system.rollback(mark)
      })
    }
  })

  test('changes() tells the rows of a table that was dropped, and the column that was', async () => {
    await using bench = await open(url, TABLES, { copy: true })
    const mark = await bench.system.checkpoint('before')
    await bench.app.sql('DROP TABLE orders; ALTER TABLE users DROP COLUMN name')
    assert.deepEqual(await bench.system.changes(mark), [
      {
        table: 'orders',
        inserted: [],
        updated: [],
        deleted: [
          { id: 1, user: 1 },
          { id: 2, user: 2 },
          { id: 3, user: 2 },
        ],
      },
      {
        table: 'users',
        inserted: [],
        updated: [
          { key: { id: 1 }, before: { name: 'ada' }, after: { name: null } },
          { key: { id: 2 }, before: { name: 'bob' }, after: { name: null } },
        ],
        deleted: [],
      },
    ])
  })

  test('what the application does after it dropped a child, or a column of it, succeeds and is undone', async () => {
    await using bench = await open(url, TABLES, { copy: ['orders'] })
    await undoes(bench, () =>
      bench.app.sql('DROP TABLE orders; DELETE FROM users WHERE id = 1; UPDATE users SET id = 7'),
    )
    const mark = await bench.system.checkpoint('before')
    await bench.app.sql(
      'ALTER TABLE audit ADD COLUMN user INT, ADD FOREIGN KEY (user) REFERENCES users (id) ON DELETE CASCADE',
    )
    const added = await bench.system.checkpoint('added')
    await bench.app.sql('ALTER TABLE audit DROP COLUMN what; DROP TRIGGER told; DELETE FROM users WHERE id = 1')
    await expect(Promise.resolve(bench.system.rollback(added))).rejects.toMatchObject({ code: 'SCHEMA_CHANGED' })
    await expect(Promise.resolve(bench.system.rollback(mark))).rejects.toMatchObject({ code: 'SCHEMA_CHANGED' })
  })

  test('a table with triggers of the user that got a column is what it was, and so are they', async () => {
    await using bench = await open(url, TABLES)
    const before = await whole(bench)
    await undoes(bench, () =>
      bench.app.sql(
        "ALTER TABLE users ADD COLUMN age INT; INSERT INTO users (name) VALUES ('new'); DELETE FROM users WHERE id = 1",
      ),
    )
    assert.equal(await whole(bench), before)
  })
})
