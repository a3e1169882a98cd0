import assert from 'node:assert/strict'
import { afterAll, beforeAll, describe, test } from 'vitest'
import { type Bench, onBoth, open, undoes } from './bench.ts'

const TABLES = `
  CREATE TABLE users (id INT AUTO_INCREMENT PRIMARY KEY, name VARCHAR(20) UNIQUE, age INT, twice INT AS (age * 2) STORED, thrice INT AS (age * 3) VIRTUAL);
  CREATE TABLE seats (nr INT UNIQUE NOT NULL, \`row\` INT, taken VARCHAR(20) DEFAULT 'no', seq INT, was INT, c1 INT);
  CREATE TABLE words (word VARCHAR(10) CHARACTER SET utf8mb4 COLLATE utf8mb4_general_ci PRIMARY KEY, at TIMESTAMP NOT NULL DEFAULT CURRENT_TIMESTAMP ON UPDATE CURRENT_TIMESTAMP);
  CREATE TABLE pair (a INT, b VARCHAR(5), v INT, PRIMARY KEY (a, b), CHECK (v >= 0));
  CREATE TABLE made (base INT NOT NULL, id INT AS (base + 1) STORED UNIQUE, PRIMARY KEY (base));
  CREATE TABLE prefix (t TEXT NOT NULL, v INT, PRIMARY KEY (t(3)));
  CREATE TABLE parts (id INT AUTO_INCREMENT, d INT, PRIMARY KEY (id, d)) PARTITION BY HASH (d) PARTITIONS 3;
  INSERT INTO users (name, age) VALUES ('ada', 1), ('bob', 2), ('cy', NULL);
  INSERT INTO seats (nr, \`row\`, seq, was, c1) VALUES (1, 1, 1, 0, 7), (2, 1, 2, 1, 8);
  INSERT INTO words VALUES ('one', '2020-01-01 00:00:01'), ('two', '2020-01-01 00:00:02');
  INSERT INTO pair VALUES (1, 'x', 1), (2, 'y', 2);
  INSERT INTO made (base) VALUES (1), (5);
  INSERT INTO prefix VALUES ('abcdef', 1), ('xyz', 2);
  INSERT INTO parts (d) VALUES (1), (2), (3), (4);
  SET SESSION sql_mode = CONCAT(@@sql_mode, ',NO_AUTO_VALUE_ON_ZERO'); INSERT INTO users (id, name) VALUES (0, 'zero');
`

const CASES: Readonly<Record<string, string>> = {
  'an insert, an update, a delete':
    "INSERT INTO users (name) VALUES ('new'); UPDATE users SET age = 9 WHERE id = 1; DELETE FROM users WHERE id = 2",
  'many rows at once':
    "UPDATE users SET age = COALESCE(age, 0) + 1; DELETE FROM seats; INSERT INTO pair VALUES (3, 'a', 1), (4, 'b', 1), (5, 'c', 1)",
  'the same row again and again':
    "UPDATE users SET age = 5 WHERE id = 1; DELETE FROM users WHERE id = 1; INSERT INTO users (id, name) VALUES (1, 'x'); UPDATE users SET id = 50 WHERE id = 1; DELETE FROM users WHERE id = 50; INSERT INTO users (id, name) VALUES (50, 'y')",
  REPLACE: "REPLACE INTO users (id, name) VALUES (1, 'bob'); REPLACE INTO words (word) VALUES ('one'), ('three')",
  'ON DUPLICATE KEY UPDATE':
    "INSERT INTO users (id, name) VALUES (1, 'x'), (80, 'bob'), (81, 'z') ON DUPLICATE KEY UPDATE age = 33",
  'INSERT IGNORE': "INSERT IGNORE INTO users (id, name) VALUES (1, 'x'), (90, 'ada'), (91, 'new')",
  'another primary key':
    'UPDATE users SET id = id + 100; UPDATE seats SET nr = nr + 1 ORDER BY nr DESC; UPDATE pair SET b = CONCAT(b, 1)',
  'two rows that change their unique values with each other':
    "UPDATE users SET name = NULL WHERE id = 1; UPDATE users SET name = 'ada' WHERE id = 2; UPDATE users SET name = 'bob' WHERE id = 1; UPDATE seats SET nr = 9 WHERE nr = 1; UPDATE seats SET nr = 1 WHERE nr = 2; UPDATE seats SET nr = 2 WHERE nr = 9",
  'two rows that change their keys with each other':
    'UPDATE users SET id = 77 WHERE id = 1; UPDATE users SET id = 1 WHERE id = 2; UPDATE users SET id = 2 WHERE id = 77',
  'a key that differs in case alone':
    "UPDATE words SET word = 'ONE' WHERE word = 'one'; DELETE FROM words WHERE word = 'two'; INSERT INTO words VALUES ('TWO', '2021-01-01')",
  'a row whose id is zero': "UPDATE users SET name = 'nothing' WHERE id = 0; DELETE FROM users WHERE id = 0",
  'a unique value that is computed':
    'UPDATE made SET base = base + 10; DELETE FROM made WHERE base = 15; INSERT INTO made (base) VALUES (5)',
  'a key that is the beginning of a text':
    "UPDATE prefix SET t = 'abcxxx' WHERE v = 1; INSERT INTO prefix VALUES ('new', 3); UPDATE prefix SET t = 'zzz' WHERE v = 2",
  'a table of partitions':
    'UPDATE parts SET d = d + 1; INSERT INTO parts (d) VALUES (7), (8); DELETE FROM parts WHERE id = 2',
  'an update of two tables': 'UPDATE users JOIN pair ON pair.a = users.id SET users.age = 40, pair.v = 41',
  'a delete from two tables': 'DELETE users, pair FROM users JOIN pair ON pair.a = users.id',
  'INSERT … SELECT': 'INSERT INTO users (name, age) SELECT CONCAT(name, 2), age FROM users',
  'LOCK TABLES, as dumps are read in':
    "LOCK TABLES users WRITE, pair READ; INSERT INTO users (name) VALUES ('dump'); DELETE FROM users WHERE id = 2; UNLOCK TABLES",
  'foreign_key_checks off, as dumps are read in':
    "SET foreign_key_checks = 0, unique_checks = 0; INSERT INTO users (name) VALUES ('dump'); SET foreign_key_checks = 1, unique_checks = 1",
  'foreign_key_checks switched in the middle of a transaction':
    'START TRANSACTION; SET foreign_key_checks = 0; UPDATE users SET age = 7 WHERE id = 1; SET foreign_key_checks = 1; DELETE FROM users WHERE id = 1; SET foreign_key_checks = 0; DELETE FROM pair; COMMIT; SET foreign_key_checks = 1',
  'foreign_key_checks off for one statement': 'DELETE /*+ SET_VAR(foreign_key_checks = OFF) */ FROM users WHERE id > 1',
  'LOCK TABLES, with foreign_key_checks switched':
    'SET foreign_key_checks = 0; LOCK TABLES users WRITE; SET foreign_key_checks = 1; UPDATE users SET id = 90 WHERE id = 1; SET foreign_key_checks = 0; DELETE FROM users WHERE id = 2; SET foreign_key_checks = 1; UNLOCK TABLES',
  'two phases': `XA START 'vq${process.pid}'; UPDATE users SET age = 5; DELETE FROM pair; XA END 'vq${process.pid}'; XA PREPARE 'vq${process.pid}'; XA COMMIT 'vq${process.pid}'`,
  'updates that are ignored, since another row has the key already':
    "UPDATE pair SET v = 7 WHERE a = 1; UPDATE IGNORE pair SET a = 2, b = 'y'; UPDATE IGNORE users SET id = 2; INSERT IGNORE INTO seats (nr) VALUES (1) ON DUPLICATE KEY UPDATE nr = 2",
  'such updates of two tables': 'UPDATE IGNORE users JOIN pair ON pair.a = users.id SET users.id = 3, pair.v = 8',
  'savepoints of the application':
    "START TRANSACTION; INSERT INTO users (name) VALUES ('a'); SAVEPOINT s; DELETE FROM users; ROLLBACK TO s; UPDATE pair SET v = 9; COMMIT",
  'a procedure': "CALL rename_all('x')",
}

onBoth((url) => {
  describe('undoes', () => {
    let bench: Bench
    beforeAll(async () => {
      bench = await open(
        url,
        `${TABLES} CREATE PROCEDURE rename_all (x VARCHAR(5)) BEGIN UPDATE users SET name = CONCAT(name, x); DELETE FROM pair; END`,
      )
    })
    afterAll(() => bench[Symbol.asyncDispose]())

    for (const [name, sql] of Object.entries(CASES)) test(name, () => undoes(bench, () => bench.app.sql(sql)))

    test('what refused and given-up statements did to the counters', async () => {
      const mark = await bench.system.checkpoint('before')
      const ids = async (): Promise<number> => bench.app.insert('INSERT INTO users (name) VALUES (LEFT(UUID(), 20))')
      const first = await ids()
      await bench.system.rollback(mark)
      await assert.rejects(bench.app.sql("INSERT INTO users (name) VALUES ('ada')"), /Duplicate/)
      await bench.app.sql("START TRANSACTION; INSERT INTO users (name) VALUES ('a'), ('b'); ROLLBACK")
      await bench.system.rollback(mark)
      assert.equal(await ids(), first)
      await bench.system.rollback(mark)
      await bench.system.release(mark)
    })
  })

  test('autoIncrement: false leaves the counters, and the rows come back all the same', async () => {
    await using bench = await open(url, 'CREATE TABLE t (id INT AUTO_INCREMENT PRIMARY KEY)', { autoIncrement: false })
    const mark = await bench.system.checkpoint('before')
    const first = await bench.app.insert('INSERT INTO t VALUES ()')
    await bench.system.rollback(mark)
    assert.equal(await bench.app.insert('INSERT INTO t VALUES ()'), first + 1)
    assert.equal(bench.system.restores?.generatedIds, undefined)
  })

  test('entries of logs that nobody needs go away by themselves', async () => {
    await using bench = await open(url, 'CREATE TABLE t (id INT PRIMARY KEY, v INT); INSERT INTO t VALUES (1, 1)')
    const { app, system, database } = bench
    const outer = await system.checkpoint('outer')
    await app.sql('UPDATE t SET v = 2')
    const inner = await system.checkpoint('inner')
    const entries = async (): Promise<number> =>
      Number((await database.sql(`SELECT COUNT(*) AS n FROM ${database.schema}.u1`))[0]!['n'])
    for (let branch = 0; branch < 30; branch++) {
      await app.sql(`${'UPDATE t SET v = v + 1;'.repeat(50)} DELETE FROM t`)
      await system.rollback(inner)
      assert.deepEqual(await app.sql('SELECT v FROM t'), [{ v: 2 }])
    }
    assert.ok((await entries()) < 600, `there are ${await entries()} entries`)
    await system.release(inner)
    assert.equal(await entries(), 1)
    await system.rollback(outer)
    assert.deepEqual(await app.sql('SELECT v FROM t'), [{ v: 1 }])
  })
})
