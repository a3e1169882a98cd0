import assert from 'node:assert/strict'
import { describe, test } from 'vitest'
import { type Bench, onBoth, open, undoes } from './bench.ts'

const SHOP = `
  CREATE TABLE users (id INT AUTO_INCREMENT PRIMARY KEY, name VARCHAR(20) UNIQUE);
  CREATE TABLE orders (id INT AUTO_INCREMENT PRIMARY KEY, user INT, note VARCHAR(20), FOREIGN KEY (user) REFERENCES users (id) ON DELETE CASCADE);
  CREATE TABLE items (id INT PRIMARY KEY, order_id INT, FOREIGN KEY (order_id) REFERENCES orders (id) ON DELETE CASCADE);
  CREATE TABLE gifts (id INT PRIMARY KEY, item INT, FOREIGN KEY (item) REFERENCES items (id) ON DELETE SET NULL);
  CREATE TABLE visits (user INT, page VARCHAR(20), FOREIGN KEY (user) REFERENCES users (id) ON DELETE CASCADE);
  INSERT INTO users VALUES (1, 'ada'), (2, 'bob');
  INSERT INTO orders VALUES (10, 1, 'a'), (11, 1, 'b'), (12, 2, 'c');
  INSERT INTO items VALUES (100, 10), (101, 11), (102, 12), (103, NULL);
  INSERT INTO gifts VALUES (1000, 100), (1001, 102), (1002, NULL);
  INSERT INTO visits VALUES (1, '/'), (1, '/'), (2, '/'), (NULL, '/');
`

const JOINED = `
  CREATE TABLE posts (id INT PRIMARY KEY);
  CREATE TABLE users (id VARCHAR(20) PRIMARY KEY, name VARCHAR(20));
  CREATE TABLE likes (post INT NOT NULL, user VARCHAR(20) NOT NULL, note LONGTEXT, UNIQUE (post, user),
    FOREIGN KEY (post) REFERENCES posts (id) ON DELETE CASCADE ON UPDATE CASCADE, FOREIGN KEY (user) REFERENCES users (id) ON DELETE CASCADE ON UPDATE CASCADE);
  INSERT INTO posts VALUES (1), (2), (3); INSERT INTO users VALUES ('a', 'Ada'), ('b', 'Bob');
  INSERT INTO likes VALUES (1, 'a', NULL), (1, 'b', REPEAT('x', 70000)), (2, 'a', '');
`

/** What an application does, in a schema, and must be undone with all that the foreign keys did. */
const CASES: Readonly<
  Record<string, { readonly tables: string; readonly does: readonly string[]; readonly only?: 'mariadb' | 'mysql' }>
> = {
  'a delete that cascades over three tables and sets null in the fourth': {
    tables: SHOP,
    does: ['DELETE FROM users WHERE id = 1'],
  },
  'REPLACE of a parent': { tables: SHOP, does: ["REPLACE INTO users VALUES (1, 'new')"] },
  'REPLACE that meets a unique key of another row': { tables: SHOP, does: ["REPLACE INTO users VALUES (7, 'ada')"] },
  'a cascade after the children were changed': {
    tables: SHOP,
    does: [
      "UPDATE orders SET note = 'changed' WHERE user = 1; INSERT INTO orders VALUES (13, 1, 'new'); DELETE FROM items WHERE id = 100",
      'DELETE FROM users WHERE id = 1',
      "INSERT INTO users VALUES (1, 'again'); INSERT INTO orders VALUES (10, 1, 'again')",
    ],
  },
  'a cascade in a transaction that is given up, then one that is not': {
    tables: SHOP,
    does: ['START TRANSACTION; DELETE FROM users; ROLLBACK; DELETE FROM users WHERE id = 2'],
  },
  'children whose key changes with the parent': {
    tables: `
      CREATE TABLE p (id INT PRIMARY KEY, v INT);
      CREATE TABLE c (id INT PRIMARY KEY, p INT UNIQUE, FOREIGN KEY (p) REFERENCES p (id) ON UPDATE CASCADE ON DELETE CASCADE);
      CREATE TABLE g (id INT PRIMARY KEY, cp INT, FOREIGN KEY (cp) REFERENCES c (p) ON UPDATE CASCADE);
      CREATE TABLE n (id INT PRIMARY KEY, p INT, FOREIGN KEY (p) REFERENCES p (id) ON UPDATE SET NULL);
      INSERT INTO p VALUES (1, 1), (2, 2); INSERT INTO c VALUES (10, 1), (11, 2); INSERT INTO g VALUES (100, 1); INSERT INTO n VALUES (1, 1), (2, 2);
    `,
    does: ['UPDATE p SET id = id + 10', 'UPDATE p SET v = 7'],
  },
  'children with large values, one of them known by a text': {
    tables: `
      CREATE TABLE p (id INT PRIMARY KEY);
      CREATE TABLE c (a VARCHAR(9), t TEXT NOT NULL, j JSON, b LONGBLOB, g GEOMETRY, p INT, PRIMARY KEY (t(20), a), FOREIGN KEY (p) REFERENCES p (id) ON DELETE CASCADE ON UPDATE CASCADE);
      CREATE TABLE n (id INT PRIMARY KEY, m MEDIUMTEXT, p INT, FOREIGN KEY (p) REFERENCES p (id) ON DELETE SET NULL ON UPDATE CASCADE);
      INSERT INTO p VALUES (1), (2); INSERT INTO n VALUES (1, REPEAT('ü', 70000), 1), (2, '', 2), (3, NULL, 1);
      INSERT INTO c VALUES ('a', 'x', '{"a": [1]}', REPEAT(x'00ff', 40000), ST_GeomFromText('POINT(1 2)'), 1), ('b', 'x', NULL, NULL, NULL, 1), ('a', 'y', '1', '', NULL, 2);
    `,
    does: [
      'DELETE FROM p WHERE id = 1',
      'UPDATE n SET p = NULL; UPDATE p SET id = id + 5 WHERE id = 2',
      'DELETE FROM c WHERE p = 2; DELETE FROM p',
    ],
  },
  'a key that changes only in bytes': {
    tables: `
      CREATE TABLE p (code VARCHAR(10) CHARACTER SET latin1 COLLATE latin1_swedish_ci PRIMARY KEY);
      CREATE TABLE c (id INT PRIMARY KEY, code VARCHAR(10) CHARACTER SET latin1 COLLATE latin1_swedish_ci, FOREIGN KEY (code) REFERENCES p (code) ON UPDATE CASCADE);
      INSERT INTO p VALUES ('ada'), ('bob'); INSERT INTO c VALUES (1, 'ada'), (2, 'bob');
    `,
    does: ["UPDATE p SET code = 'ADA' WHERE code = 'ada'"],
  },
  'rows of a join table, whose key is all that the foreign keys change': {
    tables: JOINED,
    does: [
      "UPDATE users SET id = 'z' WHERE id = 'a'",
      'UPDATE posts SET id = id + 1 ORDER BY id DESC',
      "UPDATE users SET id = 'B' WHERE id = 'b'; UPDATE users SET name = 'none'; DELETE FROM posts WHERE id = 2",
      "START TRANSACTION; UPDATE users SET id = 'y' WHERE id = 'z'; ROLLBACK; DELETE FROM users",
    ],
  },
  'rows below a join table, whose key changes with it': {
    tables: `
      ${JOINED}
      CREATE TABLE answers (post INT, user VARCHAR(20), nr INT, PRIMARY KEY (user, nr, post), FOREIGN KEY (post, user) REFERENCES likes (post, user) ON DELETE CASCADE ON UPDATE CASCADE);
      INSERT INTO answers VALUES (1, 'a', 1), (1, 'a', 2), (2, 'a', 1);
    `,
    does: [
      "UPDATE users SET id = 'z' WHERE id = 'a'",
      'UPDATE posts SET id = id + 1 ORDER BY id DESC',
      'DELETE FROM users',
    ],
    // MySQL 9.7 refuses the first statement by itself.
    only: 'mariadb',
  },
  'either part of a key that refers to the same table twice': {
    tables: `
      CREATE TABLE people (id INT PRIMARY KEY);
      CREATE TABLE pairs (a INT, b INT, PRIMARY KEY (a, b), FOREIGN KEY (a) REFERENCES people (id) ON UPDATE CASCADE, FOREIGN KEY (b) REFERENCES people (id) ON UPDATE CASCADE);
      INSERT INTO people VALUES (1), (2), (3); INSERT INTO pairs VALUES (1, 2), (2, 1), (2, 3);
    `,
    does: [
      'UPDATE people SET id = id + 10',
      'UPDATE people SET id = 1 WHERE id = 12',
      'DELETE FROM pairs; DELETE FROM people',
    ],
  },
  'rows that referred to a new value before it was there': {
    tables: `
      CREATE TABLE p (id INT PRIMARY KEY);
      CREATE TABLE c (p INT, n INT, v INT, PRIMARY KEY (p, n), FOREIGN KEY (p) REFERENCES p (id) ON UPDATE CASCADE ON DELETE CASCADE);
      SET foreign_key_checks = 0; INSERT INTO p VALUES (1); INSERT INTO c VALUES (1, 1, 1), (2, 2, 2); SET foreign_key_checks = 1;
    `,
    does: ['UPDATE p SET id = 2', 'UPDATE c SET v = 9; DELETE FROM p'],
  },
  'a key that the server computes from what a foreign key changes': {
    tables: `
      CREATE TABLE p (id INT PRIMARY KEY);
      CREATE TABLE c (p INT, k INT AS (p * 10) VIRTUAL NOT NULL, v INT, UNIQUE (k), FOREIGN KEY (p) REFERENCES p (id) ON UPDATE CASCADE);
      INSERT INTO p VALUES (1), (2); INSERT INTO c (p, v) VALUES (1, 1), (2, 2);
    `,
    does: ['UPDATE p SET id = id + 5 ORDER BY id DESC', 'UPDATE c SET v = 3'],
    only: 'mysql',
  },
  'children known by a column that is computed from the one that is set to null': {
    tables: `
      CREATE TABLE p (id INT PRIMARY KEY, n INT UNIQUE);
      CREATE TABLE c (id INT, p INT, k INT AS (COALESCE(p * 10, id)) VIRTUAL NOT NULL, v INT, UNIQUE (k), FOREIGN KEY (p) REFERENCES p (id) ON DELETE SET NULL);
      CREATE TABLE u (id INT, p INT, k INT AS (COALESCE(p * 10, id)) VIRTUAL NOT NULL, v INT, UNIQUE (k), FOREIGN KEY (p) REFERENCES p (n) ON DELETE CASCADE ON UPDATE SET NULL);
      INSERT INTO p VALUES (1, 1), (2, 2), (3, 3); INSERT INTO c (id, p, v) VALUES (1, 1, 1), (2, 2, 2), (3, NULL, 3); INSERT INTO u (id, p, v) SELECT id, p, v FROM c;
    `,
    does: ['DELETE FROM p WHERE id < 3', 'UPDATE p SET n = n + 10', 'UPDATE c SET v = 9; DELETE FROM p'],
    only: 'mysql',
  },
  'grandchildren known by a column that is computed from what two foreign keys empty': {
    tables: `
      CREATE TABLE p (id INT PRIMARY KEY);
      CREATE TABLE c (id INT PRIMARY KEY, p INT UNIQUE, FOREIGN KEY (p) REFERENCES p (id) ON UPDATE CASCADE ON DELETE SET NULL);
      CREATE TABLE g (id INT, p INT, k INT AS (COALESCE(p * 10, id)) VIRTUAL NOT NULL, v INT, UNIQUE (k), FOREIGN KEY (p) REFERENCES c (p) ON UPDATE CASCADE);
      INSERT INTO p VALUES (1), (2), (3); INSERT INTO c VALUES (1, 1), (2, 2), (3, NULL); INSERT INTO g (id, p, v) VALUES (1, 1, 1), (2, 2, 2), (3, NULL, 3);
    `,
    does: [
      'UPDATE p SET id = id + 5 ORDER BY id DESC',
      'DELETE FROM p WHERE id = 6',
      'UPDATE g SET v = 8; DELETE FROM p',
    ],
    only: 'mysql',
  },
  'a session that limits what it selects': {
    tables: SHOP,
    does: [
      'SET sql_select_limit = 1; DELETE FROM users WHERE id = 1; SET sql_select_limit = DEFAULT',
      'SET sql_select_limit = 0; DELETE FROM users; SET sql_select_limit = DEFAULT',
      'SET sql_select_limit = 0, foreign_key_checks = 0; DELETE FROM orders; SET sql_select_limit = DEFAULT, foreign_key_checks = 1',
    ],
  },
  'a tree below a row': {
    tables: `
      CREATE TABLE tree (id INT PRIMARY KEY, parent INT, FOREIGN KEY (parent) REFERENCES tree (id) ON DELETE CASCADE);
      CREATE TABLE leaf (id INT PRIMARY KEY, tree INT, FOREIGN KEY (tree) REFERENCES tree (id) ON DELETE SET NULL);
      INSERT INTO tree VALUES (1, NULL), (2, 1), (3, 2), (4, 3), (5, 1), (9, NULL); INSERT INTO leaf VALUES (10, 4), (11, 9);
    `,
    does: ['DELETE FROM tree WHERE id = 1'],
  },
  'a tree whose columns have names of ours': {
    tables: `
      CREATE TABLE tree (s INT PRIMARY KEY, gate INT, seq INT, was INT, FOREIGN KEY (gate) REFERENCES tree (s) ON DELETE CASCADE);
      CREATE TABLE r (seq INT PRIMARY KEY, c1 INT, s INT, FOREIGN KEY (s) REFERENCES tree (s) ON DELETE SET NULL);
      INSERT INTO tree VALUES (1, NULL, 10, 1), (2, 1, 20, 0), (3, 2, 30, 1), (9, NULL, 90, 0); INSERT INTO r VALUES (5, 10, 1), (6, 30, 3), (7, 90, 9);
    `,
    does: ['DELETE FROM tree WHERE s = 1', 'UPDATE tree SET seq = 80 WHERE s = 9; UPDATE r SET seq = 8 WHERE s = 9'],
    // MySQL 9.7 refuses this delete itself ("exceeds max tables limit of 30").
    only: 'mariadb',
  },
  'a tree below a row of another table': {
    tables: `
      CREATE TABLE owner (id INT PRIMARY KEY);
      CREATE TABLE tree (id INT PRIMARY KEY, owner INT, parent INT, FOREIGN KEY (owner) REFERENCES owner (id) ON DELETE CASCADE,
        FOREIGN KEY (parent) REFERENCES tree (id) ON DELETE CASCADE);
      INSERT INTO owner VALUES (1), (2); INSERT INTO tree VALUES (1, 1, NULL), (2, NULL, 1), (3, NULL, 2), (9, 2, NULL);
    `,
    does: ['DELETE FROM owner WHERE id = 1'],
  },
  'a circle of two tables, one of which sets null': {
    tables: `
      CREATE TABLE users (id INT PRIMARY KEY, home INT);
      CREATE TABLE places (id INT PRIMARY KEY, user INT, FOREIGN KEY (user) REFERENCES users (id) ON DELETE CASCADE);
      ALTER TABLE users ADD FOREIGN KEY (home) REFERENCES places (id) ON DELETE SET NULL;
      INSERT INTO users VALUES (1, NULL), (2, NULL); INSERT INTO places VALUES (10, 1), (11, 2); UPDATE users SET home = 10;
    `,
    does: ['DELETE FROM users WHERE id = 1'],
  },
  'a circle of two tables that both cascade': {
    tables: `
      CREATE TABLE a (id INT PRIMARY KEY, b INT);
      CREATE TABLE b (id INT PRIMARY KEY, a INT, FOREIGN KEY (a) REFERENCES a (id) ON DELETE CASCADE);
      ALTER TABLE a ADD FOREIGN KEY (b) REFERENCES b (id) ON DELETE CASCADE;
      INSERT INTO a VALUES (1, NULL), (2, NULL), (3, NULL), (9, NULL); INSERT INTO b VALUES (10, 1), (11, 2), (12, 3), (19, 9);
      UPDATE a SET b = 10 WHERE id = 2; UPDATE a SET b = 11 WHERE id = 3;
    `,
    does: ['DELETE FROM a WHERE id = 1'],
  },
  'two ways down to the same rows, over keys of two columns': {
    tables: `
      CREATE TABLE p (x INT, y VARCHAR(5), PRIMARY KEY (x, y));
      CREATE TABLE l (id INT PRIMARY KEY, x INT, y VARCHAR(5), FOREIGN KEY (x, y) REFERENCES p (x, y) ON DELETE CASCADE);
      CREATE TABLE r (id INT PRIMARY KEY, x INT, y VARCHAR(5), FOREIGN KEY (x, y) REFERENCES p (x, y) ON DELETE CASCADE);
      CREATE TABLE d (id INT PRIMARY KEY, l INT, r INT, FOREIGN KEY (l) REFERENCES l (id) ON DELETE CASCADE, FOREIGN KEY (r) REFERENCES r (id) ON DELETE SET NULL);
      INSERT INTO p VALUES (1, 'a'), (1, 'b'); INSERT INTO l VALUES (1, 1, 'a'), (2, 1, 'b'); INSERT INTO r VALUES (1, 1, 'a'), (2, 1, 'b');
      INSERT INTO d VALUES (1, 1, 1), (2, 2, 1), (3, 2, 2);
    `,
    does: ["DELETE FROM p WHERE y = 'a'"],
  },
}

onBoth((url, flavour) => {
  describe('undoes what foreign keys did', () => {
    for (const [name, { tables, does, only = flavour }] of Object.entries(CASES)) {
      test.skipIf(only !== flavour)(name, async () => {
        await using bench = await open(url, tables)
        await undoes(bench, async () => {
          for (const sql of does) await bench.app.sql(sql)
        })
      })
    }
  })

  test('a cascade reaches rows that a long transaction has never seen', async () => {
    await using bench = await open(url, SHOP)
    const { app, system } = bench
    for (const isolation of ['REPEATABLE READ', 'READ COMMITTED', 'SERIALIZABLE']) {
      if (isolation !== 'SERIALIZABLE') {
        await app.on(
          'long',
          `SET SESSION TRANSACTION ISOLATION LEVEL ${isolation}; START TRANSACTION; SELECT COUNT(*) FROM orders`,
        )
      } else await app.on('long', `SET SESSION TRANSACTION ISOLATION LEVEL ${isolation}`)
      const id = await app.insert("INSERT INTO orders (user, note) VALUES (2, 'late')")
      const mark = await system.checkpoint('late order')
      await app.on('long', 'DELETE FROM users WHERE id = 2; COMMIT')
      assert.deepEqual(await app.sql('SELECT id FROM orders WHERE id = ?', id), [])
      await system.rollback(mark)
      assert.deepEqual(await app.sql('SELECT user FROM orders WHERE id = ?', id), [{ user: 2 }], isolation)
      await system.release(mark)
    }
  })

  test('changes() tells what the foreign keys did', async () => {
    await using bench: Bench = await open(url, SHOP)
    const mark = await bench.system.checkpoint('before')
    await bench.app.sql('DELETE FROM orders WHERE id = 10')
    assert.deepEqual(await bench.system.changes(mark), [
      {
        table: 'gifts',
        inserted: [],
        updated: [{ key: { id: 1000 }, before: { item: 100 }, after: { item: null } }],
        deleted: [],
      },
      { table: 'items', inserted: [], updated: [], deleted: [{ id: 100, order_id: 10 }] },
      { table: 'orders', inserted: [], updated: [], deleted: [{ id: 10, user: 1, note: 'a' }] },
    ])
  })

  test('limit: a temporary table hides the child whose name it has', async () => {
    await using bench = await open(url, SHOP)
    const { app, system } = bench
    const mark = await system.checkpoint('before')
    await app.on(
      'x',
      'CREATE TEMPORARY TABLE orders (id INT, user INT, note INT); DELETE FROM users WHERE id = 1; DROP TEMPORARY TABLE orders',
    )
    await system.rollback(mark)
    assert.deepEqual(await app.sql('SELECT id FROM orders'), [{ id: 12 }])
  })

  // MySQL 9.7.4 does this with nothing of ours in the database. Should it fail, the server is mended: then the limit in
  // docs/systems/mysql.md can go, and REPLACE into a parent can come back to the random programs.
  test.runIf(flavour === 'mysql')('limit: REPLACE of a parent leaves grandchildren behind on MySQL', async () => {
    await using bench = await open(url, '')
    const { app } = bench
    await app.sql(SHOP)
    await bench.system.close()
    await app.sql("REPLACE INTO users VALUES (7, 'ada')")
    assert.deepEqual(await app.sql('SELECT id FROM orders ORDER BY id'), [{ id: 12 }])
    const orphans =
      'SELECT items.id FROM items LEFT JOIN orders ON orders.id = order_id WHERE order_id IS NOT NULL AND orders.id IS NULL'
    assert.notDeepEqual(await app.sql(orphans), [])
  })
})
