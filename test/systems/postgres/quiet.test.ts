import { expect, test } from 'vitest'
import { describeServer } from '../../servers/server.ts'
import { postgresServers } from './each.ts'
import { type Opened, open } from './open.ts'

const SCHEMA =
  'create table orders (id int primary key, status text); insert into orders select g, $$new$$ from generate_series(1, 9) g'

for (const name of postgresServers) {
  describeServer(name, (server) => {
    test('a checkpoint waits for a transaction to end', async () => {
      await using opened = await open(server, SCHEMA)
      const application = await opened.connect()
      await application.query(`begin; update orders set status = 'paid'`)
      const taken = opened.system.checkpoint('order created')
      setTimeout(() => void application.query('commit'), 100)
      const mark = await taken
      await application.query('delete from orders')
      await opened.system.rollback(mark)
      expect((await application.query('select distinct status from orders')).rows).toEqual([{ status: 'paid' }])
    })

    test('an autovacuum that takes long is ended where triggers come and go, and tables are emptied', async () => {
      await using opened = await open(server, SCHEMA, { settle: 80 })
      const application = await opened.connect()
      // It pauses after each page.
      await application.query(`create table big with (autovacuum_vacuum_threshold = 1, autovacuum_vacuum_insert_threshold = 1,
        autovacuum_vacuum_cost_delay = 100, autovacuum_vacuum_cost_limit = 1) as select g, repeat('x', 900) from generate_series(1, 20000) g`)
      const isVacuumed = async (): Promise<boolean> =>
        (await application.query(`select from pg_stat_progress_vacuum where relid = 'big'::regclass`)).rows.length > 0
      const begun = async (): Promise<void> => {
        while (!(await isVacuumed())) await new Promise((resolve) => setTimeout(resolve, 20))
      }
      await application.query('alter system set autovacuum_naptime = 1')
      try {
        await application.query('select pg_reload_conf()')
        await opened.system.checkpoint('start')
        await begun()
        await opened.system.reset?.()
        expect((await application.query('select from big')).rows).toEqual([])
        await application.query(`insert into big select g, repeat('x', 900) from generate_series(1, 20000) g`)
        await begun()
        await opened.system.close?.()
      } finally {
        await application.query('alter system reset autovacuum_naptime')
        await application.query('select pg_reload_conf()')
      }
    })

    test('a transaction that does not end is named', async () => {
      await using opened = await open(server, SCHEMA, { settle: 80 })
      const mark = await opened.system.checkpoint('start')
      const application = await opened.connect()
      const { rows } = await application.query('select pg_backend_pid() as pid')
      await application.query('begin')
      await application.query(`update orders\n  set status = 'paid'`)
      const error = await opened.system.checkpoint('order created').catch((refusal: unknown) => refusal)
      expect(error).toMatchObject({ code: 'NOT_QUIET', retryable: true })
      expect((error as Error).message).toMatch(
        new RegExp(
          '^postgres: 1 write transaction is still open, so "order created" cannot be taken\\.\n' +
            `It belongs to pid ${rows[0].pid} \\(application_name "shop", idle in transaction 0\\.\\d s\\): update orders set status = 'paid'\n` +
            'End it, or raise settle \\(0\\.08 s\\), or allow postgres\\(url, \\{ terminate: true \\}\\)\\.$',
        ),
      )
      await expect(opened.system.rollback(mark)).rejects.toMatchObject({ code: 'NOT_QUIET' })
      await application.query('commit')
      await opened.system.rollback(mark)
      expect((await application.query('select distinct status from orders')).rows).toEqual([{ status: 'new' }])
    })

    test('a transaction is known by its id before it has written in a table', async () => {
      await using opened = await open(server, SCHEMA, { settle: 0 })
      const application = await opened.connect()
      await application.query('begin; select * from orders for update')
      await expect(opened.system.checkpoint('locked')).rejects.toMatchObject({ code: 'NOT_QUIET' })
      await application.query('rollback')
      await opened.system.checkpoint('free')
    })

    test('who still writes is ended where that is allowed', async () => {
      await using opened = await open(server, SCHEMA, { settle: 50, terminate: true })
      const mark = await opened.system.checkpoint('start')
      const application = await opened.connect()
      await application.query(`begin; update orders set status = 'paid'`)
      await opened.system.rollback(mark)
      await expect(application.query('commit')).rejects.toThrow(/terminat|closed|not queryable/)
      const after = await opened.connect()
      expect((await after.query('select distinct status from orders')).rows).toEqual([{ status: 'new' }])
    })

    test('readers are never in the way, and never wait', async () => {
      await using opened = await open(server, SCHEMA, { settle: 0 })
      const reader = await opened.connect()
      const writer = await opened.connect()
      await reader.query('begin isolation level repeatable read')
      await reader.query('select * from orders')
      const mark = await opened.system.checkpoint('start')
      await writer.query('delete from orders')
      await opened.system.rollback(mark)
      await opened.system.rollback(await opened.system.checkpoint('again'))
      expect((await reader.query('select * from orders')).rows).toHaveLength(9)
      await reader.query('commit')
      expect((await reader.query('select * from orders')).rows).toHaveLength(9)
    })

    test('who writes in another database is not waited for', async () => {
      await using opened = await open(server, SCHEMA, { settle: 0 })
      await using elsewhere = await open(server, SCHEMA)
      const application = await elsewhere.connect()
      await application.query(`begin; update orders set status = 'paid'`)
      await opened.system.rollback(await opened.system.checkpoint('start'))
      await application.query('rollback')
    })

    test('a writer who comes while a rollback is at work comes after it', async () => {
      await using opened = await open(server, `${SCHEMA}; create table other (id int); insert into other values (1)`)
      const mark = await opened.system.checkpoint('start')
      const [loader, straggler] = [await opened.connect(), await opened.connect()]
      await loader.query(`insert into orders select g, 'bulk' from generate_series(10, 30000) g`)
      const back = opened.system.rollback(mark)
      await rollbackAtWork(opened)
      const late = straggler.query('update other set id = 2')
      await Promise.all([back, late])
      const { rows } = await straggler.query(
        'select (select count(*)::int from orders) as orders, (select id from other) as other',
      )
      expect(rows).toEqual([{ orders: 9, other: 2 }])
      expect(await opened.system.changes(mark)).toEqual([
        { table: 'other', inserted: [{ id: '2' }], updated: [], deleted: [{ id: '1' }] },
      ])
      await opened.system.rollback(mark)
      expect((await straggler.query('select id from other')).rows).toEqual([{ id: 1 }])
    })
  })
}

/** Waits until the rollback holds other writers off. */
async function rollbackAtWork({ database }: Opened): Promise<void> {
  for (;;) {
    const { rows } = await database.query(
      `select from pg_locks where relation = 'venomqa.log'::regclass and mode = 'ShareRowExclusiveLock' and granted`,
    )
    if (rows.length > 0) return
  }
}
