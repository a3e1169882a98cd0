import pg from 'pg'
import type { Subject } from '../../../src/kit/index.ts'
import { postgres, type SharedOptions, type PostgresWay, type SharedMark } from '../../../src/systems/postgres/index.ts'
import { type Database, leftovers, makeDatabase, SCHEMA, shapeOf } from './subject.ts'

/**
 * A subject for the conformance kit: an application in this process, which handed over its pool. It has no `begin`, for
 * what reads beside an open transaction waits for its end: see shared.test.ts.
 */
export async function openShared(
  server: string,
  options: SharedOptions = {},
): Promise<
  Subject & { readonly system: PostgresWay<SharedMark>; readonly pool: pg.Pool; readonly database: Database }
> {
  const database = await makeDatabase(server, SCHEMA)
  const pool = new pg.Pool({ connectionString: database.url, application_name: 'application' })
  // Its connections may still be closing when the database is dropped.
  pool.on('error', () => undefined)
  const put = async (key: string, value: string): Promise<void> => {
    await pool.query('insert into kv values ($1, $2) on conflict (key) do update set value = $2', [key, value])
  }
  return {
    database,
    pool,
    system: postgres.shared(pool, options),
    put,
    other: {
      put: async (key, value) => {
        const client = await pool.connect()
        await client.query('begin')
        await client.query('delete from kv where key = $1', [key])
        await client.query('insert into kv values ($1, $2)', [key, value])
        await client.query('commit')
        client.release()
      },
      remove: async (key) =>
        void (await pool.query({ text: 'delete from kv where key = $1', values: [key], name: 'remove' })),
    },
    remove: async (key) => void (await pool.query('delete from kv where key = $1', [key])),
    putMany: async (entries) => {
      const client = await pool.connect()
      await client.query('begin')
      for (const [key, value] of Object.entries(entries)) {
        await client.query('insert into kv values ($1, $2) on conflict (key) do update set value = $2', [key, value])
      }
      await client.query('commit')
      client.release()
    },
    all: async () => {
      const { rows } = await pool.query('select key, value from kv')
      return Object.fromEntries(rows.map(({ key, value }) => [key, value]))
    },
    fail: async () => void (await pool.query(`insert into kv values ('refused', null)`)),
    connections: async () => String((await pool.query('select pg_backend_pid() as pid')).rows[0].pid),
    generate: async () => {
      const { rows } = await pool.query('insert into numbered default values returning id')
      return String(rows[0].id)
    },
    reshape: async () => void (await pool.query('alter table kv add column more int default 1')),
    create: async () => {
      await pool.query(
        'create table made (id serial primary key, key text references kv); insert into made (key) select key from kv',
      )
    },
    shape: async () => JSON.stringify(await shapeOf(pool)),
    leftovers: () => leftovers(database),
    dispose: async () => {
      await pool.end()
      await database.drop()
    },
  }
}
