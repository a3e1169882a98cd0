import { rmSync } from 'node:fs'
import { join } from 'node:path'
import BetterSqlite3 from 'better-sqlite3'
import fc from 'fast-check'
import { afterAll, describe, expect, test } from 'vitest'
import type { Worker } from '../../../src/rollbackable.ts'
import { sqlite, type SqliteMark } from '../../../src/systems/sqlite/index.ts'
import { App, scratchFolder } from './app.ts'
import { dump, type Dump, expectedChanges, listedChanges, type Sql } from './model.ts'

const folder = scratchFolder()
const worker: Worker = { id: '1', runner: 'none', runId: 'test', notice: () => undefined }
const runs = Number(process.env['VENOMQA_FUZZ_RUNS'] ?? 0)
const apps: App[] = []
let files = 0

afterAll(async () => {
  await Promise.all(apps.map((app) => app.kill()))
  rmSync(folder, { recursive: true, force: true })
})

const SCHEMA = `
  create table a (id integer primary key autoincrement, name text, price real, data blob);
  create index a_name on a (name);
  create table w (x text, y integer, v real, primary key (y, x)) without rowid;
  create table n (any_value, "odd "" name" text default 'd');
  create table g (k text primary key, v integer, s integer generated always as (v * 2) stored, c integer as (v + 1));
  create table big (id integer primary key, body text);
  create virtual table f using fts5(title, body);
  create trigger a_to_n after delete on a begin insert into n (any_value) values (old.id); end;
  insert into a (name, price, data) values ('one', 1, x'01'), ('two', 2.5, null);
  insert into w values ('p', 1, 1), ('q', 2, 2.25);
  insert into big values (1, hex(zeroblob(6000))), (2, hex(zeroblob(9000)));
  insert into f values ('hello', 'world');
`

const id = fc.integer({ min: 1, max: 12 })
const word = fc.constantFrom("'a'", "'b'", "''", "'it''s'", "'é'", 'null')
const anyValue = fc.oneof(word, fc.constantFrom('1', '-7', '1.0', '2.5', "x'00ff'", '9007199254740993', '-1', "'1'"))

/** One statement, or several as one transaction; any of them may be refused. */
const statement: fc.Arbitrary<string> = fc.oneof(
  {
    weight: 6,
    arbitrary: fc.tuple(word, anyValue).map(([name, value]) => `insert into a (name, data) values (${name}, ${value})`),
  },
  {
    weight: 3,
    arbitrary: fc
      .tuple(id, word)
      .map(([n, name]) => `insert or replace into a (id, name, price) values (${n}, ${name}, ${n}.5)`),
  },
  {
    weight: 3,
    arbitrary: fc
      .tuple(id, id)
      .map(([n, m]) => `update a set price = price + ${n}, data = x'0${m % 10}' where id <= ${m}`),
  },
  { weight: 3, arbitrary: id.map((n) => `delete from a where id = ${n}`) },
  {
    weight: 3,
    arbitrary: fc.tuple(word, id, anyValue).map(([x, y, v]) => `insert or replace into w values (${x}, ${y}, ${v})`),
  },
  { weight: 2, arbitrary: id.map((n) => `delete from w where y >= ${n}`) },
  { weight: 2, arbitrary: fc.tuple(id, id).map(([n, m]) => `update w set y = y + ${n + 20} where y = ${m}`) },
  { weight: 3, arbitrary: anyValue.map((value) => `insert into n (any_value) values (${value})`) },
  {
    weight: 2,
    arbitrary: fc.tuple(anyValue, id).map(([value, n]) => `update n set any_value = ${value} where rowid = ${n}`),
  },
  { weight: 2, arbitrary: fc.tuple(word, id).map(([k, v]) => `insert or replace into g (k, v) values (${k}, ${v})`) },
  { weight: 1, arbitrary: fc.tuple(word, word).map(([k, l]) => `update g set k = ${l} where k = ${k}`) },
  // Of the same length: only an overflow page changes.
  {
    weight: 2,
    arbitrary: fc
      .tuple(id, id)
      .map(
        ([n, m]) =>
          `update big set body = substr(body, 1, ${9000 + n}) || 'Z' || substr(body, ${9002 + n}) where id = ${(m % 2) + 1}`,
      ),
  },
  {
    weight: 2,
    arbitrary: fc.tuple(id, id).map(([n, m]) => `insert or replace into big values (${n}, hex(zeroblob(${m * 700})))`),
  },
  { weight: 1, arbitrary: id.map((n) => `delete from big where id = ${n}`) },
  { weight: 2, arbitrary: word.map((text) => `insert into f values (${text}, 'text ' || ${text})`) },
  { weight: 1, arbitrary: id.map((n) => `delete from f where rowid = ${n}`) },
  {
    weight: 1,
    arbitrary: id.map(
      (n) =>
        `with recursive i(n) as (select 1 union all select n + 1 from i where n < ${n * 40}) insert into n (any_value) select 'row ' || n from i`,
    ),
  },
  { weight: 1, arbitrary: id.map((n) => `delete from n where rowid % ${n} = 0`) },
  { weight: 1, arbitrary: id.map((n) => `create table z${n % 3} (p integer primary key, q)`) },
  { weight: 1, arbitrary: id.map((n) => `create table z${n % 3} as select id, name from a`) },
  { weight: 1, arbitrary: id.map((n) => `insert into z${n % 3} values (${n}, 'z')`) },
  { weight: 1, arbitrary: id.map((n) => `drop table z${n % 3}`) },
  { weight: 1, arbitrary: id.map((n) => `alter table n add column more${n % 3} real default ${n}`) },
  { weight: 1, arbitrary: id.map((n) => `alter table n drop column more${n % 3}`) },
  { weight: 1, arbitrary: id.map((n) => `create index i${n % 2} on n (any_value)`) },
  { weight: 1, arbitrary: id.map((n) => `drop index i${n % 2}`) },
  { weight: 1, arbitrary: id.map((n) => `pragma user_version = ${n}`) },
  { weight: 1, arbitrary: fc.constant('vacuum') },
  { weight: 1, arbitrary: fc.constant('delete from a') },
)

type Step =
  | {
      readonly do: 'run'
      readonly by: number
      readonly sql: readonly string[]
      readonly end: 'alone' | 'commit' | 'rollback'
    }
  | { readonly do: 'checkpoint' }
  | { readonly do: 'copy the log' }
  | { readonly do: 'rollback' | 'release' | 'tell'; readonly which: number }

const which = fc.oneof({ weight: 2, arbitrary: fc.constant(0) }, { weight: 1, arbitrary: fc.nat(9) })
const step: fc.Arbitrary<Step> = fc.oneof(
  {
    weight: 12,
    arbitrary: fc.record({
      do: fc.constant('run' as const),
      by: fc.nat(2),
      sql: fc.array(statement, { minLength: 1, maxLength: 4 }),
      end: fc.constantFrom('alone' as const, 'commit' as const, 'commit' as const, 'rollback' as const),
    }),
  },
  { weight: 4, arbitrary: fc.constant({ do: 'checkpoint' as const }) },
  { weight: 1, arbitrary: fc.constant({ do: 'copy the log' as const }) },
  { weight: 4, arbitrary: fc.record({ do: fc.constant('rollback' as const), which }) },
  { weight: 1, arbitrary: fc.record({ do: fc.constant('release' as const), which }) },
  { weight: 3, arbitrary: fc.record({ do: fc.constant('tell' as const), which }) },
)
const program = fc.array(step, { minLength: 3, maxLength: 25 })

type System = Pick<ReturnType<typeof sqlite>, 'checkpoint' | 'rollback' | 'release'> &
  Partial<Pick<ReturnType<typeof sqlite>, 'changes'>>

/** Runs programs one after the other, each from the same state; every rollback is compared in every connection. */
async function follow(db: System, connections: readonly Sql[], count: number): Promise<void> {
  const base = await db.checkpoint('base')
  const found = await dump(connections[0]!)
  await fc.assert(
    fc.asyncProperty(program, async (steps) => {
      await db.rollback(base)
      const marks: { mark: SqliteMark; dump: Dump }[] = []
      for (const step of steps) {
        if (step.do === 'run') await run(connections[step.by % connections.length]!, step.sql, step.end)
        else if (step.do === 'copy the log') await connections[0]!.exec('pragma wal_checkpoint(passive)')
        else if (step.do === 'checkpoint') {
          marks.push({ mark: await db.checkpoint(`mark ${marks.length}`), dump: await dump(connections[0]!) })
        } else if (marks.length > 0) {
          const at = marks.length - 1 - (step.which % marks.length)
          const { mark, dump: model } = marks[at]!
          if (step.do === 'release')
            for (const { mark: later } of marks.splice(at).toReversed()) await db.release(later)
          else if (step.do === 'rollback') {
            await db.rollback(mark)
            marks.length = at + 1
            for (const connection of connections) expect(await dump(connection)).toEqual(model)
            if (db.changes) expect(await db.changes(mark)).toEqual([])
          } else if (db.changes) {
            const now = await dump(connections[0]!)
            expect(listedChanges(await db.changes(mark))).toEqual(expectedChanges(model, now))
          }
        }
      }
      // Reading it first: FTS5 checks what it remembers of an index that another connection has changed meanwhile.
      await connections[0]!.all('select * from f')
      expect(await connections[0]!.all('pragma integrity_check')).toEqual([{ integrity_check: 'ok' }])
    }),
    { numRuns: runs || count, ...(process.env['VENOMQA_SEED'] ? { seed: Number(process.env['VENOMQA_SEED']) } : {}) },
  )
  await db.rollback(base)
  expect(await dump(connections[0]!)).toEqual(found)
}

async function run(
  connection: Sql,
  statements: readonly string[],
  end: 'alone' | 'commit' | 'rollback',
): Promise<void> {
  if (end !== 'alone') await connection.exec('begin immediate')
  for (const sql of statements) await connection.exec(sql).catch(() => undefined)
  if (end !== 'alone') await connection.exec(end)
}

function here(db: BetterSqlite3.Database): Sql {
  return { exec: async (sql) => db.exec(sql), all: async (sql) => db.prepare(sql).all() as Record<string, unknown>[] }
}

describe('any program', () => {
  test('wal, three connections of the application in this process', async () => {
    const path = join(folder, `${++files}.db`)
    const connections = [1, 2, 3].map(() => new BetterSqlite3(path))
    connections[0]!.pragma('journal_mode = wal')
    connections[0]!.exec(SCHEMA)
    const db = sqlite(path)
    await db.open(worker)
    await follow(db, connections.map(here), 200)
    await db.close()
    for (const connection of connections) connection.close()
  }, 3_600_000)

  test('wal, other processes with both drivers', async () => {
    const path = join(folder, `${++files}.db`)
    apps.push(App.start('better-sqlite3'), App.start('node:sqlite'))
    const connections = await Promise.all(apps.map((app) => app.open(path)))
    await connections[0]!.all('pragma journal_mode = wal')
    await connections[0]!.exec(SCHEMA)
    const db = sqlite(path, { settle: 10_000 })
    await db.open(worker)
    await follow(db, connections, 10)
    await db.close()
  }, 3_600_000)

  test.each(['serialize', 'savepoint'] as const)(
    '%s, in memory',
    async (way) => {
      const connection = new BetterSqlite3(':memory:')
      connection.exec(SCHEMA)
      const db = sqlite(connection, { way })
      await db.open(worker)
      const noTransactions: Sql = {
        ...here(connection),
        exec: async (sql) => {
          if (way === 'savepoint' && /^(begin|commit|rollback|vacuum|pragma wal)/.test(sql)) return
          connection.exec(sql)
        },
      }
      await follow(db, [noTransactions], 20)
      await db.close()
    },
    3_600_000,
  )
})
