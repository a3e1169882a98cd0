import assert from 'node:assert/strict'
import { describe, expect, test } from 'vitest'
import { contentsOf, onBoth, open, undoes } from './bench.ts'
import { shapeOf } from './subject.ts'

const SHOP = `
  CREATE TABLE users (id INT AUTO_INCREMENT PRIMARY KEY, name VARCHAR(20) DEFAULT 'it''s \\\\ ü' COMMENT 'a ''name'' \\\\ ü', KEY by_name (name));
  CREATE TABLE orders (id INT AUTO_INCREMENT PRIMARY KEY, user INT, CONSTRAINT of_user FOREIGN KEY (user) REFERENCES users (id) ON DELETE CASCADE);
  CREATE TABLE texts (id INT PRIMARY KEY, v VARCHAR(20) COMMENT ' CHARACTER SET x COLLATE y') CHARACTER SET latin1 COLLATE latin1_german1_ci;
  CREATE VIEW names AS SELECT name FROM users;
  INSERT INTO users (name) VALUES ('ada'), ('bob'); INSERT INTO orders (user) VALUES (1), (2);
`

/** Changes of the schema that leave all rows and columns where they are. */
const MENDED: Readonly<Record<string, string>> = {
  'a new column':
    "ALTER TABLE users ADD COLUMN age INT DEFAULT 3; UPDATE users SET age = 4, name = 'x' WHERE id = 1; INSERT INTO users (name, age) VALUES ('new', 5); DELETE FROM users WHERE id = 2",
  'a new column first, then the old ones changed about':
    'ALTER TABLE users ADD COLUMN age INT FIRST; ALTER TABLE users MODIFY COLUMN id INT NOT NULL AUTO_INCREMENT AFTER name; INSERT INTO users (age) VALUES (1)',
  'an index that comes and one that goes':
    "ALTER TABLE users ADD UNIQUE (name), DROP KEY by_name; INSERT INTO users (name) VALUES ('new')",
  'a foreign key that goes': 'ALTER TABLE orders DROP FOREIGN KEY of_user; INSERT INTO orders (user) VALUES (77)',
  'a new column where texts are not compared in the usual way':
    'ALTER TABLE texts ADD COLUMN more INT; INSERT INTO texts VALUES (2, 3, 4)',
  'another default, another comment':
    "ALTER TABLE users ALTER COLUMN name SET DEFAULT 'y', COMMENT 'z'; INSERT INTO users () VALUES ()",
  'a foreign key that comes, to a table that nobody writes to':
    'ALTER TABLE texts ADD COLUMN user INT, ADD FOREIGN KEY (user) REFERENCES users (id) ON DELETE CASCADE; INSERT INTO texts (id, user) VALUES (5, 1)',
  'a new table that refers to an old one':
    "CREATE TABLE notes (id INT PRIMARY KEY, user INT, FOREIGN KEY (user) REFERENCES users (id)); INSERT INTO notes VALUES (1, 1); INSERT INTO users (name) VALUES ('x')",
  'a new view': "CREATE VIEW twice AS SELECT name FROM names; INSERT INTO users (name) VALUES ('x')",
  'a new trigger':
    "CREATE TRIGGER mine BEFORE INSERT ON users FOR EACH ROW SET NEW.name = 'triggered'; INSERT INTO users (name) VALUES ('x')",
  'a table that the server builds anew': "ALTER TABLE users FORCE; OPTIMIZE TABLE orders; UPDATE users SET name = 'x'",
}

/** Changes that take away what no log has. */
const REFUSED: Readonly<Record<string, { readonly sql: string; readonly says: RegExp }>> = {
  TRUNCATE: { sql: 'TRUNCATE orders', says: /orders: it was emptied by TRUNCATE, or made anew/ },
  'a dropped table': { sql: 'DROP TABLE orders', says: /orders: it was dropped/ },
  'a dropped column': { sql: 'ALTER TABLE users DROP COLUMN name', says: /users: - `name` varchar\(20\)/ },
  'another type': { sql: 'ALTER TABLE users MODIFY COLUMN name VARCHAR(10)', says: /users: \+ `name` varchar\(10\)/ },
  'another name': { sql: 'RENAME TABLE orders TO buys', says: /orders: it was dropped/ },
  'a foreign key that came and took rows with it': {
    sql: 'ALTER TABLE orders DROP FOREIGN KEY of_user; ALTER TABLE orders ADD FOREIGN KEY (user) REFERENCES users (id) ON DELETE SET NULL; DELETE FROM users WHERE id = 1',
    says: /orders: a foreign key to users was added, and may have changed rows that no log has/,
  },
  'a dropped view': { sql: 'DROP VIEW names', says: /names: the view was changed or dropped/ },
}

onBoth((url) => {
  describe('undoes', () => {
    for (const [name, sql] of Object.entries(MENDED)) {
      test(name, async () => {
        await using bench = await open(url, SHOP)
        const shape = await shapeOf(bench.database)
        await undoes(bench, () => bench.app.sql(sql))
        assert.equal(await shapeOf(bench.database), shape)
        await undoes(bench, () =>
          bench.app.sql("INSERT INTO users (name) VALUES ('later'); DELETE FROM users WHERE id = 1"),
        )
      })
    }
  })

  describe('refuses to go back over', () => {
    for (const [name, { sql, says }] of Object.entries(REFUSED)) {
      test(name, async () => {
        await using bench = await open(url, SHOP)
        const mark = await bench.system.checkpoint('before the migration')
        await bench.app.sql(sql)
        const refusal = { code: 'SCHEMA_CHANGED', message: expect.stringMatching(says) }
        await expect(bench.system.rollback(mark)).rejects.toMatchObject(refusal)
        await expect(bench.system.changes(mark)).rejects.toMatchObject(refusal)
        await expect(bench.system.rollback(mark)).rejects.toMatchObject({
          message: expect.stringMatching(/checkpoint "before the migration"[^]*copy: \['\w+'\]/),
        })
      })
    }

    test('our triggers, when somebody drops them', async () => {
      await using bench = await open(url, SHOP)
      const mark = await bench.system.checkpoint('before')
      await bench.app.sql('DROP TRIGGER vq_1d; DELETE FROM orders')
      await expect(bench.system.rollback(mark)).rejects.toMatchObject({
        code: 'SCHEMA_CHANGED',
        message: expect.stringContaining('orders: the triggers'),
      })
    })
  })

  describe('with copy, undoes', () => {
    for (const [name, { sql }] of Object.entries(REFUSED).filter(([name]) => !/view|name/.test(name))) {
      test(name, async () => {
        await using bench = await open(url, SHOP, { copy: ['users', 'orders'] })
        const shape = await shapeOf(bench.database)
        await undoes(bench, () => bench.app.sql(`INSERT INTO users () VALUES (); ${sql}`))
        assert.equal(await shapeOf(bench.database), shape)
        await undoes(bench, () => bench.app.sql('DELETE FROM users WHERE id = 1'))
      })
    }
  })

  test('a table made before a checkpoint is rolled back to it, and is gone at an earlier one', async () => {
    await using bench = await open(url, SHOP)
    const { app, system, database } = bench
    const empty = await contentsOf(database)
    const outer = await system.checkpoint('before the migration')
    await app.sql(
      "UPDATE users SET name = 'between'; CREATE TABLE notes (id INT AUTO_INCREMENT PRIMARY KEY, note TEXT); INSERT INTO notes (note) VALUES ('one'); ALTER TABLE users ADD COLUMN age INT",
    )
    const filled = await contentsOf(database)
    const inner = await system.checkpoint('after the migration')
    for (let branch = 0; branch < 2; branch++) {
      await app.sql(
        "INSERT INTO notes (note) VALUES ('two'); UPDATE notes SET note = 'x'; UPDATE users SET age = 7; DELETE FROM users WHERE id = 2",
      )
      await system.rollback(inner)
      assert.deepEqual(await contentsOf(database), filled)
    }
    await app.sql("INSERT INTO notes (note) VALUES ('two'); UPDATE users SET name = 'later', age = 8")
    await system.rollback(outer)
    assert.deepEqual(await contentsOf(database), empty)
    await app.sql("UPDATE users SET name = 'again'")
    await system.rollback(outer)
    assert.deepEqual(await contentsOf(database), empty)
  })
})
