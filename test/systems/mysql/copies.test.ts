import assert from 'node:assert/strict'
import { expect, test } from 'vitest'
import { onBoth, open, undoes } from './bench.ts'

const TABLES = `
  CREATE TABLE keyless (a INT, b VARCHAR(20), c FLOAT); INSERT INTO keyless VALUES (1, 'x', 0.1), (1, 'x', 0.1), (NULL, NULL, NULL), (2, 'X', 0.3);
  CREATE TABLE isam (id INT AUTO_INCREMENT PRIMARY KEY, t TEXT) ENGINE = MyISAM; INSERT INTO isam (t) VALUES ('one'), ('two');
  CREATE TABLE mem (id INT PRIMARY KEY, v INT) ENGINE = MEMORY; INSERT INTO mem VALUES (1, 1);
  CREATE TABLE logged (id INT PRIMARY KEY, v INT); INSERT INTO logged VALUES (1, 1);
  CREATE TABLE ids (id INT AUTO_INCREMENT, v INT, KEY (id)); INSERT INTO ids (v) VALUES (1);
`

onBoth((url) => {
  test('tables without a key and of other engines come back, and the user is told how', async () => {
    await using bench = await open(url, TABLES)
    expect(bench.notices.join('\n')).toMatch(
      /come back from copies[^]*ids \(it has no primary key[^]*isam \(its engine is MyISAM\), keyless \(it has no primary key[^]*mem \(its engine is MEMORY\)/,
    )
    expect(bench.system.way).toMatch(
      /^undo: row triggers remember every change; copies of 4 of 5 tables \((MariaDB|MySQL) /,
    )
    for (const sql of [
      "INSERT INTO keyless VALUES (1, 'x', 0.1); DELETE FROM keyless WHERE a = 2; UPDATE keyless SET b = 'y' WHERE a IS NULL",
      'DELETE FROM keyless LIMIT 1',
      "UPDATE keyless SET b = 'X' WHERE a = 1 LIMIT 1",
      "INSERT INTO isam (t) VALUES ('three'); DELETE FROM isam WHERE id = 1; UPDATE logged SET v = 2",
      'START TRANSACTION; DELETE FROM isam; DELETE FROM keyless; ROLLBACK',
      'TRUNCATE keyless; TRUNCATE isam; TRUNCATE mem; INSERT INTO ids (v) VALUES (2)',
      'UPDATE mem SET v = 9; INSERT INTO mem VALUES (2, 2)',
    ]) {
      await undoes(bench, () => bench.app.sql(sql))
    }
  })

  test('a table is copied again only when it was written to', async () => {
    await using bench = await open(url, TABLES)
    const { app, system, database } = bench
    const copies = async (): Promise<number> =>
      Number(
        (
          await database.sql(
            `SELECT COUNT(*) AS n FROM information_schema.TABLES WHERE TABLE_SCHEMA = '${database.schema}' AND TABLE_NAME LIKE 'k%'`,
          )
        )[0]!['n'],
      )
    const outer = await system.checkpoint('outer')
    assert.equal(await copies(), 4)
    await app.sql('UPDATE logged SET v = 2')
    const same = await system.checkpoint('nothing copied was written to')
    assert.equal(await copies(), 4)
    await app.sql("UPDATE keyless SET b = 'z'")
    const inner = await system.checkpoint('one was')
    assert.equal(await copies(), 5)
    await app.sql('DELETE FROM keyless')
    await system.rollback(inner)
    assert.equal((await app.sql("SELECT * FROM keyless WHERE b = 'z'")).length, 4)
    await system.rollback(same)
    assert.equal(await copies(), 4)
    assert.equal((await app.sql("SELECT * FROM keyless WHERE b = 'z'")).length, 0)
    await system.rollback(outer)
    assert.deepEqual(await app.sql('SELECT v FROM logged'), [{ v: 1 }])
  })

  test('changes() of a table without a key tells rows that went and came, as often as they did', async () => {
    await using bench = await open(url, TABLES)
    const mark = await bench.system.checkpoint('before')
    await bench.app.sql(
      "DELETE FROM keyless WHERE a = 1; INSERT INTO keyless VALUES (1, 'x', 0.1); UPDATE mem SET v = 2",
    )
    assert.deepEqual(await bench.system.changes(mark), [
      { table: 'keyless', inserted: [], updated: [], deleted: [{ a: 1, b: 'x', c: 0.1 }] },
      { table: 'mem', inserted: [], updated: [{ key: { id: 1 }, before: { v: 1 }, after: { v: 2 } }], deleted: [] },
    ])
  })
})
