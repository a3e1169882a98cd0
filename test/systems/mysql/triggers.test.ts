import assert from 'node:assert/strict'
import { test } from 'vitest'
import { onBoth, open, systemOn, undoes, worker } from './bench.ts'
import { type Database, makeDatabase } from './database.ts'

const TABLES = `
  CREATE TABLE users (id INT AUTO_INCREMENT PRIMARY KEY, name VARCHAR(40));
  CREATE TABLE audit (id INT AUTO_INCREMENT PRIMARY KEY, what VARCHAR(200));
  INSERT INTO users (name) VALUES ('ada'), ('bob');
  CREATE TRIGGER first BEFORE INSERT ON users FOR EACH ROW SET NEW.name = CONCAT(NEW.name, ' one');
  CREATE TRIGGER third BEFORE INSERT ON users FOR EACH ROW BEGIN DECLARE x VARCHAR(9) DEFAULT ' three'; SET NEW.name = CONCAT(NEW.name, x); END;
  CREATE TRIGGER second BEFORE INSERT ON users FOR EACH ROW FOLLOWS first SET NEW.name = CONCAT(NEW.name, ' two') /* ü */;
  CREATE TRIGGER inserted AFTER INSERT ON users FOR EACH ROW INSERT INTO audit (what) VALUES (CONCAT('new ', NEW.id, ' ', NEW.name));
  CREATE TRIGGER moved BEFORE UPDATE ON users FOR EACH ROW SET NEW.id = NEW.id + IF(NEW.name = 'move', 100, 0);
  SET SESSION sql_mode = 'ANSI_QUOTES,PIPES_AS_CONCAT';
  CREATE TRIGGER "deleted" AFTER DELETE ON users FOR EACH ROW INSERT INTO audit (what) VALUES ('gone ' || OLD.name || ' back\\\\slash');
  SET SESSION sql_mode = DEFAULT;
`

async function triggersOf({ sql, name }: Database): Promise<unknown[]> {
  return sql(
    `SELECT TRIGGER_NAME, EVENT_MANIPULATION, ACTION_TIMING, TRIM(TRAILING ';' FROM ACTION_STATEMENT) AS body, ACTION_ORDER, SQL_MODE, DEFINER, CHARACTER_SET_CLIENT, COLLATION_CONNECTION
       FROM information_schema.TRIGGERS WHERE TRIGGER_SCHEMA = '${name}' ORDER BY TRIGGER_NAME`,
  )
}

onBoth((url) => {
  test('triggers of the user keep working, in their order, and a rollback fires none', async () => {
    await using bench = await open(url, TABLES)
    await undoes(bench, async () => {
      await bench.app.sql(
        "INSERT INTO users (name) VALUES ('cy'); UPDATE users SET name = 'move' WHERE id = 1; DELETE FROM users WHERE id = 2",
      )
      assert.deepEqual(await bench.app.sql('SELECT id, name FROM users ORDER BY id'), [
        { id: 3, name: 'cy one two three' },
        { id: 101, name: 'move' },
      ])
      assert.deepEqual(await bench.app.sql('SELECT what FROM audit ORDER BY id'), [
        { what: 'new 3 cy one two three' },
        { what: 'gone bob back\\slash' },
      ])
    })
  })

  test('after close they are as their author wrote them', async () => {
    await using database = await makeDatabase(url, TABLES)
    const before = await triggersOf(database)
    const system = systemOn(database.url)
    await system.open(worker())
    assert.notDeepEqual(await triggersOf(database), before)
    await system.close()
    assert.deepEqual(await triggersOf(database), before)
    assert.deepEqual(await database.leftovers(), [])
  })

  test('keep leaves them in place, and the next run starts from there', async () => {
    await using database = await makeDatabase(url, TABLES)
    const before = await triggersOf(database)
    for (const keep of [true, true, false]) {
      const system = systemOn(database.url, { keep })
      await system.open(worker())
      const mark = await system.checkpoint('start')
      await database.sql("INSERT INTO users (name) VALUES ('x')")
      await system.rollback(mark)
      assert.equal((await database.sql('SELECT * FROM users')).length, 2)
      await system.close()
      await database.sql("INSERT INTO users (name) VALUES ('between runs'); DELETE FROM users WHERE id > 2")
      await database.sql('DELETE FROM audit')
    }
    assert.deepEqual(await triggersOf(database), before)
    assert.deepEqual(await database.leftovers(), [])
  })
})
