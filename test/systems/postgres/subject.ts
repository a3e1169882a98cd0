import { type ChildProcess, fork } from 'node:child_process'
import { once } from 'node:events'
import { fileURLToPath } from 'node:url'
import pg from 'pg'
import type { Subject } from '../../../src/kit/index.ts'
import { postgres, type PostgresOptions, type PostgresSystem } from '../../../src/systems/postgres/index.ts'
import type { Requests } from './application.ts'

/** The application in its process, as something to call. */
export interface Application extends Requests {
  readonly process: ChildProcess
}

/** Starts an application on a database. */
export async function startApplication(url: string): Promise<Application> {
  const child = fork(fileURLToPath(new URL('application.ts', import.meta.url)), [url], { serialization: 'advanced' })
  const waiting = new Map<number, { resolve: (value: unknown) => void; reject: (error: Error) => void }>()
  child.on('message', (message: { id: number; value?: unknown; error?: string }) => {
    const asked = waiting.get(message.id)
    if (message.error === undefined) asked?.resolve(message.value)
    else asked?.reject(new Error(message.error))
    waiting.delete(message.id)
  })
  child.on('exit', () => {
    for (const { reject } of waiting.values()) reject(new Error('the application is gone'))
  })
  await once(child, 'message')
  let last = 0
  const ask = (verb: string, values: unknown[]): Promise<unknown> =>
    new Promise((resolve, reject) => {
      last += 1
      waiting.set(last, { resolve, reject })
      child.send({ id: last, verb, values })
    })
  return new Proxy({ process: child } as Application, {
    get: (target, verb: string) =>
      verb === 'process' || verb === 'then' ? Reflect.get(target, verb) : (...values: unknown[]) => ask(verb, values),
  })
}

/** A database of its own on the server at `server`, and the way to get rid of it. */
export interface Database {
  readonly url: string
  readonly name: string
  query(text: string): Promise<pg.QueryResult>
  drop(): Promise<void>
}

/** Makes an empty database, with `schema` in it. */
export async function makeDatabase(server: string, schema = '', owner?: string): Promise<Database> {
  const name = `vq_test_${process.pid}_${Math.random().toString(36).slice(2, 8)}`
  await onServer(server, `create database ${name}${owner === undefined ? '' : ` owner ${owner}`}`)
  const url = Object.assign(new URL(server), {
    pathname: `/${name}`,
    ...(owner !== undefined && { username: owner }),
  }).href
  const client = new pg.Client({ connectionString: url, application_name: 'test' })
  client.on('error', () => undefined)
  await client.connect()
  await client.query(`set jit = off; set max_parallel_workers_per_gather = 0; ${schema}`)
  return {
    url,
    name,
    query: (text) => client.query(text),
    drop: async () => {
      await client.end()
      await onServer(server, `drop database if exists ${name} with (force)`)
    },
  }
}

/** Runs one statement on the server's own database. */
export async function onServer(server: string, text: string): Promise<pg.QueryResult> {
  const client = new pg.Client({ connectionString: server })
  await client.connect()
  try {
    return await client.query(text)
  } finally {
    await client.end()
  }
}

/** What the kit's subjects write to. */
export const SCHEMA = `
  create table kv (key text primary key, value text not null);
  create table numbered (id serial primary key, at timestamptz default now());
`

/** A subject for the conformance kit: an application in its own process on a database of its own. */
export async function openSubject(
  server: string,
  options: PostgresOptions = {},
): Promise<Subject & { readonly system: PostgresSystem }> {
  const database = await makeDatabase(server, SCHEMA)
  let application = await startApplication(database.url)
  const other = new pg.Client({ connectionString: database.url, application_name: 'another application' })
  await other.connect()
  return {
    system: postgres(database.url, options),
    put: (key, value) => application.put(key, value),
    remove: (key) => application.remove(key),
    putMany: (entries) => application.putMany(entries),
    all: () => application.all(),
    fail: () => application.fail(),
    other: {
      put: async (key, value) => {
        await other.query('insert into kv values ($1, $2) on conflict (key) do update set value = $2', [key, value])
      },
      remove: async (key) => void (await other.query('delete from kv where key = $1', [key])),
    },
    begin: async () => {
      await application.begin()
      return {
        put: (key, value) => application.putInFlight(key, value),
        commit: () => application.end('commit'),
        rollback: () => application.end('rollback'),
      }
    },
    crash: async () => {
      await application.begin()
      await application.putInFlight('written by the killed application', '1')
      application.process.kill('SIGKILL')
      await once(application.process, 'exit')
      application = await startApplication(database.url)
    },
    connections: () => application.connections(),
    generate: () => application.generate(),
    reshape: async () => void (await application.query('alter table kv add column more int default 1')),
    create: async () => {
      await application.query(
        'create table made (id serial primary key, key text references kv); insert into made (key) select key from kv',
      )
    },
    shape: async () => JSON.stringify(await shapeOf(database)),
    leftovers: () => leftovers(database),
    dispose: async () => {
      application.process.disconnect()
      await other.end()
      await database.drop()
    },
  }
}

/** The names of everything that a user could find, and the columns of tables. */
export async function shapeOf(database: Pick<Database, 'query'>): Promise<unknown[]> {
  const { rows } = await database.query(`
    select c.oid::regclass::text, relkind, (select array_agg(attname order by attnum) from pg_attribute where attrelid = c.oid and attnum > 0)
    from pg_class c where relnamespace = 'public'::regnamespace order by 1, 2`)
  return rows
}

/** What of ours is still in a database. */
export async function leftovers(database: Database): Promise<string[]> {
  const { rows } = await database.query(`
    select 'schema ' || nspname as name from pg_namespace where nspname like 'venomqa%'
    union all select 'trigger ' || tgname from pg_trigger where tgname like 'venomqa%'
    union all select 'event trigger ' || evtname from pg_event_trigger where evtname like 'venomqa%'
    union all select 'function ' || proname from pg_proc where proname like 'venomqa%'
    union all select 'lock ' || objid from pg_locks where locktype = 'advisory' and database = (select oid from pg_database where datname = current_database())
    union all select 'connection ' || application_name from pg_stat_activity where datname = current_database() and application_name like 'venomqa%'`)
  return rows.map(({ name }) => name)
}
