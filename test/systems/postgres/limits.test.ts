import { expect, test } from 'vitest'
import { describeServer } from '../../servers/server.ts'
import { postgresServers } from './each.ts'
import { open } from './open.ts'
import { makeDatabase } from './subject.ts'

// What is not undone. docs/systems/postgres.md says so; should one of these fail, it is undone by now, and the page is wrong.

for (const name of postgresServers) {
  describeServer(name, (server) => {
    test('the order of rows that nobody asked to be sorted', async () => {
      await using opened = await open(
        server,
        'create table orders (id int, v int); insert into orders values (1, 1), (2, 2), (3, 3)',
      )
      const mark = await opened.system.checkpoint('start')
      await opened.database.query('update orders set v = 0 where id = 1')
      await opened.system.rollback(mark)
      const { rows } = await opened.database.query('select id from orders')
      expect(rows.map(({ id }) => id)).not.toEqual([1, 2, 3])
      expect(new Set(rows.map(({ id }) => id))).toEqual(new Set([1, 2, 3]))
    })

    test('the version and the place of a row', async () => {
      await using opened = await open(server, 'create table orders (id int primary key); insert into orders values (1)')
      const where = async (): Promise<unknown> =>
        (await opened.database.query('select xmin::text, ctid::text from orders')).rows
      const before = await where()
      const mark = await opened.system.checkpoint('start')
      await opened.database.query('update orders set id = 2')
      await opened.system.rollback(mark)
      expect(await where()).not.toEqual(before)
    })

    test('large objects', async () => {
      await using opened = await open(server, '')
      const mark = await opened.system.checkpoint('start')
      await opened.database.query(`select lo_from_bytea(4711, 'x')`)
      await opened.system.rollback(mark)
      expect((await opened.database.query('select count(*)::int as n from pg_largeobject_metadata')).rows).toEqual([
        { n: 1 },
      ])
    })

    test('notifications that were sent', async () => {
      await using opened = await open(server, '')
      const [sender, receiver] = [await opened.connect(), await opened.connect()]
      const received: unknown[] = []
      receiver.on('notification', ({ payload }) => received.push(payload))
      await receiver.query('listen orders')
      const mark = await opened.system.checkpoint('start')
      await sender.query(`notify orders, 'paid'`)
      await opened.system.rollback(mark)
      await receiver.query('select 1')
      expect(received).toEqual(['paid'])
    })

    test('a materialized view that was refreshed', async () => {
      await using opened = await open(
        server,
        'create table orders (id int); create materialized view seen as select count(*)::int as n from orders',
      )
      const mark = await opened.system.checkpoint('start')
      await opened.database.query('insert into orders values (1); refresh materialized view seen')
      await opened.system.rollback(mark)
      expect(
        (await opened.database.query('select n, (select count(*)::int from orders) as rows from seen')).rows,
      ).toEqual([{ n: 1, rows: 0 }])
    })

    test('foreign tables, and other databases', async () => {
      const elsewhere = await makeDatabase(server, 'create table orders (id int)')
      const { hostname, port } = new URL(elsewhere.url)
      try {
        await using opened = await open(
          server,
          `create extension postgres_fdw;
           create server elsewhere foreign data wrapper postgres_fdw options (host '${hostname}', port '${port}', dbname '${elsewhere.name}');
           create user mapping for current_user server elsewhere options (user 'postgres', password_required 'false');
           create foreign table orders (id int) server elsewhere`,
        )
        const mark = await opened.system.checkpoint('start')
        await opened.database.query('insert into orders values (1)')
        await opened.system.rollback(mark)
        expect((await elsewhere.query('select * from orders')).rows).toEqual([{ id: 1 }])
      } finally {
        await elsewhere.drop()
      }
    })

    test('tables that belong to an extension', async () => {
      await using opened = await open(server, 'create table configured (id int); create extension plpgsql_check').catch(
        () =>
          open(
            server,
            `create table configured (id int); create extension hstore; alter extension hstore add table configured`,
          ),
      )
      const mark = await opened.system.checkpoint('start')
      await opened.database.query('insert into configured values (1)')
      await opened.system.rollback(mark)
      expect((await opened.database.query('select * from configured')).rows).toEqual([{ id: 1 }])
    })

    test('values that a session took from a sequence in advance', async () => {
      await using opened = await open(server, 'create sequence numbers cache 10')
      const application = await opened.connect()
      const mark = await opened.system.checkpoint('start')
      const next = async (): Promise<string> => (await application.query(`select nextval('numbers') as n`)).rows[0].n
      expect(await next()).toBe('1')
      await opened.system.rollback(mark)
      expect(await next()).toBe('2')
    })

    test('a row that broke a constraint before cannot be put back, and that is said', async () => {
      await using opened = await open(
        server,
        `create table orders (id int primary key, total int); insert into orders values (1, -5), (2, 5);
         alter table orders add constraint positive check (total > 0) not valid`,
      )
      const mark = await opened.system.checkpoint('start')
      await opened.database.query('update orders set total = 7')
      await expect(opened.system.rollback(mark)).rejects.toMatchObject({
        code: 'ROLLBACK_FAILED',
        message: expect.stringContaining('violates check constraint "positive"'),
      })
      expect((await opened.database.query('select total from orders order by id')).rows).toEqual([
        { total: 7 },
        { total: 7 },
      ])
    })
  })
}
