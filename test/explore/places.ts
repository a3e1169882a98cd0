import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { fileURLToPath } from 'node:url'
import Database from 'better-sqlite3'
import pg from 'pg'
import { afterAll, beforeAll, beforeEach } from 'vitest'
import { inMemory } from '../../bench/bench.ts'
import { World, type WorldMark } from '../../src/index.ts'
import type { Awaitable, Rollbackable } from '../../src/rollbackable.ts'
import { memory } from '../../src/systems/memory/index.ts'
import { postgres } from '../../src/systems/postgres/index.ts'
import { sqlite } from '../../src/systems/sqlite/index.ts'
import type { Systems } from '../../src/world.ts'
import { notRun, server } from '../servers/server.ts'
import { makeDatabase } from '../systems/postgres/subject.ts'
import type { Store } from './shop.ts'

/** Systems to explore on, and how the application writes to them. */
interface Place extends Store {
  readonly systems: Systems
  dispose?(): Awaitable<void>
}

const postgresServer = server('postgres')

/** What exploration is tested on, each by how to open it. */
export const places: Readonly<Record<string, () => Awaitable<Place>>> = {
  memory: () => onMap((map) => memory(map)),
  'a stack that forgets': () => onMap((map) => forgetful(memory(map))),
  'a SQLite file': () => onSqlite(),
  ...(postgresServer !== undefined && {
    PostgreSQL: () => onPostgres(postgresServer),
    'a pool that was handed over': () => onPool(postgresServer),
    'an application over HTTP': () => overHttp(postgresServer),
    'several systems at once': () => onSeveral(postgresServer),
  }),
}
if (postgresServer === undefined) notRun('postgres')

/** A world over one place, and the store that its application uses. */
export async function open(place: string): Promise<AsyncDisposable & { world: World; store: Store }> {
  const { systems, dispose, ...store } = await places[place]!()
  const world = await World.open({ systems, worker: { notice: () => undefined } })
  return {
    world,
    store: readOnce(store, systems),
    async [Symbol.asyncDispose]() {
      await world.close()
      await dispose?.()
    },
  }
}

/** A place for all tests of a `describe`, empty before each: to open one takes longer than most tests. */
export function openForAll(place: string): { readonly world: World; readonly store: Store } {
  let at: Awaited<ReturnType<typeof open>>
  let empty: WorldMark
  beforeAll(async () => {
    at = await open(place)
    empty = await at.world.checkpoint('empty')
  })
  beforeEach(() => at.world.rollback(empty))
  afterAll(() => at[Symbol.asyncDispose]())
  return {
    get world() {
      return at.world
    },
    get store() {
      return at.store
    },
  }
}

/** The store, which is read once between two writes, checkpoints or rollbacks: all that is asked there has one answer. */
function readOnce({ put, all }: Store, systems: Systems): Store {
  let answer: ReturnType<Store['all']> | undefined
  for (const system of Object.values(systems)) {
    const { checkpoint, rollback } = system
    Object.assign(system, {
      checkpoint(name: string) {
        answer = undefined
        return checkpoint.call(system, name)
      },
      rollback(mark: unknown) {
        answer = undefined
        return rollback.call(system, mark)
      },
    })
  }
  return {
    put(key, value) {
      answer = undefined
      return put(key, value)
    },
    all: () => (answer ??= all()),
  }
}

function onMap(make: (map: Map<string, string>) => Rollbackable): Place {
  const map = new Map<string, string>()
  return {
    systems: { db: make(map) },
    put: (key, value) => void map.set(key, value),
    all: () => Object.fromEntries(map),
  }
}

/** A file that the application has open on its own connection, with commits of its own. */
function onSqlite(): Place {
  const folder = mkdtempSync(join(inMemory() ? '/dev/shm' : tmpdir(), 'venomqa-explore-test-'))
  const db = new Database(join(folder, 'test.db'))
  db.pragma('journal_mode = wal')
  db.exec('create table kv (key text primary key, value text not null)')
  const put = db.prepare('insert into kv values (?, ?) on conflict (key) do update set value = excluded.value')
  const all = db.prepare<[], { key: string; value: string }>('select key, value from kv')
  return {
    systems: { db: sqlite(join(folder, 'test.db')) },
    put: (key, value) => void put.run(key, value),
    all: () => Object.fromEntries(all.all().map(({ key, value }) => [key, value])),
    dispose() {
      db.close()
      rmSync(folder, { recursive: true })
    },
  }
}

const TABLE = 'create table kv (key text primary key, value text not null)'

/** A pool of an application on PostgreSQL, with commits of its own. */
async function onPostgres(url: string): Promise<Place> {
  const database = await makeDatabase(url, TABLE)
  const pool = poolOn(database.url)
  return {
    ...storeOn(pool),
    systems: { db: postgres(database.url) },
    async dispose() {
      await pool.end()
      await database.drop()
    },
  }
}

async function onPool(url: string): Promise<Place> {
  const database = await makeDatabase(url, TABLE)
  const pool = poolOn(database.url)
  return {
    ...storeOn(pool),
    systems: { db: postgres.shared(pool) },
    async dispose() {
      await pool.end()
      await database.drop()
    },
  }
}

/** A process of its own, with a pool of its own, that is spoken to over HTTP. */
async function overHttp(url: string): Promise<Place> {
  const database = await makeDatabase(url, TABLE)
  const app = spawn(process.execPath, [fileURLToPath(new URL('http-app.ts', import.meta.url)), database.url], {
    stdio: ['ignore', 'pipe', 'inherit'],
  })
  const [line] = (await once(createInterface(app.stdout), 'line')) as [string]
  return {
    systems: { db: postgres(database.url) },
    put: async (key, value) => {
      await fetch(new URL(key, line), { method: 'PUT', body: value })
    },
    all: async () => (await fetch(line)).json() as Promise<Record<string, string>>,
    async dispose() {
      app.kill()
      await once(app, 'exit')
      await database.drop()
    },
  }
}

/** All that the application writes, in three places at once; they never differ. */
async function onSeveral(url: string): Promise<Place> {
  const parts = [await onPostgres(url), onSqlite(), onMap((map) => memory(map))] as const
  return {
    systems: { db: parts[0].systems['db']!, file: parts[1].systems['db']!, map: parts[2].systems['db']! },
    put: async (key, value) => {
      for (const part of parts) await part.put(key, value)
    },
    all: async () => {
      const [first, ...others] = await Promise.all(parts.map(async (part) => part.all()))
      for (const other of others) assert.deepEqual(other, first)
      return first!
    },
    async dispose() {
      for (const part of parts) await part.dispose?.()
    },
  }
}

/** Its connections may still be closing when the database is dropped. */
function poolOn(url: string): pg.Pool {
  return new pg.Pool({ connectionString: url }).on('error', () => undefined)
}

function storeOn(pool: pg.Pool): Store {
  return {
    put: async (key, value) => {
      await pool.query('insert into kv values ($1, $2) on conflict (key) do update set value = $2', [key, value])
    },
    all: async () => {
      const { rows } = await pool.query<{ key: string; value: string }>('select key, value from kv')
      return Object.fromEntries(rows.map(({ key, value }) => [key, value]))
    },
  }
}

/** As savepoints are: a rollback destroys the marks made after the one it goes to. */
function forgetful<M>(system: Rollbackable<M>): Rollbackable<{ mark: M }> {
  const live: { mark: M }[] = []
  return {
    ...system,
    kind: 'stack',
    async checkpoint(name) {
      const made = { mark: await system.checkpoint(name) }
      live.push(made)
      return made
    },
    async rollback(made) {
      const at = live.indexOf(made)
      if (at < 0) throw new Error('that savepoint does not exist')
      live.length = at + 1
      await system.rollback(made.mark)
    },
    changes: async ({ mark }) => (await system.changes?.(mark)) ?? [],
    release: (made) => void live.splice(live.indexOf(made)),
  }
}
