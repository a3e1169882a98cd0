import assert from 'node:assert/strict'
import { fork } from 'node:child_process'
import { once } from 'node:events'
import { fileURLToPath } from 'node:url'
import { expect, test } from 'vitest'
import { contentsOf, nextIds, onBoth, open, systemOn, worker } from './bench.ts'
import { type Database, makeDatabase } from './database.ts'

const TABLES = `
  CREATE TABLE users (id INT AUTO_INCREMENT PRIMARY KEY, name VARCHAR(20)); INSERT INTO users (name) VALUES ('ada'), ('bob');
  CREATE TABLE notes (note TEXT); INSERT INTO notes VALUES ('one'), ('one');
  CREATE TRIGGER mine BEFORE INSERT ON users FOR EACH ROW SET NEW.name = UPPER(NEW.name);
`

/** Runs a process that opens the system, writes, and is killed with SIGKILL `at` a place. */
async function killed(database: Database, at: 'branch' | 'rollback' | 'migration'): Promise<void> {
  const child = fork(fileURLToPath(new URL('killed.ts', import.meta.url)), [database.url, at])
  await once(child, 'exit')
  assert.equal(child.signalCode, 'SIGKILL')
}

onBoth((url) => {
  for (const at of ['branch', 'rollback'] as const) {
    test(`a run killed in mid-${at} is undone by the next one, which says so`, async () => {
      await using database = await makeDatabase(url, TABLES)
      const [before, ids] = [await contentsOf(database), await nextIds(database)]
      await killed(database, at)
      const notices: string[] = []
      const system = systemOn(database.url)
      await system.open(worker(notices))
      assert.deepEqual(await contentsOf(database), before)
      assert.deepEqual(await nextIds(database), ids)
      expect(notices.join('\n')).toMatch(/was killed \(a script \(pid \d+ on \S+\), begun \S+\); \S+ is put back/)
      await system.close()
      assert.deepEqual(await database.leftovers(), [])
      const triggers = await database.sql('SHOW TRIGGERS')
      expect(triggers).toMatchObject([{ Trigger: 'mine', Statement: 'SET NEW.name = UPPER(NEW.name)' }])
    })
  }

  test('a run killed after it took rows away for good is refused until the database is made anew', async () => {
    await using database = await makeDatabase(url, TABLES)
    await killed(database, 'migration')
    const system = systemOn(database.url)
    await expect(Promise.resolve(system.open(worker()))).rejects.toMatchObject({
      code: 'CRASHED',
      message: expect.stringMatching(/was killed[^]*users: it was emptied[^]*Make it anew/),
    })
    await database.sql(
      `DROP DATABASE ${database.name}; CREATE DATABASE ${database.name}; USE ${database.name}; ${TABLES}`,
    )
    const notices: string[] = []
    await system.open(worker(notices))
    await system.release(await system.checkpoint('works again'))
    await system.close()
    assert.deepEqual(await database.leftovers(), [])
  })

  test('a second run is told who has the database', async () => {
    await using bench = await open(url, TABLES, { settle: 500 })
    const second = systemOn(bench.database.url, { settle: 500 })
    await expect(Promise.resolve(second.open(worker([], '2')))).rejects.toMatchObject({
      code: 'LEASED',
      retryable: true,
      message: expect.stringMatching(new RegExp(`in use by a script \\(pid ${process.pid} on `)),
    })
    await bench.system.close()
    await second.open(worker([], '2'))
    await second.close()
  })

  test('what belongs to a dead connection of the application is given up', async () => {
    await using bench = await open(url, TABLES)
    const { app, system, database } = bench
    const before = await contentsOf(database)
    const mark = await system.checkpoint('before')
    const [row] = await app
      .on('victim', "START TRANSACTION; UPDATE users SET name = 'x'; SELECT CONNECTION_ID() AS id")
      .then((rows) => (rows as unknown as Record<string, unknown>[][])[2]!)
    await database.sql(`KILL ${Number(row!['id'])}`)
    await system.rollback(mark)
    assert.deepEqual(await contentsOf(database), before)
  })
})
