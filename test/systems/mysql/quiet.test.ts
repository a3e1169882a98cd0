import assert from 'node:assert/strict'
import { setTimeout as sleep } from 'node:timers/promises'
import { expect, test } from 'vitest'
import { contentsOf, onBoth, open, systemOn, worker } from './bench.ts'
import { connect, makeDatabase } from './database.ts'

const TABLES = `
  CREATE TABLE t (id INT AUTO_INCREMENT PRIMARY KEY, v INT); INSERT INTO t (v) VALUES (1), (2);
  CREATE TABLE c (id INT PRIMARY KEY, t INT, FOREIGN KEY (t) REFERENCES t (id) ON DELETE CASCADE); INSERT INTO c VALUES (1, 1), (2, 2);
`

onBoth((url) => {
  test('a mark waits for a writer, and names one that does not end', async () => {
    await using bench = await open(url, TABLES, { settle: 1000 })
    const { app, system } = bench
    await app.on('writer', 'START TRANSACTION; UPDATE t SET v = 7 WHERE id = 1')
    await expect(Promise.resolve(system.checkpoint('too early'))).rejects.toMatchObject({
      code: 'NOT_QUIET',
      retryable: true,
      message: expect.stringMatching(
        /"too early" could not be taken[^]*connection \d+ of root@\S+, \d s old[^]*settle: 10_000/,
      ),
    })
    const taken = Promise.resolve(system.checkpoint('patient'))
    await sleep(100)
    await app.on('writer', 'COMMIT')
    const mark = await taken
    await app.sql('UPDATE t SET v = 8')
    await system.rollback(mark)
    assert.deepEqual(await app.sql('SELECT v FROM t ORDER BY id'), [{ v: 7 }, { v: 2 }])
  })

  test('a writer is waited for at every isolation level, with foreign_key_checks and without', async () => {
    await using bench = await open(url, TABLES)
    const { app, system, database } = bench
    const gate = await connect(url)
    const writes = ['INSERT INTO t (v) VALUES (3)', 'UPDATE t SET v = 9 WHERE id = 1', 'DELETE FROM t WHERE id = 2']
    for (const level of ['READ UNCOMMITTED', 'READ COMMITTED', 'REPEATABLE READ', 'SERIALIZABLE']) {
      for (const checks of [1, 0]) {
        for (const write of writes) {
          await app.on('writer', `SET foreign_key_checks = ${checks}; SET SESSION TRANSACTION ISOLATION LEVEL ${level}`)
          await app.on('writer', `START TRANSACTION; ${write}`)
          const passed = gate.query(`SELECT id FROM ${database.schema}.gate FOR UPDATE NOWAIT`)
          await expect(passed, `${write} at ${level}`).rejects.toThrow(/lock/i)
          await app.on('writer', 'ROLLBACK')
          await gate.query(`SELECT id FROM ${database.schema}.gate FOR UPDATE NOWAIT`)
        }
      }
    }
    await gate.end()
    await system.release(await system.checkpoint('unharmed'))
  })

  test('one writer that began before a mark and one that committed before it do not mix', async () => {
    await using bench = await open(url, TABLES)
    const { app, system } = bench
    const outer = await system.checkpoint('outer')
    await app.on('first', 'START TRANSACTION; UPDATE t SET v = 10 WHERE id = 1')
    await app.sql('UPDATE t SET v = 20 WHERE id = 2')
    const taken = Promise.resolve(system.checkpoint('inner'))
    await sleep(100)
    await app.on('first', 'COMMIT')
    const inner = await taken
    await app.sql('UPDATE t SET v = v + 1')
    await system.rollback(inner)
    assert.deepEqual(await app.sql('SELECT v FROM t ORDER BY id'), [{ v: 10 }, { v: 20 }])
    await system.rollback(outer)
    assert.deepEqual(await app.sql('SELECT v FROM t ORDER BY id'), [{ v: 1 }, { v: 2 }])
  })

  test('a writer that waits at the gate writes after the mark', async () => {
    await using bench = await open(url, TABLES)
    const { app, system, database } = bench
    const gate = await connect(url)
    await gate.query(`START TRANSACTION; SELECT id FROM ${database.schema}.gate FOR UPDATE`)
    const written = app.sql('UPDATE t SET v = 9 WHERE id = 1')
    await sleep(200)
    const [[drawn]] = (await gate.query('SELECT UUID_SHORT() AS seq')) as unknown as [[{ seq: string }]]
    await gate.query('COMMIT')
    await written
    // Who finds out that a mark came between makes the entry again: the first one is harmless.
    const [entry] = await database.sql(`SELECT MAX(seq) AS seq FROM ${database.schema}.u2`)
    assert.ok(BigInt(entry!['seq']) > BigInt(drawn.seq), `${entry!['seq']} is not after ${drawn.seq}`)
    await gate.end()
    await system.release(await system.checkpoint('unharmed'))
  })

  test.each([1, 0])(
    'a writer whose number is older than what others have written comes after the mark (foreign_key_checks = %i)',
    async (checks) => {
      await using bench = await open(url, TABLES)
      const { app, system } = bench
      await app.on('early', `START TRANSACTION; UPDATE t SET v = 8 WHERE id = 2`)
      const marking = system.checkpoint('while one waits')
      await sleep(200)
      const late = app.on('late', `SET foreign_key_checks = ${checks}; UPDATE t SET v = 9 WHERE id = 1`)
      await sleep(200)
      await app.on('early', 'INSERT INTO t VALUES (7, 7)')
      await app.on('early', 'COMMIT')
      const mark = await marking
      await late
      const [change] = await system.changes(mark)
      assert.deepEqual(change!.updated, [{ key: { id: 1 }, before: { v: 1 }, after: { v: 9 } }])
      await system.rollback(mark)
      const rows = [{ v: 1 }, { v: 8 }, { v: 7 }]
      assert.deepEqual(await app.sql('SELECT v FROM t ORDER BY id'), rows)
      // The same around a rollback.
      await app.on('early', `START TRANSACTION; UPDATE t SET v = 6 WHERE id = 2`)
      const back = system.rollback(mark)
      await sleep(200)
      const again = app.on('late', `UPDATE t SET v = 9 WHERE id = 1`)
      await sleep(200)
      await app.on('early', 'INSERT INTO t VALUES (9, 9)')
      await app.on('early', 'COMMIT')
      await back
      await again
      assert.equal((await system.changes(mark))[0]!.updated.length, 1)
      await system.rollback(mark)
      assert.deepEqual(await app.sql('SELECT v FROM t ORDER BY id'), rows)
    },
  )

  test('readers are in nobody’s way, but for the next ids, where the reader is named', async () => {
    await using bench = await open(url, TABLES, { settle: 1000 })
    const { app, system } = bench
    const mark = await system.checkpoint('before')
    await app.on('reader', 'START TRANSACTION; SELECT * FROM t')
    await app.sql('UPDATE t SET v = 9; DELETE FROM t WHERE id = 2')
    await system.rollback(mark)
    assert.deepEqual(await app.sql('SELECT v FROM t ORDER BY id'), [{ v: 1 }, { v: 2 }])
    await app.sql('INSERT INTO t (v) VALUES (3)')
    await expect(system.rollback(mark)).rejects.toMatchObject({
      code: 'NOT_QUIET',
      message: expect.stringMatching(/next ids of t [^]*connection \d+ of root/),
    })
    await app.on('reader', 'COMMIT')
    await system.rollback(mark)
    assert.equal(await app.insert('INSERT INTO t (v) VALUES (3)'), 3)
  })

  test('who is in the way of a schema that is made again, of a new log or of reset() is named', async () => {
    await using bench = await open(url, TABLES, { settle: 1000 })
    const { app, system } = bench
    const named = (what: RegExp): object => ({
      code: 'NOT_QUIET',
      retryable: true,
      message: expect.stringMatching(new RegExp(`${what.source}[^]*connection \\d+ of root`)),
    })
    const mark = await system.checkpoint('before')
    await app.sql('ALTER TABLE t ADD COLUMN more INT')
    await app.on('reader', 'START TRANSACTION; SELECT * FROM t')
    await expect(Promise.resolve(system.checkpoint('altered'))).rejects.toMatchObject(
      named(/"altered" could not be taken/),
    )
    await expect(Promise.resolve(system.rollback(mark))).rejects.toMatchObject(
      named(/rollback to "before" could not be made/),
    )
    await app.on('reader', 'COMMIT')
    await system.rollback(mark)
    await app.on('writer', 'START TRANSACTION; UPDATE t SET v = 7 WHERE id = 1')
    await expect(Promise.resolve(system.reset())).rejects.toMatchObject(named(/tables could not be emptied/))
    await app.on('writer', 'COMMIT')
    await system.reset()
    assert.deepEqual(await app.sql('SELECT * FROM t'), [])
    await system.rollback(mark)
    assert.deepEqual(await app.sql('SELECT v FROM t ORDER BY id'), [{ v: 1 }, { v: 2 }])
  })

  test('a connection of ours that is ended is told as what it is', async () => {
    await using bench = await open(url, TABLES)
    const { system, database } = bench
    const mark = await system.checkpoint('before')
    const [row] = await database.sql(`SELECT IS_USED_LOCK('${database.schema}') AS id`)
    await database.sql(`KILL ${row!['id']}; INSERT INTO t (v) VALUES (3)`)
    for (const asked of [
      () => system.rollback(mark),
      () => system.observe(),
      () => system.changes(mark),
      () => system.reset(),
    ]) {
      await expect(Promise.resolve(asked())).rejects.toMatchObject({
        code: 'CONNECTION_REFUSED',
        message: expect.stringMatching(/^mysql: no answer from mysql:/),
      })
    }
  })

  test('open does not hang on a table that somebody holds', async () => {
    await using database = await makeDatabase(url, TABLES)
    const reader = await connect(url)
    await reader.query(`USE ${database.name}; START TRANSACTION; SELECT * FROM t`)
    const system = systemOn(database.url, { settle: 1000 })
    await expect(Promise.resolve(system.open(worker()))).rejects.toMatchObject({
      code: 'NOT_QUIET',
      message: expect.stringMatching(/triggers could not be made[^]*connection \d+ of root/),
    })
    await reader.query('COMMIT')
    await reader.end()
    await system.open(worker())
    await system.close()
    assert.deepEqual(await database.leftovers(), [])
  })

  test('marks and rollbacks are exact while eight connections write', async () => {
    await using bench = await open(url, TABLES, { settle: 20_000 })
    const { app, system, database } = bench
    const start = await contentsOf(database)
    const outer = await system.checkpoint('before the load')
    const state = { stop: false, written: 0 }
    const writer = async (n: number): Promise<void> => {
      for (let i = 0; !state.stop; i++) {
        const sql =
          i % 5 === 4
            ? `INSERT INTO c VALUES (${100 * n}, 2) ON DUPLICATE KEY UPDATE t = 2`
            : `START TRANSACTION; INSERT INTO t (v) VALUES (${n}); UPDATE t SET v = v + 1 WHERE v = ${n}; ${i % 3 ? 'COMMIT' : 'ROLLBACK'}`
        // A writer that meets a rollback may lose to it, as to any other transaction.
        await app.on(`writer ${n}`, sql).catch(() => app.on(`writer ${n}`, 'ROLLBACK'))
        state.written += 1
      }
    }
    const writers = Array.from({ length: 8 }, (_, n) => writer(n + 10))
    for (let round = 0; round < 6; round++) {
      const mark = await system.checkpoint(`under load ${round}`)
      await sleep(30)
      await system.rollback(mark)
      await system.release(mark)
    }
    state.stop = true
    await Promise.all(writers)
    assert.ok(state.written > 50, `only ${state.written} transactions`)
    const quiet = await system.checkpoint('quiet')
    const before = await contentsOf(database)
    await app.sql('UPDATE t SET v = 0; DELETE FROM t WHERE id = 1')
    await system.rollback(quiet)
    assert.deepEqual(await contentsOf(database), before)
    await system.rollback(outer)
    assert.deepEqual(await contentsOf(database), start)
  })
})
