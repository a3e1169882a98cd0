import { spawn } from 'node:child_process'
import { copyFileSync, existsSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import BetterSqlite3 from 'better-sqlite3'
import { afterAll, expect, test } from 'vitest'
import type { Worker } from '../../../src/rollbackable.ts'
import { sqlite, type SqliteFileOptions } from '../../../src/systems/sqlite/index.ts'
import { App, scratchFolder } from './app.ts'

const folder = scratchFolder()
const notices: string[] = []
const worker: Worker = { id: '1', runner: 'none', runId: 'after', notice: (message) => void notices.push(message) }
const FOUND = [
  { id: 1, v: 'one' },
  { id: 2, v: 'two' },
]
let files = 0

afterAll(() => rmSync(folder, { recursive: true, force: true }))

function make(): string {
  const path = join(folder, `${++files}.db`)
  const db = new BetterSqlite3(path)
  db.exec(
    "pragma journal_mode = wal; create table t (id integer primary key, v text); insert into t values (1, 'one'), (2, 'two')",
  )
  db.close()
  return path
}

/** A run in a process of its own that has made its changes; the result kills it as by `kill -9`. */
async function startRun(path: string, way: 'wal' | 'backup', ...statements: string[]): Promise<() => Promise<void>> {
  const script = fileURLToPath(new URL('killed-run.ts', import.meta.url))
  const run = spawn(process.execPath, [script, path, way, ...statements], { stdio: ['ignore', 'pipe', 'inherit'] })
  await new Promise((resolve, reject) => {
    run.stdout.once('data', resolve)
    run.once('exit', (code) => reject(new Error(`the run ended with ${code}`)))
  })
  return async () => {
    const ended = new Promise((resolve) => run.once('exit', resolve))
    run.kill('SIGKILL')
    await ended
  }
}

/** Opens and closes the system as the next run does. */
async function nextRun(path: string, options: SqliteFileOptions = {}): Promise<void> {
  notices.length = 0
  const db = sqlite(path, options)
  await db.open(worker)
  await db.close()
}

function content(path: string): unknown {
  const db = new BetterSqlite3(path)
  try {
    expect(db.pragma('integrity_check')).toEqual([{ integrity_check: 'ok' }])
    return db.prepare('select * from t').all()
  } finally {
    db.close()
  }
}

test.each(['wal', 'backup'] as const)('a killed run is undone while the application is connected (%s)', async (way) => {
  const path = make()
  const process = App.start('node:sqlite')
  const app = await process.open(path)
  expect(await app.all('select * from t')).toEqual(FOUND)
  const kill = await startRun(path, way, "update t set v = 'branch'", 'create table made (x)')
  await app.run("insert into t (v) values ('by the application')")
  await expect(sqlite(path, { way }).open(worker)).rejects.toMatchObject({ code: 'LEASED' })
  await kill()
  await app.run("insert into t (v) values ('after the kill')")
  await nextRun(path, { way })
  expect(notices).toEqual([expect.stringMatching(/was killed[^]*it is back at "start"/)])
  expect(await app.all('select * from t')).toEqual(FOUND)
  await expect(app.all('select * from made')).rejects.toThrow('no such table')
  expect(await app.all('pragma integrity_check')).toEqual([{ integrity_check: 'ok' }])
  expect(existsSync(`${path}-venomqa`)).toBe(false)
  await process.kill()
})

test('everything is killed at once, in mid-transaction too', async () => {
  const path = make()
  const process = App.start('better-sqlite3')
  const app = await process.open(path)
  const kill = await startRun(
    path,
    'wal',
    "update t set v = 'branch'",
    'rollback',
    "insert into t (v) values ('branch')",
  )
  await app.exec('pragma cache_size = 1; begin immediate')
  for (let i = 0; i < 100; i++) await app.run('insert into t (v) values (?)', 'x'.repeat(2000))
  await Promise.all([kill(), process.kill()])
  await nextRun(path)
  expect(notices).toHaveLength(1)
  expect(content(path)).toEqual(FOUND)
})

test('what a rollback undid does not come back when all processes are killed after it', async () => {
  const path = make()
  const kill = await startRun(
    path,
    'wal',
    "insert into t (v) values ('undone')",
    "update t set v = 'undone'",
    'rollback',
  )
  // As a machine that lost its power: only the files are left.
  copyFileSync(path, `${path}.copy`)
  copyFileSync(`${path}-wal`, `${path}.copy-wal`)
  expect(content(`${path}.copy`)).toEqual(FOUND)
  await kill()
})

test('a run that was killed with nothing changed leaves nothing to tell', async () => {
  const path = make()
  const kill = await startRun(path, 'wal', "update t set v = 'branch'", 'rollback')
  await kill()
  await nextRun(path)
  expect(notices).toEqual([])
  expect(content(path)).toEqual(FOUND)
})

test('what was copied into the database cannot be undone: refused, until it is accepted', async () => {
  const path = make()
  const process = App.start('better-sqlite3')
  const app = await process.open(path)
  const kill = await startRun(path, 'wal', "update t set v = 'branch'")
  await kill()
  await app.all('pragma wal_checkpoint(truncate)')
  for (const attempt of [1, 2]) {
    await expect(nextRun(path), `attempt ${attempt}`).rejects.toMatchObject({
      code: 'CRASHED',
      message: expect.stringContaining("recover: 'accept'"),
    })
  }
  await nextRun(path, { recover: 'accept' })
  expect(await app.all('select v from t')).toEqual([{ v: 'branch' }, { v: 'branch' }])
  await nextRun(path)
  await process.kill()
})

test('a copying of the log that was killed before it was noted is found out', async () => {
  const path = make()
  const kill = await startRun(path, 'wal', "update t set v = 'branch'")
  await kill()
  const copied = `${path}.copied`
  copyFileSync(path, copied)
  copyFileSync(`${path}-wal`, `${copied}-wal`)
  const db = new BetterSqlite3(copied)
  db.pragma('wal_checkpoint(truncate)')
  db.close()
  // The same file, with the pages of the branch in it, and the log as it was.
  writeFileSync(path, readFileSync(copied))
  await expect(nextRun(path)).rejects.toMatchObject({ code: 'CRASHED' })
})

test('another file at the same path is no business of a killed run', async () => {
  const path = make()
  const kill = await startRun(path, 'wal', "update t set v = 'branch'")
  await kill()
  for (const end of ['', '-wal', '-shm']) rmSync(path + end, { force: true })
  const db = new BetterSqlite3(path)
  db.exec('create table t (id integer primary key, v text)')
  db.close()
  await nextRun(path)
  expect(notices).toEqual([])
})
