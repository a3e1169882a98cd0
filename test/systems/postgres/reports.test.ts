import { expect, test } from 'vitest'
import { describeServer } from '../../servers/server.ts'
import { postgresServers } from './each.ts'
import { type Opened, open } from './open.ts'

for (const name of postgresServers) {
  describeServer(name, (server) => {
    test('changes() tells of each row what differs, as PostgreSQL prints it', async () => {
      await using opened = await open(
        server,
        `create table orders (id serial primary key, status text, total numeric(12,2), paid boolean, at timestamptz, tags text[], doc jsonb);
         insert into orders values (1, 'new', 1.50, false, '2024-01-01 12:00+02', '{a,"b c"}', '{"b": 1, "a": null}'), (2, 'new', 2, null, 'infinity', '{}', '[]');
         select setval('orders_id_seq', 2);
         create table keyless (a int, b text); insert into keyless values (1, 'x'), (1, 'x'), (2, 'y');
         create schema audit; create table audit.log (line text unique not null, n int); insert into audit.log values ('first', 1);
         create table part (id int primary key, v text) partition by range (id);
         create table part_low partition of part for values from (0) to (10); create table part_high partition of part for values from (10) to (20);
         insert into part values (1, 'one'), (2, 'two');
         create table "Odd ""name" ("The Id" int primary key, "sel""ect" text, "__proto__" text); insert into "Odd ""name" values (1, 'a', 'b');
         create table untouched (id int); create view v as select 1`,
      )
      const { system } = opened
      const application = await opened.connect()
      const mark = await system.checkpoint('start')
      expect(await system.changes(mark)).toEqual([])
      await application.query(`
        set timezone = 'Asia/Kolkata'; set datestyle = 'German';
        update orders set status = 'paid', paid = true, tags = tags || '{c}' where id = 1;
        delete from orders where id = 2;
        insert into orders (status, at, doc) values ('fresh', '2024-06-01 00:00+00', '{"z":1}');
        insert into orders (id, status) values (50, 'brief'); delete from orders where id = 50;
        update orders set total = total;
        update keyless set b = 'z' where ctid = (select min(ctid) from keyless); delete from keyless where a = 2; insert into keyless values (2, 'y');
        update audit.log set n = 2;
        update part set v = 'ONE' where id = 1; update part set id = 12 where id = 2; insert into part values (3, 'three');
        update "Odd ""name" set "sel""ect" = 'A', "__proto__" = null;
        create table made (id serial primary key, v text); insert into made (v) values ('m')`)
      const expected = [
        {
          table: 'Odd "name',
          inserted: [],
          updated: [
            {
              key: { 'The Id': '1' },
              before: Object.fromEntries([
                ['sel"ect', 'a'],
                ['__proto__', 'b'],
              ]),
              after: Object.fromEntries([
                ['sel"ect', 'A'],
                ['__proto__', null],
              ]),
            },
          ],
          deleted: [],
        },
        {
          table: 'audit.log',
          inserted: [],
          updated: [{ key: { line: 'first' }, before: { n: '1' }, after: { n: '2' } }],
          deleted: [],
        },
        { table: 'keyless', inserted: [{ a: '1', b: 'z' }], updated: [], deleted: [{ a: '1', b: 'x' }] },
        { table: 'made', inserted: [{ id: '1', v: 'm' }], updated: [], deleted: [] },
        {
          table: 'orders',
          inserted: [
            {
              id: '3',
              status: 'fresh',
              total: null,
              paid: null,
              at: '2024-06-01 00:00:00+00',
              tags: null,
              doc: '{"z": 1}',
            },
          ],
          updated: [
            {
              key: { id: '1' },
              before: { status: 'new', paid: 'f', tags: '{a,"b c"}' },
              after: { status: 'paid', paid: 't', tags: '{a,"b c",c}' },
            },
          ],
          deleted: [{ id: '2', status: 'new', total: '2.00', paid: null, at: 'infinity', tags: '{}', doc: '[]' }],
        },
        {
          table: 'part',
          inserted: [
            { id: '3', v: 'three' },
            { id: '12', v: 'two' },
          ],
          updated: [{ key: { id: '1' }, before: { v: 'one' }, after: { v: 'ONE' } }],
          deleted: [{ id: '2', v: 'two' }],
        },
      ]
      expect(await system.changes(mark)).toEqual(expected)
      const inner = await system.checkpoint('inner')
      expect(await system.changes(inner)).toEqual([])
      await application.query(`update made set v = 'n'; delete from audit.log`)
      expect(await system.changes(inner)).toEqual([
        { table: 'audit.log', inserted: [], updated: [], deleted: [{ line: 'first', n: '2' }] },
        {
          table: 'made',
          inserted: [],
          updated: [{ key: { id: '1' }, before: { v: 'm' }, after: { v: 'n' } }],
          deleted: [],
        },
      ])
      await system.rollback(inner)
      expect(await system.changes(mark)).toEqual(expected)
      await system.rollback(mark)
      expect(await system.changes(mark)).toEqual([])
    })

    test('changes() of a table that was altered says so', async () => {
      await using opened = await open(server, 'create table orders (id int primary key); insert into orders values (1)')
      const mark = await opened.system.checkpoint('start')
      await opened.database.query('update orders set id = 2; alter table orders add v text; update orders set id = 3')
      await expect(opened.system.changes(mark)).rejects.toMatchObject({ code: 'SCHEMA_CHANGED' })
    })

    test('observe() shows every table, and reads again only those that changed', async () => {
      await using opened = await open(
        server,
        `create table orders (id serial primary key, total numeric(9,2), paid boolean); insert into orders (total) values (10), (9.5);
         create table keyless (a text); insert into keyless values ('b'), ('a'), ('a');
         create table part (id int primary key) partition by range (id); create table part1 partition of part for values from (0) to (9); insert into part values (2), (1);
         create table parent (id int); create table child () inherits (parent); insert into parent values (1); insert into child values (2);
         create table big (id int primary key, v text); insert into big select g, 'v' from generate_series(1, 12000) g;
         create view v as select * from orders`,
      )
      const { system } = opened
      const application = await opened.connect()
      const first = await system.observe()
      expect(first).toEqual({
        system: 'postgres',
        data: {
          big: { rows: 12_000, digest: expect.stringMatching(/^-?\d+ -?\d+$/) },
          child: [{ id: '2' }],
          keyless: [{ a: 'a' }, { a: 'a' }, { a: 'b' }],
          orders: [
            { id: '1', total: '10.00', paid: null },
            { id: '2', total: '9.50', paid: null },
          ],
          parent: [{ id: '1' }],
          part: [{ id: '1' }, { id: '2' }],
        },
      })
      const reads = await tablesRead(opened, async () => expect(await system.observe()).toEqual(first))
      expect(reads).toEqual([])

      const mark = await system.checkpoint('start')
      await application.query(
        `update orders set paid = true where id = 1; update big set v = 'w' where id = 77; insert into part values (3)`,
      )
      const second = await system.observe()
      expect(second.data).toMatchObject({
        orders: [{ id: '1', paid: 't' }, { id: '2' }],
        part: [{ id: '1' }, { id: '2' }, { id: '3' }],
      })
      expect(second).not.toEqual(first)
      const inner = await system.checkpoint('inner')
      expect(await tablesRead(opened, () => system.observe())).toEqual([])
      await application.query(`delete from orders`)
      expect(await tablesRead(opened, () => system.observe())).toEqual(['orders'])
      await system.rollback(inner)
      expect(await tablesRead(opened, async () => expect(await system.observe()).toEqual(second))).toEqual([])
      await system.rollback(mark)
      expect(await tablesRead(opened, async () => expect(await system.observe()).toEqual(first))).toEqual([])

      // What was not observed between a write and a mark is read again.
      await application.query(`insert into keyless values ('c')`)
      const later = await system.checkpoint('later')
      const third = await system.observe()
      expect((third.data as { keyless: unknown[] }).keyless).toHaveLength(4)
      await application.query(`create table made (id int); insert into made values (1)`)
      expect((await system.observe()).data).toMatchObject({ made: [{ id: '1' }] })
      await system.rollback(later)
      expect(await system.observe()).toEqual(third)

      // A table that came and was marked without a look in between is there as well.
      await application.query(`create table made (id int)`)
      await system.checkpoint('made')
      await application.query(`insert into made values (2)`)
      expect((await system.observe()).data).toMatchObject({ made: [{ id: '2' }] })
      await system.rollback(mark)
      expect(await system.observe()).toEqual(first)
    })

    test('reset() empties tables, but not what migrations need, and starts ids anew', async () => {
      await using opened = await open(
        server,
        `create table users (id serial primary key); create table orders (id int generated always as identity primary key, "user" int references users);
         create table part (id int) partition by range (id); create table part1 partition of part for values from (0) to (9);
         create table schema_migrations (version text); create table _prisma_migrations (id text); create schema drizzle; create table drizzle.__drizzle_migrations (id int);
         insert into users select from generate_series(1, 3); insert into orders ("user") select id from users; insert into part values (1);
         insert into schema_migrations values ('1'); insert into _prisma_migrations values ('1'); insert into drizzle.__drizzle_migrations values (1)`,
      )
      const { system } = opened
      const application = await opened.connect()
      const counts = async (): Promise<string> =>
        (
          await application.query(`select concat_ws(' ', (select count(*) from users), (select count(*) from orders), (select count(*) from part),
          (select count(*) from schema_migrations), (select count(*) from _prisma_migrations), (select count(*) from drizzle.__drizzle_migrations)) as n`)
        ).rows[0].n
      const mark = await system.checkpoint('start')
      await system.reset()
      expect(await counts()).toBe('0 0 0 1 1 1')
      expect((await application.query('insert into users default values returning id')).rows).toEqual([{ id: 1 }])
      await system.rollback(mark)
      expect(await counts()).toBe('3 3 1 1 1 1')
      expect((await application.query('insert into users default values returning id')).rows).toEqual([{ id: 4 }])
      await system.rollback(mark)

      await system.reset({ only: ['orders', 'public.part'] })
      expect(await counts()).toBe('3 0 0 1 1 1')
      await system.rollback(mark)
      await system.reset({ only: ['schema_migrations'] })
      expect(await counts()).toBe('3 3 1 0 1 1')
      await system.rollback(mark)

      // Orders are kept and refer to users: nothing is emptied.
      const error = await system.reset({ except: ['orders'] }).catch((refused: unknown) => refused as Error)
      expect(error).toMatchObject({ code: 'BAD_ARGUMENT' })
      expect((error as Error).message).toContain('orders refers to users (orders_user_fkey), and is to be kept')
      expect(await counts()).toBe('3 3 1 1 1 1')
      await application.query('update orders set "user" = null')
      await system.reset({ except: ['orders'] })
      expect(await counts()).toBe('0 3 0 1 1 1')
      await system.rollback(mark)
      expect(await counts()).toBe('3 3 1 1 1 1')
      for (const options of [{ only: ['order'] }, { except: ['order'] }]) {
        await expect(system.reset(options)).rejects.toMatchObject({
          code: 'BAD_ARGUMENT',
          message: expect.stringContaining('no table "order"'),
        })
      }
    })

    test('ping() and selfTest() tell that it works, and leave nothing', async () => {
      await using opened = await open(server, 'create table orders (id serial primary key)')
      const { system } = opened
      expect(await system.ping()).toMatchObject({ ok: true, latencyMs: expect.any(Number) })
      const mark = await system.checkpoint('start')
      await system.selfTest()
      expect(await system.changes(mark)).toEqual([])
      expect(system.way).toContain('undo: triggers on 1 tables')
      await opened.database.query('alter table venomqa.probe disable trigger user')
      await expect(system.selfTest()).rejects.toMatchObject({ code: 'SELF_TEST_FAILED' })
    })

    test('steps see a pool', async () => {
      await using opened = await open(server, 'create table orders (id int primary key, at timestamptz)')
      const mark = await opened.system.checkpoint('start')
      await opened.system.handle.query('insert into orders values ($1, now())', [7])
      const { rows } = await opened.system.handle.query('select * from orders')
      expect(rows).toEqual([{ id: 7, at: expect.any(Date) }])
      await opened.system.rollback(mark)
      expect((await opened.system.handle.query('select * from orders')).rowCount).toBe(0)
    })
  })
}

/** Which tables a call reads: the last statement of the system's session names them. */
async function tablesRead({ database }: Opened, call: () => Promise<unknown>): Promise<string[]> {
  await call()
  const { rows } = await database.query(
    `select query from pg_stat_activity where application_name like 'venomqa none%' and datname = current_database()`,
  )
  return [...String(rows[0].query).matchAll(/from (?:only )?public\.(\w+)/g)].map(([, table]) => table!)
}
