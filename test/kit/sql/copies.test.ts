import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest'
import { World } from '../../../src/index.ts'
import {
  type ConnectionConfig,
  type Dialect,
  type SqlBackend,
  type SqlBackendOptions,
  sqliteDialect,
} from '../../../src/kit/index.ts'
import { describeServer } from '../../servers/server.ts'
import { BetterSqlite3Backend } from './backends/better-sqlite3.ts'
import { LibsqlBackend } from './backends/libsql.ts'
import { MysqlBackend } from './backends/mysql.ts'
import { PostgresBackend } from './backends/postgres.ts'
import { type App, betterSqlite3App, fileStore, libsqlApp, mysqlStore, postgresStore, type Store } from './stores.ts'

type Make = (url: string, options?: SqlBackendOptions) => SqlBackend<never>

/** Tables that are hard to bring back, what is done to them, and a query that shows them whole. */
type Hard = Readonly<Record<string, readonly [make: readonly string[], change: readonly string[], show: string]>>

const EVERYWHERE: Hard = {
  'rows without a key, some of them the same': [
    ['create table t (x int)', 'insert into t values (1), (1), (2), (null)'],
    ['delete from t where x = 1', 'insert into t values (2), (3)'],
    'select x from t order by x',
  ],
  'a key of two columns': [
    [
      'create table t (a int, b int, x int, primary key (b, a))',
      'insert into t values (1, 1, 0), (1, 2, 0), (2, 1, 0)',
    ],
    ['update t set x = 1 where a = 1', 'delete from t where a = 2', 'insert into t values (2, 2, 2)'],
    'select * from t order by a, b',
  ],
  'two rows that changed places in a unique key': [
    ['create table t (id int primary key, x int, unique (x))', 'insert into t values (1, 10), (2, 20), (3, 30)'],
    ['update t set x = 99 where id = 1', 'update t set x = 10 where id = 2', 'update t set x = 20 where id = 1'],
    'select * from t order by id',
  ],
  'a parent whose deletion took its children': [
    [
      'create table p (id int primary key)',
      'create table t (id int primary key, p int, foreign key (p) references p (id) on delete cascade)',
      'insert into p values (1), (2)',
      'insert into t values (1, 1), (2, 1), (3, 2)',
    ],
    ['delete from p where id = 1', 'insert into p values (3)', 'update t set p = 3', 'delete from p where id = 2'],
    'select t.id, t.p, p.id as parent from t left join p on p.id = t.p order by t.id',
  ],
  'a parent that was changed, of children that were not': [
    [
      'create table p (id int primary key, x int)',
      'create table t (id int primary key, p int, foreign key (p) references p (id))',
      'insert into p values (1, 1)',
      'insert into t values (1, 1)',
    ],
    ['update p set x = 2'],
    'select t.id, p.x from t join p on p.id = t.p',
  ],
  'a row that refers to itself': [
    [
      'create table t (id int primary key, up int, foreign key (up) references t (id))',
      'insert into t values (1, 1), (2, 1)',
    ],
    ['delete from t where id = 2', 'insert into t values (3, 1)', 'update t set up = 3 where id = 1'],
    'select * from t order by id',
  ],
  'a computed column': [
    [
      'create table t (id int primary key, x int, twice int generated always as (x * 2) stored)',
      'insert into t (id, x) values (1, 5)',
    ],
    ['update t set x = 6', 'insert into t (id, x) values (2, 7)'],
    'select id, x, twice from t order by id',
  ],
  'names that need quotes': [
    ['create table "select ""it" (id int primary key, "from"" here" int)', 'insert into "select ""it" values (1, 1)'],
    ['delete from "select ""it"', 'insert into "select ""it" values (2, 2)'],
    'select * from "select ""it"',
  ],
}

describeServer('postgres', (url) => {
  const { given, make } = suite(
    () => postgresStore(url, 'venomqa_kit_test_hard'),
    (at, options) => new PostgresBackend(at, options) as never,
  )
  hard(given, make, {
    ...EVERYWHERE,
    'a type whose values JavaScript has not': [
      [
        `create table t (id int generated always as identity primary key, n numeric, at timestamptz, d date, j json,
          b bytea, a text[], i interval, r int4range, f float4, g float8, bit bit(3), m money, u uuid, c char(5))`,
        `insert into t (n, at, d, j, b, a, i, r, f, g, bit, m, u, c) values ('1e-30', '2024-02-29 23:59:59.123456+05:30',
          'infinity', '{ "a":  1.0 }', '\\x00ff', '{"a,b",NULL,"\\"x\\""}', '1 mon -1 day 00:00:00.000001', '[1,5)',
          0.1, 'NaN', b'101', '1.23', gen_random_uuid(), 'ab')`,
      ],
      ['delete from t', 'insert into t (n) values (1)'],
      'select t::text as x from t',
    ],
    'tables that inherit': [
      [
        'create table p (id int primary key, x int)',
        'create table t (id int primary key, y int) inherits (p)',
        'insert into p values (1, 1)',
        'insert into t values (2, 2, 2)',
      ],
      ['update p set x = 3', 'delete from t', 'insert into t values (3, 3, 3)'],
      'select p.*, tableoid::regclass::text as its from p order by id',
    ],
    'a table in parts': [
      [
        'create table t (id int primary key, x int) partition by range (id)',
        'create table low partition of t for values from (0) to (10)',
        'create table high partition of t for values from (10) to (20)',
        'insert into t values (1, 1), (11, 1)',
      ],
      ['update t set id = 12 where id = 1', 'delete from t where id = 11'],
      'select t.*, tableoid::regclass::text as its from t order by id',
    ],
    'a table of another schema': [
      [
        'create schema "my sales"',
        'create table "my sales".t (id int primary key)',
        'insert into "my sales".t values (1)',
      ],
      ['update "my sales".t set id = 2'],
      'select * from "my sales".t',
    ],
  })

  test('what fires on a write does not fire on writing back', async () => {
    const { app } = given()
    await app.rows(`create table t (id int primary key, n int default 0);
      create function f() returns trigger language plpgsql as 'begin new.n := coalesce(new.n, 0) + 1; return new; end';
      create trigger tr before insert or update on t for each row execute function f(); insert into t values (1)`)
    expect(await undone(given(), make, ['update t set n = 5', 'delete from t'], 'select * from t')).toBe(true)
  })

  test.each(['copies', 'savepoints'] as const)('a database that another world uses, with %s', async (way) => {
    const { store } = given()
    const first = await World.open({ systems: { db: make(store.url, { way }) } })
    const second = make(store.url, { settle: 50 })
    await expect(World.open({ systems: { db: second } })).rejects.toMatchObject({ code: 'LEASED' })
    expect(second.isConnected).toBe(false)
    await first.close()
    await (await World.open({ systems: { db: make(store.url) } })).close()
  })

  test('a user who may not leave out constraints is told when the world opens', async () => {
    const { app, store } = given()
    await app.rows(`do 'begin create role venomqa_kit_plain login; exception when duplicate_object then null; end'`)
    const at = new URL(store.url)
    at.username = 'venomqa_kit_plain'
    const opened = World.open({ systems: { db: make(at.href) } })
    await expect(opened).rejects.toMatchObject({
      code: 'MISSING_GRANT',
      message: expect.stringContaining('session_replication_role'),
    })
  })
})

for (const name of ['mysql', 'mariadb']) {
  describeServer(name, (url) => {
    const { given, make } = suite(
      () => mysqlStore(url, 'venomqa_kit_test_hard'),
      (at, options) => new MysqlBackend(at, options) as never,
    )
    const ansi = ([statements, changes, show]: Hard[string]): Hard[string] => {
      const marks = (sql: string): string =>
        sql.replaceAll('"select ""it"', '`select "it`').replaceAll('"from"" here"', '`from" here`')
      return [statements.map(marks), changes.map(marks), marks(show)]
    }
    test('a database that another world uses is refused', async () => {
      const { store } = given()
      const first = await World.open({ systems: { db: make(store.url) } })
      const second = make(store.url, { settle: 50 })
      await expect(World.open({ systems: { db: second } })).rejects.toMatchObject({ code: 'LEASED' })
      await first.close()
      await (await World.open({ systems: { db: make(store.url) } })).close()
    })

    hard(given, make, {
      ...Object.fromEntries(Object.entries(EVERYWHERE).map(([what, it]) => [what, ansi(it)])),
      'a type whose values JavaScript has not': [
        [
          `create table t (id bigint unsigned primary key, n decimal(40, 20), f float, d double, at datetime(6), b blob,
            j json, bit bit(10), y year, e enum('a', 'b'))`,
          `insert into t values (18446744073709551615, '12345678901234567890.12345678901234567890', 16777217.3, 0.1,
            '2024-02-29 23:59:59.123456', x'00ff', '{"a": 1.0}', b'1000000001', 2024, 'b'), (0, null, 1.17549e-38, -0.0,
            null, '', 'null', 0, 1901, 'a')`,
        ],
        ['delete from t where id > 0', 'update t set f = 3 where id = 0'],
        'select id, n, cast(f as double) as f, d, cast(at as char) as at, hex(b) as b, cast(j as char) as j, bit + 0 as bit, y, e from t order by id',
      ],
      'an id of zero in a table that counts': [
        [
          "set session sql_mode = 'NO_AUTO_VALUE_ON_ZERO'",
          'create table t (id int primary key auto_increment)',
          'insert into t values (0), (7)',
        ],
        ['delete from t'],
        'select * from t order by id',
      ],
    })
  })
}

for (const [name, application, make] of [
  [
    'better-sqlite3',
    betterSqlite3App,
    (at: string, options?: SqlBackendOptions) => new BetterSqlite3Backend(at, options) as never,
  ],
  ['libsql', libsqlApp, (at: string, options?: SqlBackendOptions) => new LibsqlBackend(at, options) as never],
] as const) {
  describe(name, () => {
    const { given } = suite(() => fileStore(application), make)
    hard(given, make, {
      ...EVERYWHERE,
      'values of another type than their column': [
        [
          'create table t (id integer primary key, x)',
          `insert into t values (1, 1), (2, '1'), (3, 1.0), (4, x'31'), (5, 9223372036854775807), (6, 1e300)`,
        ],
        ['update t set x = 0'],
        'select id, typeof(x) as type, quote(x) as x from t order by id',
      ],
      'a table without rowid': [
        ['create table t (k text primary key, v) without rowid', `insert into t values ('a', 1), ('b', 2)`],
        [`delete from t where k = 'a'`, `update t set v = 3`],
        'select * from t order by k',
      ],
    })

    test('a trigger that writes on its own account is not undone in silence', async () => {
      const { app, store } = given()
      await app.rows('create table t (id int primary key, n int default 0)')
      await app.rows('create trigger tr after insert on t begin update t set n = n + 1 where id = new.id; end')
      await app.rows('insert into t values (1, 0)')
      const world = await World.open({ systems: { db: make(store.url, { settle: 100 }) } })
      const mark = await world.checkpoint('mark')
      await app.rows('delete from t')
      await expect(world.rollback(mark)).rejects.toMatchObject({
        code: 'NOT_QUIET',
        message: expect.stringContaining('trigger'),
      })
      await world.close().catch(() => {})
    })
  })
}

test('a rollback that a foreign key refuses says what the dialect must turn off', async () => {
  class Checked extends BetterSqlite3Backend {
    protected override readonly dialectOf = (version: string): Dialect => ({
      ...sqliteDialect(version),
      unconstrained: { before: [], after: () => [] },
    })
  }
  const store = fileStore(betterSqlite3App)
  await store.fresh()
  const app = await store.app()
  await app.rows('create table b_parent (id int primary key)')
  await app.rows('create table a_child (id int primary key, parent int references b_parent (id))')
  await app.rows('insert into b_parent values (1)')
  await app.rows('insert into a_child values (1, 1)')
  const world = await World.open({ systems: { db: new Checked(store.url, { settle: 50 }) } })
  const mark = await world.checkpoint('ordered')
  await app.rows('delete from a_child')
  await app.rows('delete from b_parent')
  await expect(world.rollback(mark)).rejects.toMatchObject({
    code: 'ROLLBACK_FAILED',
    message: expect.stringMatching(/foreign key[^]*put back to "ordered" in any order[^]*`unconstrained`/),
    cause: { family: 'integrity', constraint: 'foreign key' },
  })
  await world.close().catch(() => undefined)
  await app.end()
  await store.dispose()
})

describe('a backend refuses', () => {
  const { given, make } = suite(
    () => fileStore(betterSqlite3App),
    (at, options) => new BetterSqlite3Backend(at, options) as never,
  )

  test('a database that nothing proves to be for tests', async () => {
    const backend = new PostgresBackend('postgres://u:s3cret@127.0.0.1:1/shop')
    const opened = World.open({ systems: { db: backend } })
    await expect(opened).rejects.toMatchObject({
      code: 'NOT_A_TEST_DATABASE',
      message: expect.stringContaining(`allowDatabase: 'shop'`),
    })
    const elsewhere = new PostgresBackend('postgres://u@db.example/shop_test')
    await expect(World.open({ systems: { db: elsewhere } })).rejects.toMatchObject({ code: 'NOT_A_TEST_DATABASE' })
  })

  test('to open a second pool when it is connected twice at once', async () => {
    let opened = 0
    class Counting extends BetterSqlite3Backend {
      protected override openConnection(config: ConnectionConfig) {
        opened += 1
        return super.openConnection(config)
      }
    }
    const backend = new Counting(':memory:')
    await Promise.all([backend.connect(), backend.connect()])
    await backend.connect()
    expect(opened).toBe(1)
    await backend.disconnect()
  })

  test('to go back over a change of schema', async () => {
    const { app, store } = given()
    const world = await World.open({ systems: { db: make(store.url) } })
    const mark = await world.checkpoint('mark')
    await app.rows('alter table kv add column extra text')
    await app.rows(`insert into kv values ('a', '1', '2')`)
    await expect(world.rollback(mark)).rejects.toMatchObject({
      code: 'SCHEMA_CHANGED',
      message: expect.stringContaining('kv'),
    })
    expect(world.tainted).toBeDefined()
    expect(await app.rows('select k from kv')).toHaveLength(1)
    await world.close().catch(() => {})
  })

  test('to write back what the driver parsed, but not to compare it', async () => {
    class Parsing extends BetterSqlite3Backend {
      protected override run(...given: Parameters<BetterSqlite3Backend['run']>) {
        const result = super.run(...given)
        const rows = result.rows.map((row) => ('day' in row ? { ...row, day: new Date(String(row['day'])) } : row))
        return { ...result, rows }
      }
    }
    const { app, store } = given()
    await app.rows('create table t (id integer primary key, day text)')
    await app.rows(`insert into t values (1, '2024-02-29')`)
    const opened = World.open({ systems: { db: new Parsing(store.url) } })
    await expect(opened).rejects.toMatchObject({ code: 'CONVERSION', message: expect.stringContaining('t.day') })
    await using world = await World.open({ systems: { db: new Parsing(store.url, { way: 'savepoints' }) } })
    const mark = await world.checkpoint('mark')
    await world.systems.db.execute(`update t set day = '2024-03-01'`)
    expect((await world.changes(mark)).db[0]?.updated).toHaveLength(1)
    await world.rollback(mark)
    expect((await world.changes(mark)).db).toEqual([])
  })

  test('to copy more rows than it was told to', async () => {
    const { app, store } = given()
    for (let i = 0; i < 4; i += 1) await app.rows('insert into kv values (?, ?)', [`k${i}`, 'v'])
    const opened = World.open({ systems: { db: make(store.url, { maxRows: 3 }) } })
    await expect(opened).rejects.toMatchObject({ code: 'TOO_LARGE', message: expect.stringContaining('maxRows') })
  })

  test('to be used before it is connected, and marks before it is open', async () => {
    const backend = make(given().store.url)
    await expect(backend.execute('select 1')).rejects.toMatchObject({ code: 'NOT_OPEN' })
    expect(() => backend.dialect).toThrow(/connect\(\) first/)
    await backend.connect()
    await expect((async () => backend.checkpoint('mark'))()).rejects.toMatchObject({ code: 'NOT_OPEN' })
    await backend.disconnect()
  })

  test('to empty a table that there is not, and one that rows elsewhere refer to', async () => {
    const { app, store } = given()
    await app.rows('create table p (id integer primary key)')
    await app.rows('create table c (p integer references p (id))')
    await app.rows('create table knex_migrations (id integer primary key)')
    await app.rows('insert into p values (1)')
    await app.rows('insert into c values (1)')
    await app.rows('insert into knex_migrations values (1)')
    await using world = await World.open({ systems: { db: make(store.url) } })
    await expect(world.reset({ only: ['q'] })).rejects.toThrow(/no table "q"[^]*tables: c, ids, knex_migrations, kv, p/)
    await expect(world.reset({ only: ['p'] })).rejects.toMatchObject({ code: 'INTEGRITY' })
    await world.reset()
    const count = async (table: string): Promise<unknown> => (await app.rows(`select * from ${table}`)).length
    expect(await Promise.all(['p', 'c', 'knex_migrations'].map(count))).toEqual([0, 0, 1])
  })

  test('nothing that was to be kept at the end, with savepoints', async () => {
    const { app, store } = given()
    const world = await World.open({ systems: { db: make(store.url, { way: 'savepoints' }) } })
    await world.systems.db.execute(`insert into kv values ('a', '1')`)
    await world.close({ keep: true })
    expect(await app.rows('select k from kv')).toEqual([{ k: 'a' }])
  })

  test('to lend its connection past an open transaction, with savepoints', async () => {
    await using world = await World.open({
      systems: { db: make(given().store.url, { way: 'savepoints', settle: 50 }) },
    })
    const { db } = world.systems
    await db.transaction(async (tx) => {
      await expect(db.execute('select 1')).rejects.toMatchObject({ code: 'LOCKED' })
      await expect(world.checkpoint('inside')).rejects.toMatchObject({ code: 'NOT_QUIET' })
      await tx.execute(`insert into kv values ('a', '1')`)
    })
    expect(await db.query('select k from kv')).toEqual([{ k: 'a' }])
  })
})

function hard(given: () => Given, make: Make, all: Hard): void {
  test.each(Object.entries(all))('comes back: %s', async (_, [statements, changes, show]) => {
    for (const sql of statements) await given().app.rows(sql)
    expect(await undone(given(), make, changes, show)).toBe(true)
  })
}

/** Whether changes of the application are seen, listed, and gone after a rollback, twice. */
async function undone({ app, store }: Given, make: Make, changes: readonly string[], show: string): Promise<boolean> {
  await using world = await World.open({ systems: { db: make(store.url) }, verify: 'always' })
  const look = async (): Promise<string> => JSON.stringify(await app.rows(show))
  const before = await look()
  const mark = await world.checkpoint('mark')
  for (let i = 0; i < 2; i += 1) {
    for (const sql of changes) await app.rows(sql)
    expect(await look()).not.toBe(before)
    expect((await world.changes(mark)).db).not.toEqual([])
    await world.rollback(mark)
    expect(await look()).toBe(before)
  }
  return true
}

interface Given {
  readonly store: Store
  readonly app: App
}

function suite(open: () => Promise<Store> | Store, make: Make): { given: () => Given; make: Make } {
  const at: { store?: Store; app?: App } = {}
  beforeAll(async () => void (at.store = await open()))
  beforeEach(async () => {
    await at.app?.end()
    await at.store!.fresh()
    at.app = await at.store!.app()
  })
  afterAll(async () => {
    await at.app?.end()
    await at.store?.dispose()
  })
  return { given: () => ({ store: at.store!, app: at.app! }), make }
}
