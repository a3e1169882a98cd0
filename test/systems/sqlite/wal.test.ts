import { copyFileSync, existsSync, readdirSync, renameSync, rmSync, statSync } from 'node:fs'
import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import BetterSqlite3 from 'better-sqlite3'
import { afterAll, afterEach, describe, expect, test } from 'vitest'
import type { Worker } from '../../../src/rollbackable.ts'
import { sqlite, type SqliteFileOptions } from '../../../src/systems/sqlite/index.ts'
import { App, type AppConnection, type AppKind, hasPython, scratchFolder } from './app.ts'

const folder = scratchFolder()
const apps = new Map<AppKind, App>()
const open: { close(): Promise<unknown> }[] = []
const notices: string[] = []
const worker: Worker = { id: '1', runner: 'none', runId: 'test', notice: (message) => void notices.push(message) }
let files = 0

afterEach(async () => {
  for (const one of open.splice(0).toReversed()) await one.close().catch(() => undefined)
  notices.length = 0
})
afterAll(async () => {
  await Promise.all([...apps.values()].map((app) => app.kill()))
  rmSync(folder, { recursive: true, force: true })
})

/** A new database that an application has open in a process of its own. */
async function database(
  kind: AppKind = 'better-sqlite3',
  setUp = 'pragma journal_mode = wal',
): Promise<[path: string, app: AppConnection]> {
  const path = join(folder, `${++files}.db`)
  const app = await connect(path, kind)
  await app.exec(setUp)
  await app.exec('create table t (id integer primary key, v text)')
  await app.exec("insert into t values (1, 'one'), (2, 'two')")
  return [path, app]
}

async function connect(path: string, kind: AppKind = 'better-sqlite3'): Promise<AppConnection> {
  if (!apps.has(kind)) apps.set(kind, App.start(kind))
  const connection = await apps.get(kind)!.open(path)
  open.push(connection)
  return connection
}

async function system(path: string, options: SqliteFileOptions = {}) {
  const opened = sqlite(path, { settle: 300, ...options })
  await opened.open(worker)
  open.push(opened)
  return opened
}

const rows = async (app: AppConnection): Promise<string> =>
  JSON.stringify(await app.all('select id, v from t order by id'))
const SOUND = [{ integrity_check: 'ok' }]

describe('transactions in flight', () => {
  test('a write transaction is named at a checkpoint and at a rollback', async () => {
    const [path, app] = await database()
    const db = await system(path)
    const mark = await db.checkpoint('mark')
    await app.exec("begin immediate; update t set v = 'x'")
    await expect(db.checkpoint('later')).rejects.toMatchObject({
      code: 'LOCKED',
      message: expect.stringMatching(new RegExp(`"later" cannot be taken[^]*pid ${app.app.pid} \\(.*app-process`)),
    })
    await expect(db.rollback(mark)).rejects.toMatchObject({ code: 'LOCKED', retryable: true })
    await app.exec('commit')
    await db.rollback(mark)
    expect(await rows(app)).toContain('"one"')
  })

  test('a read transaction on what is undone is named, and nothing is changed under it', async () => {
    const [path, app] = await database()
    const reader = await connect(path, 'node:sqlite')
    const db = await system(path)
    const mark = await db.checkpoint('mark')
    await app.exec("update t set v = 'changed'")
    await reader.exec('begin')
    await reader.all('select * from t')
    await expect(db.rollback(mark)).rejects.toMatchObject({
      code: 'NOT_QUIET',
      message: expect.stringContaining(`pid ${reader.app.pid} `),
    })
    expect(await reader.all('select v from t')).toEqual([{ v: 'changed' }, { v: 'changed' }])
    await reader.exec('commit')
    await db.rollback(mark)
    expect(await rows(reader)).toBe('[{"id":1,"v":"one"},{"id":2,"v":"two"}]')
    expect(await app.all('pragma integrity_check')).toEqual(SOUND)
  })

  test('a statement that was not read to its end is a read transaction', async () => {
    const [path, app] = await database()
    const db = await system(path)
    const mark = await db.checkpoint('mark')
    await app.exec("update t set v = 'changed'")
    await app.beginReading('select * from t')
    await expect(db.rollback(mark)).rejects.toMatchObject({ code: 'NOT_QUIET' })
    await app.endReading()
    await db.rollback(mark)
    expect(await rows(app)).toContain('"one"')
  })

  test('a transaction that ends in time is waited for', async () => {
    const [path, app] = await database()
    const db = await system(path, { settle: 5000 })
    const mark = await db.checkpoint('mark')
    await app.exec("begin immediate; update t set v = 'x'")
    const back = db.rollback(mark)
    await app.exec('commit')
    await back
    expect(await rows(app)).toContain('"one"')
  })

  test('a transaction or an iteration that a step left open on the handle is named', async () => {
    const [path] = await database()
    const db = await system(path)
    const mark = await db.checkpoint('mark')
    db.handle.exec('begin')
    await expect(db.checkpoint('later')).rejects.toThrow('a transaction is open on the handle')
    await expect(db.rollback(mark)).rejects.toThrow('a transaction is open on the handle')
    db.handle.exec('rollback')
    db.handle.exec("update t set v = 'x'")
    const handle = db.handle as unknown as BetterSqlite3.Database
    const iteration = handle.prepare('select * from t').iterate()
    iteration.next()
    await expect(db.rollback(mark)).rejects.toThrow(/read transaction[^]*this process/)
    iteration.return?.()
    await db.rollback(mark)
    expect(db.handle.prepare('select v from t').get()).toEqual({ v: 'one' })
  })
})

describe('what the application may do meanwhile', () => {
  test.each(['full', 'restart', 'truncate', 'passive'])(
    'wal_checkpoint(%s) copies nothing of a branch',
    async (mode) => {
      const [path, app] = await database()
      const db = await system(path)
      const mark = await db.checkpoint('mark')
      await app.exec("pragma busy_timeout = 20; update t set v = 'x'")
      await app.all(`pragma wal_checkpoint(${mode})`)
      await db.rollback(mark)
      expect(await rows(app)).toContain('"one"')
      expect(await app.all('pragma integrity_check')).toEqual(SOUND)
    },
  )

  test('VACUUM that makes the file smaller, then a checkpoint, is undone', async () => {
    const [path, app] = await database()
    await app.exec('create table big (b); create index i on big (b)')
    await app.run(
      'with recursive n(i) as (select 1 union all select i + 1 from n where i < 500) insert into big select randomblob(2000) from n',
    )
    const before = await app.all('select count(*) as n, sum(length(b)) as l from big')
    const db = await system(path)
    const mark = await db.checkpoint('mark')
    for (let branch = 0; branch < 3; branch++) {
      await app.exec('delete from big; vacuum')
      await app.all('pragma wal_checkpoint(passive)')
      await db.rollback(mark)
      expect(await app.all('select count(*) as n, sum(length(b)) as l from big')).toEqual(before)
      expect(await app.all('pragma integrity_check')).toEqual(SOUND)
    }
  })

  test('leaving WAL mode is refused to it, and the marks hold', async () => {
    const [path, app] = await database()
    const db = await system(path)
    const mark = await db.checkpoint('mark')
    await app.exec("pragma busy_timeout = 20; update t set v = 'x'")
    await expect(app.all('pragma journal_mode = delete')).rejects.toThrow('locked')
    await db.rollback(mark)
    expect(await rows(app)).toContain('"one"')
  })

  test('a connection that saw the schema of one branch never takes it for that of another', async () => {
    const [path, app] = await database()
    const other = await connect(path, 'node:sqlite')
    const db = await system(path)
    const mark = await db.checkpoint('mark')
    await app.exec('create table x1 (p, q, r)')
    await app.exec('insert into x1 values (1, 2, 3)')
    expect(await app.all('select * from x1')).toHaveLength(1)
    await db.rollback(mark)
    await other.exec('create table y1 (z)')
    await other.exec('insert into y1 values (9)')
    await expect(app.all('select * from x1')).rejects.toThrow('no such table: x1')
    expect(await app.all('select * from y1')).toEqual([{ z: 9 }])
    await db.rollback(mark)
    await expect(app.all('select * from y1')).rejects.toThrow('no such table: y1')
  })

  test.each([0, 1, 2, 3])('two branches with the same checksum are told apart (shifted by %i)', async (shift) => {
    const [path, app] = await database()
    const other = await connect(path, 'node:sqlite')
    const db = await system(path)
    const mark = await db.checkpoint('mark')
    // 32 more in one byte and 32 less in another, 96 bytes on: SQLite's checksum stays the same where both are the
    // highest byte of a word, and a connection keeps its cache for as long as the header of the index is the same.
    const text = (one: string, two: string): string => `${one}${'x'.repeat(95)}${two}${'x'.repeat(4 + shift)}`
    await other.run('update t set v = ? where id = 1', text('a', 'A'))
    expect(await app.all('select v from t where id = 1')).toEqual([{ v: text('a', 'A') }])
    await db.rollback(mark)
    await other.run('update t set v = ? where id = 1', text('A', 'a'))
    expect(await app.all('select v from t where id = 1')).toEqual([{ v: text('A', 'a') }])
  })

  test('prepared statements outlive the rollback of a schema', async () => {
    const [path, app] = await database()
    const db = await system(path)
    expect(await rows(app)).toContain('"one"')
    const mark = await db.checkpoint('mark')
    await app.exec('alter table t add column more text')
    await app.exec("update t set more = 'm', v = 'x'")
    expect(await rows(app)).toContain('"x"')
    await db.rollback(mark)
    expect(await rows(app)).toBe('[{"id":1,"v":"one"},{"id":2,"v":"two"}]')
  })

  test.each(['select v from t', "update t set v = v || '!' where id = 1"])(
    'it goes on all the time: %s',
    async (sql) => {
      const [path, app] = await database()
      const busy = await connect(path, 'node:sqlite')
      const db = await system(path, { settle: 5000 })
      const mark = await db.checkpoint('mark')
      const times = busy.keepBusy(sql, 1000)
      const end = Date.now() + 900
      let rollbacks = 0
      for (; Date.now() < end; rollbacks++) {
        await app.run("insert into t (v) values ('branch')")
        await db.rollback(mark)
      }
      // How often depends on the machine.
      expect(await times).toBeGreaterThan(0)
      expect(rollbacks).toBeGreaterThan(0)
      await db.rollback(mark)
      expect(await rows(app)).toBe('[{"id":1,"v":"one"},{"id":2,"v":"two"}]')
      expect(await app.all('pragma integrity_check')).toEqual(SOUND)
    },
  )

  test.skipIf(!hasPython)('it is in Python, with a SQLite of its own', async () => {
    const [path, app] = await database('python')
    const db = await system(path)
    const mark = await db.checkpoint('mark')
    for (let branch = 0; branch < 20; branch++) {
      await app.run("insert or replace into t values (1, 'python'), (3, 'three')")
      await db.rollback(mark)
      expect(await rows(app)).toBe('[{"id":1,"v":"one"},{"id":2,"v":"two"}]')
    }
  })
})

describe('the files', () => {
  test.each([512, 1024, 8192, 65_536])('pages of %i bytes', async (size) => {
    const [path, app] = await database('better-sqlite3', `pragma page_size = ${size}`)
    await app.all('pragma journal_mode = wal')
    const db = await system(path)
    const mark = await db.checkpoint('mark')
    await app.run('update t set v = ?', 'x'.repeat(3 * size))
    const changes = await db.changes(mark)
    expect(changes[0]?.updated).toHaveLength(2)
    await db.rollback(mark)
    expect(await rows(app)).toBe('[{"id":1,"v":"one"},{"id":2,"v":"two"}]')
    expect(await db.changes(mark)).toEqual([])
    expect(await app.all('pragma integrity_check')).toEqual(SOUND)
  })

  test('the log does not grow from branch to branch', async () => {
    const [path, app] = await database()
    const db = await system(path)
    const mark = await db.checkpoint('mark')
    const before = statSync(`${path}-wal`).size
    for (let branch = 0; branch < 50; branch++) {
      await app.exec("update t set v = 'x'; create table made (x)")
      await db.rollback(mark)
    }
    expect(statSync(`${path}-wal`).size).toBeLessThan(before + 10_000)
  })

  test('a database that was not in WAL mode is put back into its mode', async () => {
    const [path, app] = await database('better-sqlite3', 'pragma journal_mode = delete')
    await app.close()
    const db = await system(path)
    await db.checkpoint('mark')
    await db.close()
    expect(notices).toEqual([])
    expect(readdirSync(folder).filter((file) => file.startsWith(`${files}.db`))).toEqual([`${files}.db`])
    const again = new DatabaseSync(path)
    expect({ ...again.prepare('pragma journal_mode').get() }).toEqual({ journal_mode: 'delete' })
    again.close()
  })

  test('a database that stays in WAL mode, since it is open, says so', async () => {
    const [path, app] = await database('better-sqlite3', 'pragma journal_mode = delete')
    const db = await system(path)
    const mark = await db.checkpoint('mark')
    await app.exec("update t set v = 'x'")
    await db.rollback(mark)
    expect(await rows(app)).toContain('"one"')
    await db.close()
    expect(notices).toEqual([expect.stringContaining('stays in it')])
  })

  test('a file that is replaced underneath is found out', async () => {
    const [path, app] = await database()
    const db = await system(path)
    const mark = await db.checkpoint('mark')
    await app.exec("update t set v = 'x'")
    copyFileSync(path, `${path}.copy`)
    renameSync(`${path}.copy`, path)
    await expect(db.rollback(mark)).rejects.toMatchObject({ code: 'MARK_LOST' })
    rmSync(path)
    await expect(db.checkpoint('later')).rejects.toMatchObject({ code: 'MARK_LOST' })
  })

  test('two copies of SQLite in one process are refused', async () => {
    const [path] = await database()
    const here = new DatabaseSync(path)
    here.prepare('select * from t').all()
    await expect(system(path, { driver: 'better-sqlite3' })).rejects.toMatchObject({ code: 'UNSUPPORTED' })
    here.close()
    expect(existsSync(`${path}-venomqa`)).toBe(false)
  })

  test('connections of the application in this process keep their locks when the world closes', async () => {
    const [path, app] = await database()
    const here = new BetterSqlite3(path)
    const db = await system(path)
    await db.checkpoint('mark')
    here.exec('begin')
    here.prepare('select * from t').all()
    await db.close()
    await app.exec("pragma busy_timeout = 0; update t set v = 'x'")
    expect(await app.all('pragma wal_checkpoint(truncate)')).toMatchObject([{ busy: 1 }])
    here.exec('commit')
    expect(await app.all('pragma wal_checkpoint(truncate)')).toMatchObject([{ busy: 0 }])
    here.close()
  })
})
