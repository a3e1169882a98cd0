import { setTimeout } from 'node:timers/promises'
import pg from 'pg'
import type { Subject } from '../../../src/kit/index.ts'
import type { PostgresWay } from '../../../src/systems/postgres/index.ts'
import { onServer, SCHEMA, shapeOf } from './subject.ts'

/** A database that nobody is connected to, so that it can be copied. */
export interface Source {
  readonly url: string
  readonly name: string
  query(text: string): Promise<pg.QueryResult>
  /** The databases of the server whose names begin with this one's. */
  copies(): Promise<string[]>
  drop(): Promise<void>
}

/** Makes a database with `schema` in it. */
export async function makeSource(server: string, schema = ''): Promise<Source> {
  const name = `vq_test_${process.pid}_${Math.random().toString(36).slice(2, 8)}`
  await onServer(server, `create database ${name}`)
  const url = Object.assign(new URL(server), { pathname: `/${name}` }).href
  const query = (text: string): Promise<pg.QueryResult> => onServer(url, text)
  await query(schema)
  return {
    url,
    name,
    query,
    copies: async () => {
      const { rows } = await onServer(
        server,
        `select datname from pg_database where datname like '${name}\\_%' order by 1`,
      )
      return rows.map(({ datname }) => datname)
    },
    drop: () => onServer(server, `drop database if exists ${name} with (force)`).then(() => undefined),
  }
}

/** A subject whose application connects to the copy of its worker, for each request anew. */
export async function openOnCopy(
  server: string,
  systemOn: (url: string) => PostgresWay<unknown>,
): Promise<Subject & { readonly system: PostgresWay<unknown> }> {
  const source = await makeSource(server, SCHEMA)
  const system = systemOn(source.url)
  const query = async (text: string, values?: unknown[]): Promise<pg.QueryResult> => {
    const client = await connected(system.url ?? source.url)
    try {
      return await client.query(text, values)
    } finally {
      await client.end()
    }
  }
  const put = `insert into kv values ($1, $2) on conflict (key) do update set value = $2`
  return {
    system,
    put: async (key, value) => void (await query(put, [key, value])),
    remove: async (key) => void (await query('delete from kv where key = $1', [key])),
    putMany: async (entries) => {
      await query(
        'insert into kv select * from json_each_text($1) on conflict (key) do update set value = excluded.value',
        [JSON.stringify(entries)],
      )
    },
    all: async () => {
      const { rows } = await query('select key, value from kv')
      return Object.fromEntries(rows.map(({ key, value }) => [key, value]))
    },
    fail: async () => void (await query(`insert into kv values ('refused', null)`)),
    begin: async () => {
      const client = await connected(system.url ?? source.url)
      await client.query('begin')
      const end = async (how: string): Promise<void> => {
        await client.query(how)
        await client.end()
      }
      return {
        put: async (key, value) => void (await client.query(put, [key, value])),
        commit: () => end('commit'),
        rollback: () => end('rollback'),
      }
    },
    generate: async () => String((await query('insert into numbered default values returning id')).rows[0].id),
    reshape: async () => void (await query('alter table kv add column more int default 1')),
    create: async () => void (await query('create table made (id serial primary key, key text references kv)')),
    shape: async () => JSON.stringify(await shapeOf({ query })),
    leftovers: () => source.copies(),
    dispose: () => source.drop(),
  }
}

/** A connection that survives when it is ended. While a copy is made the server takes none, so it is asked again. */
export async function connected(url: string): Promise<pg.Client> {
  for (let tries = 1; ; tries += 1) {
    const client = new pg.Client({ connectionString: url, application_name: 'application' })
    client.on('error', () => undefined)
    try {
      await client.connect()
      return client
    } catch (error) {
      if (tries > 50 || !/accepting connections|does not exist/.test(String(error))) throw error
      await setTimeout(20)
    }
  }
}
