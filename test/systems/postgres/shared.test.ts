import { sql } from 'drizzle-orm'
import { drizzle } from 'drizzle-orm/node-postgres'
import fc from 'fast-check'
import { Kysely, PostgresDialect } from 'kysely'
import pg from 'pg'
import { expect, test, vi } from 'vitest'
import type { Worker } from '../../../src/rollbackable.ts'
import { postgres, type SharedOptions } from '../../../src/systems/postgres/index.ts'
import { World } from '../../../src/world.ts'
import { describeServer } from '../../servers/server.ts'
import { postgresServers } from './each.ts'
import { type Database, makeDatabase } from './subject.ts'

const SCHEMA = `
  create table t (id int primary key, n int not null default 0);
  create table parent (id int primary key);
  create table child (id int primary key, parent int references parent deferrable initially deferred);
  create table late (id int primary key, parent int references parent deferrable initially immediate);
  create table checked (n int);
  create function check_later() returns trigger language plpgsql as
    $$ begin insert into checked values (new.id); return null; end $$;
  create constraint trigger later after insert on t deferrable initially deferred for each row execute function check_later();
  create sequence s;
`

const NUMBERS = fc.integer({ min: 1, max: 4 })

/** What a client says, most of it about transactions. */
const STATEMENT = fc.oneof(
  fc.constantFrom(
    'begin',
    'BEGIN WORK',
    'start transaction read only',
    'commit',
    'END',
    '/* that was all */ Commit',
    'commit and chain',
    'rollback',
    'abort',
    'rollback and chain',
    'savepoint a',
    'savepoint b',
    'rollback to a',
    'rollback work to savepoint b',
    'release a',
    'set transaction read only',
    'set constraints all immediate',
    'set constraints all deferred',
    'select id, n from t order by id',
    'select n from checked order by n',
    'select count(*) from child',
    `select 'rollback; commit'`,
    'select 1/0',
    'truncate checked',
    'begin; insert into t values (5); commit; select count(*) from t',
    'insert into t values (6); select 1/0; insert into t values (7)',
    'insert into t values (6); commit; insert into t values (7)',
    'insert into t values (8); commit; insert into t values (9); select 1/0',
    'insert into t values (9); select 1/0; commit',
    'create table made (n int)',
    'drop table made',
    'create table if not exists made (n int); insert into made values (1)',
    'savepoint x; select 1',
  ),
  NUMBERS.map((id) => `insert into t values (${id})`),
  NUMBERS.map((id) => `update t set n = n + 1 where id <= ${id}`),
  NUMBERS.map((id) => `delete from t where id = ${id}`),
  NUMBERS.map((id) => `insert into parent values (${id})`),
  NUMBERS.map((id) => `delete from parent where id = ${id}`),
  NUMBERS.map((id) => `insert into child values (${id}, ${id})`),
  NUMBERS.map((id) => `insert into late values (${id}, ${id})`),
)

const CONTENT = `
  select (select array_agg(t order by id) from t) as t, (select array_agg(n order by n) from checked) as checked,
    (select array_agg(c order by id) from child c) as child, (select array_agg(l order by id) from late l) as late,
    (select array_agg(p order by id) from parent p) as parent, to_regclass('made') is not null as made`

for (const name of postgresServers) {
  describeServer(name, (server) => {
    test('answers any program as connections of their own would', { timeout: 120_000 }, async () => {
      await using direct = await open(server)
      await using shared = await open(server)
      await using world = await worldOn(shared)
      // SAVEPOINT before BEGIN in one text is let in by the server, since it makes that text a transaction.
      const programs = fc.array(STATEMENT, { minLength: 3, maxLength: 25 })
      await fc.assert(
        fc.asyncProperty(programs, async (statements) => {
          const mark = await world.checkpoint('empty')
          try {
            await direct.database.query('drop table if exists made; truncate t, checked, child, late, parent')
            expect(await talk(shared.pool, statements)).toEqual(await talk(direct.pool, statements))
          } finally {
            await world.rollback(mark)
          }
          expect((await shared.pool.query(CONTENT)).rows).toEqual([
            { t: null, checked: null, child: null, late: null, parent: null, made: false },
          ])
          await world.release(mark)
        }),
        { numRuns: 150, ...(process.env['VENOMQA_SEED'] && { seed: Number(process.env['VENOMQA_SEED']) }) },
      )
    })

    test('commits nothing, whatever the application does', async () => {
      await using place = await open(server)
      await using world = await worldOn(place)
      const mark = await world.checkpoint('before')
      await place.pool.query('insert into t values (1)')
      const client = await place.pool.connect()
      await client.query('begin')
      await client.query('insert into t values (2)')
      await client.query('savepoint a; release a; commit')
      client.release()
      expect((await place.pool.query('select count(*)::int as n from t')).rows).toEqual([{ n: 2 }])
      expect((await place.database.query('select count(*)::int as n from t')).rows).toEqual([{ n: 0 }])
      await world.rollback(mark)
      expect((await place.pool.query('select count(*)::int as n from t')).rows).toEqual([{ n: 0 }])
    })

    test('what runs beside an open transaction waits for its end', async () => {
      await using place = await open(server, { patience: 200 })
      await using _ = await worldOn(place)
      const client = await place.pool.connect()
      await client.query('begin; insert into t values (1)')
      const beside = place.pool.query('select count(*)::int as n from t')
      await client.query('commit')
      expect((await beside).rows).toEqual([{ n: 1 }])
      await client.query('begin')
      await expect(place.pool.query('select 2')).rejects.toThrow(
        /"select 2" waited 0\.2 s, since the transaction that began with "begin" has the shared connection/,
      )
      await client.query('rollback')
      client.release()
      expect((await place.pool.query('select 3 as n')).rows).toEqual([{ n: 3 }])
    })

    test('a mark waits for an open transaction, and says which', async () => {
      await using place = await open(server, { settle: 100 })
      await using world = await worldOn(place)
      const client = await place.pool.connect()
      await client.query('begin')
      const error = await world.checkpoint('paid').catch((thrown: unknown) => thrown)
      expect(error).toMatchObject({ code: 'NOT_QUIET' })
      expect(String(error)).toContain(
        'the transaction that began with "begin" is still under way after 0.1 s, so "paid" cannot be taken.',
      )
      await client.query('commit')
      client.release()
      await world.checkpoint('paid')
    })

    test('many clients at once are served one after the other', async () => {
      await using place = await open(server)
      await using world = await worldOn(place)
      const mark = await world.checkpoint('before')
      await Promise.all(
        Array.from({ length: 8 }, async (_, id) => {
          for (let round = 0; round < 10; round += 1) {
            const client = await place.pool.connect()
            await client.query('begin')
            await client.query('insert into t values ($1) on conflict (id) do update set n = t.n + 1', [id])
            await client.query('insert into t values ($1)', [null]).catch(() => client.query('rollback'))
            client.release()
            await place.pool.query('insert into t values ($1) on conflict (id) do update set n = t.n + 1', [id])
          }
        }),
      )
      expect((await place.pool.query('select count(*)::int as rows, sum(n)::int as sum from t')).rows).toEqual([
        { rows: 8, sum: 72 },
      ])
      await world.rollback(mark)
      expect((await place.pool.query('select count(*)::int as rows from t')).rows).toEqual([{ rows: 0 }])
    })

    test('a sequence gives the same numbers again', async () => {
      await using place = await open(server)
      await using world = await worldOn(place)
      const next = async (): Promise<unknown> => (await place.pool.query(`select nextval('s') as n`)).rows[0].n
      const fresh = await world.checkpoint('fresh')
      expect(await next()).toBe('1')
      const used = await world.checkpoint('used')
      expect([await next(), await next()]).toEqual(['2', '3'])
      await world.rollback(used)
      expect(await next()).toBe('2')
      await world.rollback(fresh)
      expect(await next()).toBe('1')
    })

    test('what another connection wrote is found out', async () => {
      await using place = await open(server)
      const world = await worldOn(place)
      const mark = await world.checkpoint('before')
      await place.database.query('insert into t values (1), (2)')
      // The server counts it a second later at most, when that connection does something again.
      await vi.waitFor(async () => {
        await place.database.query('select 1')
        return expect(world.rollback(mark)).rejects.toThrow(/another connection wrote to .*\bt \(2 rows\)/)
      }, 15_000)
      await world.close().catch(() => undefined)
    }, 20_000)

    test('callbacks, query objects, named statements and listeners work as ever', async () => {
      await using place = await open(server)
      await using _ = await worldOn(place)
      const { pool } = place
      expect(await new Promise((done) => pool.query('select 1 as n', (_error, result) => done(result.rows)))).toEqual([
        { n: 1 },
      ])
      expect(
        await new Promise((done) => pool.query('select $1::int as n', [2], (_error, result) => done(result.rows))),
      ).toEqual([{ n: 2 }])
      expect(await new Promise((done) => pool.query('select 1/0', (error) => done(error.message)))).toBe(
        'division by zero',
      )
      const rows = await new Promise((done, fail) => {
        pool.connect((error, client, release) => {
          if (!client) return fail(error)
          client.query({ text: 'select $1::int as n', values: [3], name: 'three', rowMode: 'array' }, (_e, result) => {
            release()
            done(result.rows)
          })
        })
      })
      expect(rows).toEqual([[3]])
      const client = await pool.connect()
      expect(client).toBeInstanceOf(pg.Client)
      const heard: unknown[] = []
      client.on('notice', ({ message }) => heard.push(message))
      await client.query(`do $$ begin raise notice 'heard'; end $$`)
      expect(heard).toEqual(['heard'])
      const Query = pg.Query as unknown as new (text: string) => pg.Submittable & NodeJS.EventEmitter
      const query = client.query(new Query('select 4 as n'))
      const row = await new Promise((done, fail) => query.on('row', done).on('error', fail))
      expect(row).toEqual({ n: 4 })
      const broken = client.query(new Query('select 1/0'))
      expect(await new Promise((done) => broken.on('error', done))).toMatchObject({ message: 'division by zero' })
      expect((await client.query('select 5 as n')).rows).toEqual([{ n: 5 }])
      client.release()
      expect(() => client.release()).toThrow('already been released')
    })

    test('ORMs work on it with their transactions and savepoints', async () => {
      await using place = await open(server)
      await using world = await worldOn(place)
      const mark = await world.checkpoint('before')
      const count = async (): Promise<unknown> => (await place.pool.query('select count(*)::int as n from t')).rows[0].n

      const db = drizzle(place.pool)
      await db.transaction(async (outer) => {
        await outer.execute(sql`insert into t values (1)`)
        const inner = outer.transaction(async (nested) => {
          await nested.execute(sql`insert into t values (2)`)
          nested.rollback()
        })
        await expect(inner).rejects.toThrow('Rollback')
      })
      await expect(
        db.transaction(async (outer) => {
          await outer.execute(sql`insert into t values (3)`)
          await outer.execute(sql`select 1/0`)
        }),
      ).rejects.toThrow()
      expect(await count()).toBe(1)

      const kysely = new Kysely<{ t: { id: number; n: number } }>({
        dialect: new PostgresDialect({ pool: place.pool }),
      })
      await kysely.transaction().execute(async (trx) => {
        await trx.insertInto('t').values({ id: 4, n: 0 }).execute()
        await trx.updateTable('t').set({ n: 5 }).where('id', '=', 4).execute()
      })
      expect(await kysely.selectFrom('t').selectAll().orderBy('id').execute()).toEqual([
        { id: 1, n: 0 },
        { id: 4, n: 5 },
      ])
      await world.rollback(mark)
      expect(await count()).toBe(0)
    })

    test('a client that is given back inside its transaction is rolled back, and that is said', async () => {
      await using place = await open(server)
      const notices: string[] = []
      await using _ = await worldOn(place, { notice: (message) => notices.push(message) })
      const client = await place.pool.connect()
      await client.query('begin; insert into t values (1)')
      client.release()
      expect((await place.pool.query('select count(*)::int as n from t')).rows).toEqual([{ n: 0 }])
      expect(notices.join('\n')).toMatch(/never committed[^]*given back to the pool with the transaction that began/)
    })

    test('an application that ends its pool ends it for itself', async () => {
      await using place = await open(server)
      const world = await worldOn(place)
      await place.pool.end()
      await expect(place.pool.query('select 1')).rejects.toThrow('Cannot use a pool after calling end on the pool')
      await world.close()
      expect(place.pool.ended).toBe(true)
    })

    test('the pool is as it was when the world is closed', async () => {
      await using place = await open(server)
      const world = await worldOn(place)
      await place.pool.query('insert into t values (1)')
      await world.close()
      expect(Object.keys(place.pool)).not.toContain('query')
      await place.pool.query('insert into t values (1)')
      expect((await place.database.query('select count(*)::int as n from t')).rows).toEqual([{ n: 1 }])
    })

    test('refuses what it cannot undo or what is not handed over whole', async () => {
      await using place = await open(server)
      expect(() => postgres.shared('postgres://x' as never)).toThrow(/not a pool of the driver "pg"/)
      const client = await place.pool.connect()
      await expect(worldOn(place)).rejects.toThrow(/has lent out 1 client already/)
      client.release()
      await using world = await worldOn(place)
      await expect(place.pool.query(`begin; prepare transaction 'a'`)).rejects.toThrow(
        /PREPARE TRANSACTION does not work/,
      )
      await world.checkpoint('still')
    })

    test('a connection that is ended by the server is told as what it is', async () => {
      await using place = await open(server)
      const world = await worldOn(place)
      place.pool.on('error', () => undefined)
      const mark = await world.checkpoint('before')
      const { rows } = await place.pool.query('select pg_backend_pid() as pid')
      await place.database.query(`select pg_terminate_backend(${rows[0].pid})`)
      await expect(world.rollback(mark)).rejects.toThrow(/transaction that it was in has ended|terminat|Connection/)
      await world.close().catch(() => undefined)
    })
  })
}

interface Place extends AsyncDisposable {
  readonly database: Database
  readonly pool: pg.Pool
  readonly options: SharedOptions
}

async function open(server: string, options: SharedOptions = {}): Promise<Place> {
  const database = await makeDatabase(server, SCHEMA)
  const pool = new pg.Pool({ connectionString: database.url })
  // Its connections may still be closing when the database is dropped.
  pool.on('error', () => undefined)
  return {
    database,
    pool,
    options,
    [Symbol.asyncDispose]: async () => {
      if (!pool.ending) await pool.end()
      await database.drop()
    },
  }
}

async function worldOn(
  { pool, options }: Place,
  worker: Partial<Worker> = { notice: () => undefined },
): Promise<World> {
  return (await World.open({ systems: { db: postgres.shared(pool, options) }, worker })) as World
}

/** Says statements on one connection, and then looks from another. */
async function talk(pool: pg.Pool, statements: readonly string[]): Promise<unknown[]> {
  const answers: unknown[] = []
  const client = await pool.connect()
  for (const statement of statements) {
    const answer = await client.query(statement).then(
      (result) =>
        [result].flat().map(({ command, rowCount, rows }) => ({ command, rowCount, rows: rows as unknown[] })),
      (error: pg.DatabaseError) => error.code,
    )
    answers.push([statement, answer])
  }
  await client.query('rollback')
  client.release()
  return [...answers, (await pool.query(CONTENT)).rows]
}
