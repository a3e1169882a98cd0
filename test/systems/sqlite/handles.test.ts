import { DatabaseSync } from 'node:sqlite'
import BetterSqlite3 from 'better-sqlite3'
import { describe, expect, test } from 'vitest'
import type { Worker } from '../../../src/rollbackable.ts'
import { sqlite, type SqliteDatabase } from '../../../src/systems/sqlite/index.ts'

const worker: Worker = { id: '1', runner: 'none', runId: 'test', notice: () => undefined }
const opened = async <S extends { open(worker: Worker): Promise<void> }>(system: S): Promise<S> => {
  await system.open(worker)
  return system
}

describe.each<[string, () => SqliteDatabase]>([
  ['better-sqlite3', () => new BetterSqlite3(':memory:')],
  ['node:sqlite', () => new DatabaseSync(':memory:')],
])('%s in memory', (_, make) => {
  test("serialize: the application's own transactions and statements work", async () => {
    const app = make()
    app.exec('create table t (id integer primary key, v text)')
    const insert = app.prepare('insert into t (v) values (?)')
    const db = await opened(sqlite(app))
    const mark = await db.checkpoint('mark')
    for (let branch = 0; branch < 3; branch++) {
      app.exec('begin')
      insert.run('committed')
      app.exec('commit')
      app.exec('begin')
      insert.run('given up')
      app.exec('rollback')
      expect(app.prepare('select count(*) as n from t').get()).toMatchObject({ n: 1 })
      await db.rollback(mark)
      expect(app.prepare('select count(*) as n from t').get()).toMatchObject({ n: 0 })
    }
    app.exec('begin')
    await expect(db.rollback(mark)).rejects.toMatchObject({ code: 'NOT_QUIET' })
    await expect(db.checkpoint('later')).rejects.toMatchObject({ code: 'NOT_QUIET' })
    app.exec('rollback')
    await db.close()
  })

  test('serialize: rowids, counters, versions, schema and full text come back', async () => {
    const app = make()
    app.exec(`
      create table n (v);
      insert into n (rowid, v) values (5, 'five'), (9, 'nine');
      create table ids (id integer primary key autoincrement, v);
      insert into ids (v) values ('a'), ('b'), ('c');
      delete from ids where id > 1;
      create table log (v);
      create trigger t after insert on n begin insert into log values (new.v); end;
      create view w as select v from n;
      create virtual table f using fts5(text);
      insert into f (rowid, text) values (3, 'hello world');
      create table child (id integer primary key, n references ids on delete cascade);
      insert into child values (1, 1);
      create table g (a integer, b integer generated always as (a * 2) stored, check (a < 10));
      insert into g (a) values (1);
      pragma user_version = 7;
      pragma foreign_keys = on;
    `)
    const all = (sql: string): unknown => app.prepare(sql).all()
    const state = (): unknown => ({
      n: all('select rowid as r, v from n'),
      ids: all('select * from ids'),
      counters: all('select name, seq from sqlite_sequence'),
      rest: [all('select * from log'), all('select * from w'), all('select * from child'), all('select * from g')],
      text: all("select rowid as r, text from f where f match 'hello'"),
      pragmas: [all('pragma user_version'), all('pragma foreign_keys'), all('pragma ignore_check_constraints')],
      schema: all('select type, name, sql from sqlite_schema order by type, name'),
    })
    const before = state()
    const db = await opened(sqlite(app))
    const mark = await db.checkpoint('mark')
    for (const branch of [
      "insert into n values ('ten'); delete from ids; delete from child; update g set a = 4",
      'drop table log; drop trigger t; drop view w; alter table n add column more; create table extra (x); pragma user_version = 8',
      "insert into f (text) values ('hello again'); delete from f where rowid = 3; insert into f (f) values ('optimize')",
      'drop table f; create index i on n (v); drop table child',
    ]) {
      app.exec(branch)
      expect(await db.changes(mark)).not.toEqual([])
      await db.rollback(mark)
      expect(await db.changes(mark)).toEqual([])
      expect(JSON.stringify(state())).toBe(JSON.stringify(before))
      expect(all('pragma integrity_check')).toMatchObject([{ integrity_check: 'ok' }])
    }
    await db.close()
    expect(JSON.stringify(state())).toBe(JSON.stringify(before))
  })

  test('serialize: a full-text table does not remember its index of a branch', async () => {
    const app = make()
    app.exec('create virtual table f using fts5(text)')
    const insert = app.prepare('insert into f (text) values (?)')
    for (let i = 0; i < 20; i++) insert.run(`base ${i}`)
    const db = await opened(sqlite(app))
    const mark = await db.checkpoint('mark')
    for (let branch = 0; branch < 3; branch++) {
      for (let i = 0; i < 100; i++) insert.run(`branch ${i} ${'word '.repeat(i)}`)
      app.exec("insert into f (f) values ('optimize')")
      await db.rollback(mark)
      app.exec("insert into f (f) values ('integrity-check')")
      expect(app.prepare("select count(*) as n from f where f match 'base'").get()).toMatchObject({ n: 20 })
      expect(app.prepare("select count(*) as n from f where f match 'branch'").get()).toMatchObject({ n: 0 })
    }
    await db.close()
  })

  test('savepoint: a transaction of its own fails in the application, never in silence', async () => {
    const app = make()
    app.exec('create table t (v)')
    const db = await opened(sqlite(app, { way: 'savepoint' }))
    const mark = await db.checkpoint('mark')
    expect(() => app.exec('begin')).toThrow('cannot start a transaction within a transaction')
    app.exec("insert into t values ('branch')")
    await db.rollback(mark)
    expect(app.prepare('select * from t').all()).toEqual([])
    app.exec("insert into t values ('committed'); commit")
    await expect(db.rollback(mark)).rejects.toMatchObject({ code: 'MARK_LOST' })
    await expect(db.checkpoint('later')).rejects.toMatchObject({ code: 'MARK_LOST' })
    app.exec('begin')
    await expect(db.rollback(mark)).rejects.toMatchObject({ code: 'MARK_LOST' })
    app.exec('rollback')
    await db.close()
  })

  test('savepoint: closing keeps the state as it is', async () => {
    const app = make()
    app.exec('create table t (v)')
    const db = await opened(sqlite(app, { way: 'savepoint' }))
    await db.checkpoint('mark')
    app.exec("insert into t values ('kept')")
    await db.close()
    app.exec('begin; rollback')
    expect(app.prepare('select count(*) as n from t').get()).toMatchObject({ n: 1 })
  })
})

test("savepoint: better-sqlite3's transaction() nests", async () => {
  const app = new BetterSqlite3(':memory:')
  app.exec('create table t (v)')
  const insert = app.transaction((fails: boolean) => {
    app.exec("insert into t values ('in a transaction')")
    if (fails) throw new Error('given up')
  })
  const db = await opened(sqlite(app, { way: 'savepoint' }))
  const mark = await db.checkpoint('mark')
  insert(false)
  expect(() => insert(true)).toThrow('given up')
  expect(app.prepare('select count(*) as n from t').get()).toEqual({ n: 1 })
  await db.rollback(mark)
  expect(app.prepare('select count(*) as n from t').get()).toEqual({ n: 0 })
  await db.close()
})

test('a handle that is set to be undefended stays so', async () => {
  const app = new BetterSqlite3(':memory:').unsafeMode(true)
  app.exec("create virtual table f using fts5(text); insert into f values ('hello')")
  const db = await opened(sqlite(app))
  const mark = await db.checkpoint('mark')
  app.exec("insert into f values ('again')")
  await db.rollback(mark)
  app.exec('pragma writable_schema = on')
  expect(app.pragma('writable_schema', { simple: true })).toBe(1)
  await db.close()
})
