import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { describeServer } from '../../servers/server.ts'
import { postgresServers } from './each.ts'
import { type Opened, open } from './open.ts'

const SCHEMA = `
  create table orders (id serial primary key, status text default 'new');
  insert into orders select from generate_series(1, 3);
  create table part (id int, k int) partition by list (k);
  create table part_default partition of part default;
  insert into part values (1, 1), (2, 2);
  create function f() returns int language sql as 'select 1';
  create type mood as enum ('ok');
  create view seen as select * from orders;
`

/** What the application adds, and what is gone again. */
const ADDED: Readonly<Record<string, string>> = {
  'a table with its sequence, index and rows': `create table items (id serial primary key, "order" int references orders, unique ("order")); insert into items ("order") select id from orders`,
  'a table made of a query': `create table copied as select * from orders; delete from orders; update copied set status = 'x'`,
  'a partitioned table': `create table p (id int primary key) partition by range (id); create table p1 partition of p for values from (0) to (9); insert into p values (1)`,
  'a partition of a table that was there': `begin; delete from part where k = 1; create table part_1 partition of part for values in (1); insert into part values (9, 1); commit`,
  'a view, a materialized view and a sequence': `create view v as select * from orders; create materialized view m as select * from v; create sequence s; select nextval('s')`,
  'tables that refer to each other': `create table a (id int primary key, b int); create table b (id int primary key references a); alter table a add foreign key (b) references b; insert into a values (1, null); insert into b values (1)`,
  'a table that came and went': `create table brief (id int); insert into brief values (1); drop table brief; update orders set status = 'y'`,
  'temporary tables': `create temp table t (a int); insert into t values (1); create index on t (a); alter table t add b int; drop table t; create temp table if not exists t2 as select * from orders; update orders set status = 'z'`,
  'a comment, and statistics': `comment on table orders is 'hello'; analyze; update orders set status = 'c'`,
}

/** What cannot be undone by putting back rows, and a line of the difference. */
const REFUSED: Readonly<Record<string, readonly [sql: string, line: string]>> = {
  'a new column': [
    `alter table orders add total numeric(12,2) default 0`,
    '+ column public.orders.total number 3 numeric(12,2) default 0',
  ],
  'a dropped table': [`drop table orders cascade`, '- table public.orders'],
  'a column that came and went': [
    `alter table orders add brief int; update orders set brief = 1; alter table orders drop brief`,
    '+ table public.orders of',
  ],
  'another type': [
    `drop view seen; alter table orders alter status type varchar(9)`,
    '+ column public.orders.status number 2 character varying(9)',
  ],
  'an index': [`create index by_status on orders (status)`, '+ index CREATE INDEX by_status ON public.orders'],
  'a constraint': [
    `alter table orders add constraint known check (status <> '')`,
    `+ constraint known on public.orders: CHECK`,
  ],
  'a trigger': [
    `create trigger t after insert on orders execute function suppress_redundant_updates_trigger()`,
    '+ CREATE TRIGGER t AFTER INSERT ON public.orders',
  ],
  'a function': [`create or replace function f() returns int language sql as 'select 2'`, '+ function public.f()'],
  'a value of an enum': [`alter type mood add value 'bad'`, `+ type public.mood 'ok', 'bad'`],
  'another view': [`create or replace view seen as select *, 1 as one from orders`, '+ view public.seen'],
  'a sequence that counts by two': [
    `alter sequence orders_id_seq increment 2`,
    '+ sequence public.orders_id_seq start 1 increment 2',
  ],
  'a new schema': [`create schema more; create table more.t (a int)`, '+ schema more'],
  'a policy': [
    `alter table orders enable row level security; create policy p on orders using (true)`,
    '+ policy p on public.orders',
  ],
  'a partition taken away': [`alter table part detach partition part_default`, '- table public.part_default'],
  'a table made anew': [
    `drop view seen; drop table part; create table part (id int, k int) partition by list (k)`,
    '- table public.part',
  ],
  'triggers disabled and enabled again': [
    `alter table orders disable trigger all; insert into orders default values; alter table orders enable trigger all`,
    'venomqa_replica',
  ],
}

for (const name of postgresServers) {
  describeServer(name, (server) => {
    for (const role of ['a superuser', 'an owner'] as const) {
      // Before PostgreSQL 15 an owner needs to be a superuser.
      if (role === 'an owner' && name === 'postgres14') continue
      describe(`seen by ${role}`, () => {
        let opened: Opened
        beforeAll(async () => {
          opened = await open(server, SCHEMA, { role: role === 'an owner' ? 'vq_owner' : undefined })
        })
        afterAll(() => opened[Symbol.asyncDispose]())

        test('is how it is said', async () => {
          expect(opened.system.way).toMatch(role === 'an owner' ? /catalogs are compared/ : /event triggers tell/)
        })

        describe('is gone again:', () => {
          for (const [title, sql] of Object.entries(ADDED)) {
            test(title, async () => {
              const { system, database, connect } = opened
              const application = await connect()
              const before = await state(opened)
              const mark = await system.checkpoint('start')
              for (let branch = 0; branch < 2; branch += 1) {
                await application.query(sql)
                await system.rollback(mark)
                expect(await state(opened)).toEqual(before)
                expect(await system.changes(mark)).toEqual([])
              }
              // Within a later mark it is a table like any other.
              await application.query(sql)
              const inner = await system.checkpoint('inner')
              const between = await state(opened)
              for (const table of between.tables) await application.query(`delete from ${table}`).catch(() => undefined)
              await application.query(`insert into orders default values`)
              await system.rollback(inner)
              expect(await state(opened)).toEqual(between)
              await system.rollback(mark)
              expect(await state(opened)).toEqual(before)
              await system.release(mark)
              expect((await database.query('select count(*)::int as n from orders')).rows).toEqual([{ n: 3 }])
            })
          }
        })
      })
    }

    describe('refused, with the difference:', () => {
      for (const [title, [sql, line]] of Object.entries(REFUSED)) {
        // Before PostgreSQL 15 an owner needs to be a superuser.
        for (const role of title === 'an index' && name !== 'postgres14' ? [undefined, 'vq_owner'] : [undefined]) {
          test(role ? `${title}, seen by an owner` : title, async () => {
            await using opened = await open(server, SCHEMA, { role })
            const mark = await opened.system.checkpoint('order created')
            await opened.database.query(`update part set id = id + 100`)
            await opened.database.query(sql)
            const changed = await state(opened)
            const error = await opened.system.rollback(mark).catch((refusal: unknown) => refusal as Error)
            expect(error).toMatchObject({ code: 'SCHEMA_CHANGED' })
            expect((error as Error).message).toContain('the schema changed since "order created"')
            expect((error as Error).message).toContain(line)
            expect(await state(opened)).toEqual(changed)
          })
        }
      }
    })

    test.each(['vacuum full orders', 'cluster orders using orders_pkey'])(
      '%s moves rows, which is seen',
      async (sql) => {
        await using opened = await open(server, SCHEMA)
        const { system, database } = opened
        const mark = await system.checkpoint('start')
        await database.query(sql)
        // Nothing else happened to the table: nothing is in the way.
        await system.rollback(mark)
        await database.query(`update orders set status = 'paid'`)
        await database.query(sql)
        await expect(system.rollback(mark)).rejects.toThrow('public.orders was rewritten since "start"')
        await expect(system.rollback(mark)).rejects.toMatchObject({ code: 'SCHEMA_CHANGED' })
        // Later marks hold.
        const later = await system.checkpoint('later')
        await database.query(`update orders set status = 'sent'`)
        await system.rollback(later)
        expect((await database.query('select distinct status from orders')).rows).toEqual([{ status: 'paid' }])
        await expect(system.rollback(mark)).rejects.toMatchObject({ code: 'SCHEMA_CHANGED' })
      },
    )

    test('the difference says first what came and went as a whole, and nothing of our triggers', async () => {
      await using opened = await open(server, SCHEMA)
      const mark = await opened.system.checkpoint('start')
      await opened.database.query(
        `drop table orders cascade; create schema made; create table made.t (${Array.from({ length: 30 }, (_, i) => `c${i} int`).join()})`,
      )
      const error = await opened.system.rollback(mark).catch((refusal: unknown) => refusal as Error)
      expect(error).toMatchObject({ code: 'SCHEMA_CHANGED' })
      const lines = (error as Error).message.split('\n').filter((line) => /^ {2}[+-]/.test(line))
      expect(lines.slice(0, 5).join('\n')).toMatch(/\+ schema made/)
      expect(lines.slice(0, 5).join('\n')).toMatch(/- table public\.orders/)
      expect((error as Error).message).not.toContain('venomqa_')
    })

    test('rows that were changed past the triggers are noticed', async () => {
      await using opened = await open(server, SCHEMA)
      const mark = await opened.system.checkpoint('start')
      await opened.database.query(`insert into orders default values`)
      // As a superuser who knows the name of our setting could.
      await opened.database.query(
        `begin; set local session_replication_role = replica; set local venomqa.control = 'on'; delete from orders where id = 4; commit`,
      )
      const error = await opened.system.rollback(mark).catch((refusal: unknown) => refusal as Error)
      expect(error).toMatchObject({ code: 'NOT_VERIFIED' })
      expect((error as Error).message).toContain('public.orders was changed past its triggers')
    })
  })
}

/** What is there: tables with their rows, views, sequences. */
async function state({ database }: Opened): Promise<{ tables: string[]; rest: unknown[]; rows: unknown[] }> {
  const { rows } = await database.query(`
    select c.oid::regclass::text as name, relkind from pg_class c
    where relnamespace in (select oid from pg_namespace where nspname !~ '^pg_' and nspname not in ('venomqa', 'information_schema'))
      and relkind in ('r', 'v', 'm', 'S', 'i') order by 1`)
  const tables = rows.filter(({ relkind }) => relkind === 'r').map(({ name }) => String(name))
  const contents = []
  for (const table of tables)
    contents.push((await database.query(`select x::text as row from only ${table} x order by 1`)).rows)
  for (const { name } of rows.filter(({ relkind }) => relkind === 'S')) {
    contents.push((await database.query(`select last_value, is_called from ${name}`)).rows)
  }
  return { tables, rest: rows.map(({ name, relkind }) => `${relkind} ${name}`), rows: contents }
}
