import { rmSync } from 'node:fs'
import { join } from 'node:path'
import BetterSqlite3 from 'better-sqlite3'
import { afterAll, afterEach, describe, expect, test } from 'vitest'
import type { Worker } from '../../../src/rollbackable.ts'
import { sqlite, type SqliteFileOptions } from '../../../src/systems/sqlite/index.ts'
import { scratchFolder } from './app.ts'

const folder = scratchFolder()
const worker: Worker = { id: '1', runner: 'none', runId: 'test', notice: () => undefined }
const open: (() => unknown)[] = []
let files = 0

afterEach(async () => {
  for (const close of open.splice(0).toReversed()) await close()
})
afterAll(() => rmSync(folder, { recursive: true, force: true }))

async function database(schema: string, options: SqliteFileOptions = {}) {
  const path = join(folder, `${++files}.db`)
  const app = new BetterSqlite3(path)
  app.pragma('journal_mode = wal')
  app.exec(schema)
  const db = sqlite(path, options)
  await db.open(worker)
  open.push(
    () => app.close(),
    () => db.close(),
  )
  return { app, db, path }
}

const ways: SqliteFileOptions[] = [{ way: 'wal' }, { way: 'backup' }, { way: 'wal', driver: 'better-sqlite3' }]

describe.each(ways)('changes() with %o', (options) => {
  test('tells every type exactly', async () => {
    const { app, db } = await database(
      'create table t (id integer primary key, i integer, r real, s text, b blob, x)',
      options,
    )
    const mark = await db.checkpoint('mark')
    const values = [1n, 2n ** 62n, 1, 'é\n\'"', Buffer.from([0, 255]), 1.5]
    app.prepare('insert into t values (?, ?, ?, ?, ?, ?)').run(...values)
    app.prepare('insert into t values (?, ?, ?, ?, ?, ?)').run(-(2n ** 63n), -129n, -0.5, '', Buffer.alloc(0), null)
    expect(await db.changes(mark)).toEqual([
      {
        table: 't',
        inserted: [
          { id: -(2n ** 63n), i: -129, r: -0.5, s: '', b: Buffer.alloc(0), x: null },
          { id: 1, i: 2n ** 62n, r: 1, s: 'é\n\'"', b: Buffer.from([0, 255]), x: 1.5 },
        ],
        updated: [],
        deleted: [],
      },
    ])
  })

  test('tells only what differs, under the primary key', async () => {
    const { app, db } = await database(
      `create table orders (id integer primary key, status text, total real);
       create table "odd ""name" (k text, "a b" integer, v, primary key ("a b", k)) without rowid;
       create table loose (v);
       insert into orders values (1, 'open', 10), (2, 'open', 20);
       insert into "odd ""name" values ('x', 1, 'v'), ('y', 2, 'v');
       insert into loose values ('same'), ('other')`,
      options,
    )
    const mark = await db.checkpoint('mark')
    app.exec(`
      update orders set status = 'paid' where id = 2;
      update orders set status = status;
      insert or replace into "odd ""name" values ('x', 1, 'changed');
      delete from "odd ""name" where k = 'y';
      update loose set v = 'changed' where v = 'other'
    `)
    expect(await db.changes(mark)).toEqual([
      {
        table: 'loose',
        inserted: [],
        updated: [{ key: { rowid: 2 }, before: { v: 'other' }, after: { v: 'changed' } }],
        deleted: [],
      },
      {
        table: 'odd "name',
        inserted: [],
        updated: [{ key: { 'a b': 1, k: 'x' }, before: { v: 'v' }, after: { v: 'changed' } }],
        deleted: [{ k: 'y', 'a b': 2, v: 'v' }],
      },
      {
        table: 'orders',
        inserted: [],
        updated: [{ key: { id: 2 }, before: { status: 'open' }, after: { status: 'paid' } }],
        deleted: [],
      },
    ])
  })

  test('leaves out computed columns, counters and the index behind full text', async () => {
    const { app, db } = await database(
      `create table g (id integer primary key autoincrement, a, b generated always as (a * 2) stored, c generated always as (a + 1));
       create virtual table f using fts5(title, body);
       create virtual table old using fts4(title);
       insert into f values ('first', 'text')`,
      options,
    )
    const mark = await db.checkpoint('mark')
    app.exec("insert into g (a) values (2); update f set body = 'other'; insert into old values ('new')")
    expect(await db.changes(mark)).toEqual([
      {
        table: 'f',
        inserted: [],
        updated: [{ key: { rowid: 1 }, before: { body: 'text' }, after: { body: 'other' } }],
        deleted: [],
      },
      { table: 'g', inserted: [{ id: 1, a: 2, b: 4 }], updated: [], deleted: [] },
      { table: 'old', inserted: [{ rowid: 1, title: 'new' }], updated: [], deleted: [] },
    ])
  })

  test('tells a change of the schema', async () => {
    const { app, db } = await database('create table t (a); insert into t values (1)', options)
    const mark = await db.checkpoint('mark')
    app.exec('create table empty (x); create index i on t (a); alter table t add column more integer default 7')
    expect(await db.changes(mark)).toEqual([
      {
        table: 'sqlite_schema',
        inserted: [
          { type: 'table', name: 'empty', tbl_name: 'empty', sql: 'CREATE TABLE empty (x)' },
          { type: 'index', name: 'i', tbl_name: 't', sql: 'CREATE INDEX i on t (a)' },
        ],
        updated: [expect.objectContaining({ key: { type: 'table', name: 't' } })],
        deleted: [],
      },
    ])
    app.exec('update t set more = more + 1')
    expect((await db.changes(mark)).at(-1)).toEqual({
      table: 't',
      inserted: [],
      updated: [{ key: { rowid: 1 }, before: {}, after: { more: 8 } }],
      deleted: [],
    })
    const inner = await db.checkpoint('inner')
    app.exec('insert into t (a) values (2); drop table empty')
    expect(await db.changes(inner)).toMatchObject([
      { table: 'sqlite_schema', deleted: [{ name: 'empty' }] },
      { table: 't', inserted: [{ a: 2, more: 7 }] },
    ])
  })

  test('works in a database of UTF-16', async () => {
    const { app, db } = await database("pragma encoding = 'UTF-16be'; create table t (k text primary key, v)", options)
    const mark = await db.checkpoint('mark')
    app.exec("insert into t values ('ключ', '東京')")
    expect(await db.changes(mark)).toMatchObject([{ table: 't', inserted: [{ k: 'ключ', v: '東京' }] }])
  })

  test('finds a row longer than a page that was overwritten in place', async () => {
    const { app, db } = await database('create table t (id integer primary key, v text)', options)
    const insert = app.prepare('insert into t values (?, ?)')
    for (let id = 1; id <= 50; id++) insert.run(id, 'x'.repeat(20_000))
    app.pragma('wal_checkpoint(truncate)')
    const mark = await db.checkpoint('mark')
    const changed = `${'x'.repeat(15_000)}Y${'x'.repeat(4999)}`
    app.prepare('update t set v = ? where id = 33').run(changed)
    expect(await db.changes(mark)).toEqual([
      {
        table: 't',
        inserted: [],
        updated: [{ key: { id: 33 }, before: { v: 'x'.repeat(20_000) }, after: { v: changed } }],
        deleted: [],
      },
    ])
  })
})

describe('observe()', () => {
  test('is equal if and only if the data is', async () => {
    const { app, db } = await database('create table t (k text primary key, v); create table n (v)')
    const data = async (): Promise<unknown> => (await db.observe()).data
    app.exec("insert into t values ('a', 1), ('b', 2); insert into n values (1), (2)")
    const first = await data()
    app.exec("delete from t; delete from n; insert into n values (2), (1); insert into t values ('b', 2), ('a', 1)")
    expect(await data()).toEqual(first)
    for (const change of [
      "update t set v = 1.0 where k = 'a'",
      "update t set v = '1' where k = 'a'",
      "update t set v = x'31' where k = 'a'",
      'insert into n values (1)',
      'create table more (x)',
      'pragma user_version = 1',
    ]) {
      const before = await data()
      app.exec(change)
      expect(await data(), change).not.toEqual(before)
    }
  })

  test('tells counters beside the identity', async () => {
    const { app, db } = await database('create table t (id integer primary key autoincrement)')
    const before = await db.observe()
    app.exec('insert into t default values; delete from t')
    const after = await db.observe()
    expect(after.data).toEqual(before.data)
    expect(after.metadata).toEqual({ counters: { t: 1 } })
  })
})

describe('reset()', () => {
  const SCHEMA = `
    create table users (id integer primary key autoincrement, name text);
    create table orders (id integer primary key, user integer not null references users on delete restrict, next references orders);
    create table audit (v);
    create table _prisma_migrations (id);
    create virtual table f using fts5(text);
    create trigger t after delete on users begin insert into audit values (old.id); end;
    insert into users (name) values ('ada'), ('bob');
    insert into orders values (1, 1, null), (2, 2, 1);
    insert into _prisma_migrations values (1);
    insert into f values ('hello');
  `

  test('empties all but the migrations, whatever the foreign keys and triggers', async () => {
    const { app, db } = await database(SCHEMA)
    app.pragma('foreign_keys = on')
    const mark = await db.checkpoint('mark')
    await db.reset()
    const counts = ['users', 'orders', 'audit', 'f', '_prisma_migrations'].map((table) =>
      app.prepare(`select count(*) from ${table}`).pluck().get(),
    )
    expect(counts).toEqual([0, 0, 0, 0, 1])
    expect(app.prepare('insert into users (name) values (?) returning id').pluck().get('new')).toBe(1)
    await db.rollback(mark)
    expect(app.prepare('select count(*) from orders').pluck().get()).toBe(2)
  })

  test('only and except, unknown names, and rows that are kept', async () => {
    const { app, db } = await database(SCHEMA)
    await db.reset({ only: ['orders'] })
    expect(app.prepare('select count(*) from users').pluck().get()).toBe(2)
    await db.reset({ except: ['users'] })
    expect(app.prepare('select count(*) from users').pluck().get()).toBe(2)
    await expect(db.reset({ only: ['user'] })).rejects.toThrow(
      'These are the tables: _prisma_migrations, audit, f, orders, users',
    )
    app.exec('insert into orders values (5, 1, null)')
    await expect(db.reset({ except: ['orders'] })).rejects.toThrow('rows of "orders" refer to it')
    expect(app.prepare('select count(*) from users').pluck().get()).toBe(2)
  })

  test('on a shared handle, in the transaction of a savepoint too', async () => {
    for (const way of ['serialize', 'savepoint'] as const) {
      const app = new BetterSqlite3(':memory:')
      app.exec(SCHEMA)
      const db = sqlite(app, { way })
      await db.open(worker)
      const mark = await db.checkpoint('mark')
      await db.reset()
      expect(app.prepare('select count(*) from users').pluck().get()).toBe(0)
      await db.rollback(mark)
      expect(app.prepare('select count(*) from users').pluck().get()).toBe(2)
      expect(app.pragma('foreign_keys', { simple: true })).toBe(1)
      await db.close()
      app.close()
    }
  })
})

test('ping says which SQLite answers', async () => {
  const { db } = await database('create table t (a)')
  expect(await db.ping()).toMatchObject({ ok: true, detail: expect.stringMatching(/^SQLite 3\.\d+/) })
})
