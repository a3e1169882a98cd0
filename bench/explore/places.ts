import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { createInterface } from 'node:readline'
import { fileURLToPath } from 'node:url'
import Database from 'better-sqlite3'
import pg from 'pg'
import type { Rollbackable } from '../../src/rollbackable.ts'
import { memory } from '../../src/systems/memory/index.ts'
import { postgres } from '../../src/systems/postgres/index.ts'
import { sqlite } from '../../src/systems/sqlite/index.ts'
import { type ActionName, EMPTY, Shop, type State, type Store } from '../../test/explore/shop.ts'
import { contentOf, inTables, SCHEMA, SEED, START_OVER } from './tables.ts'

/** A shop that is called the same way wherever it runs and whoever explores it. */
export interface Place extends AsyncDisposable {
  readonly system: Rollbackable
  /** Does an action. Answers with its status and the data after it. */
  call(action: ActionName): Promise<{ readonly status: number; readonly state: State }>
  /** Puts everything back to the beginning without rollback of ours. */
  startOver(): Promise<unknown>
  /** The data as one text. */
  content(): Promise<string>
}

/** Where a shop on PostgreSQL differs from what it is by default. */
export interface PlaceOptions {
  /** All in one transaction, which is rolled back to start over: faster, and no application as it is. */
  readonly alone?: boolean
  readonly bug?: string
}

/** The shop as a process of its own on PostgreSQL, spoken to over HTTP. */
export async function overHttp(server: string, { alone = false, bug = '' }: PlaceOptions = {}): Promise<Place> {
  const { url, pool, drop } = await database(server)
  const file = fileURLToPath(new URL('http-shop.ts', import.meta.url))
  const app = spawn(process.execPath, [file, url, String(alone), bug], { stdio: ['ignore', 'pipe', 'inherit'] })
  const [base] = (await once(createInterface(app.stdout), 'line')) as [string]
  const post = (path: string): Promise<Response> => fetch(base + path, { method: 'POST' })
  let last = ''
  return {
    system: postgres(url),
    async call(action) {
      const response = await post(action)
      last = await response.text()
      return { status: response.status, state: JSON.parse(last) as State }
    },
    async startOver() {
      last = JSON.stringify(EMPTY)
      await (alone ? (await post('begin')).text() : pool.query(START_OVER))
    },
    content: async () => (alone ? last : contentOf(pool)),
    async [Symbol.asyncDispose]() {
      app.kill()
      await once(app, 'exit')
      await pool.end()
      await drop()
    },
  }
}

/** The shop in this process, on a pool of PostgreSQL that it hands over. */
export async function onPool(server: string, { alone = false }: PlaceOptions = {}): Promise<Place> {
  const { pool, drop } = await database(server)
  const one = alone ? await pool.connect() : undefined
  await one?.query('begin')
  return {
    system: postgres.shared(pool),
    async call(action) {
      const db = one ?? (await pool.connect())
      try {
        if (!one) await db.query('begin')
        const store = inTables(db)
        const { status } = await new Shop(store).do(action)
        if (!one) await db.query(status < 400 ? 'commit' : 'rollback')
        return { status, state: JSON.parse(store.latest()) as State }
      } finally {
        if (!one) db.release()
      }
    },
    startOver: async () => (one ? one.query('rollback; begin') : pool.query(START_OVER)),
    content: () => contentOf(one ?? pool),
    async [Symbol.asyncDispose]() {
      one?.release()
      await pool.end()
      await drop()
    },
  }
}

/** The shop in this process, on a Map: a call costs nothing. */
export async function inMap(): Promise<Place> {
  const map = new Map<string, string>()
  const store: Store = { put: (key, value) => void map.set(key, value), all: () => Object.fromEntries(map) }
  return onStore(store, memory(map), () => undefined)
}

/** The shop in this process, on a SQLite file with commits of its own: a call costs microseconds. */
export async function onFile(path: string): Promise<Place> {
  const db = new Database(path)
  db.pragma('journal_mode = wal')
  db.exec('drop table if exists kv; create table kv (key text primary key, value text not null)')
  const put = db.prepare('insert into kv values (?, ?) on conflict (key) do update set value = excluded.value')
  const all = db.prepare<[], { key: string; value: string }>('select key, value from kv')
  const store: Store = {
    put: (key, value) => void put.run(key, value),
    all: () => Object.fromEntries(all.all().map(({ key, value }) => [key, value])),
  }
  return onStore(store, sqlite(path), () => void db.close())
}

async function onStore(store: Store, system: Rollbackable, close: () => void): Promise<Place> {
  const shop = await new Shop(store).open()
  return {
    system,
    call: async (action) => ({ status: (await shop.do(action)).status, state: await shop.state() }),
    startOver: () => shop.open(),
    content: async () => JSON.stringify(await shop.state()),
    [Symbol.asyncDispose]: async () => close(),
  }
}

/** A database of its own with the tables of the shop. */
async function database(server: string) {
  const admin = new pg.Client({ connectionString: server })
  await admin.connect()
  const name = `bench_explore_test_${process.pid}_${Math.random().toString(36).slice(2, 8)}`
  await admin.query(`create database ${name}`)
  const url = Object.assign(new URL(server), { pathname: `/${name}` }).href
  // Its connections may still be closing when the database is dropped.
  const pool = new pg.Pool({ connectionString: url, max: 4 }).on('error', () => undefined)
  await pool.query(SCHEMA + SEED)
  return {
    url,
    pool,
    async drop() {
      await admin.query(`drop database ${name} with (force)`)
      await admin.end()
    },
  }
}
