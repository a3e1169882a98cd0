import { readdirSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import type { Subject } from '../../../src/kit/index.ts'
import {
  sqlite,
  type SqliteDatabase,
  type SqliteFileOptions,
  type SqliteHandleOptions,
} from '../../../src/systems/sqlite/index.ts'
import { App, type AppKind, scratchFolder } from './app.ts'

export const SCHEMA = `
  create table kv (k text primary key, v text);
  create table ids (id integer primary key autoincrement, note text)
`
const PUT = 'insert into kv (k, v) values (?, ?) on conflict (k) do update set v = excluded.v'
const REMOVE = 'delete from kv where k = ?'
const SHAPE = 'select type, name, sql from sqlite_schema order by type, name'

/** The processes of the application: one that the kit calls, another one beside it, and one with a transaction in flight. */
export class Applications {
  readonly #kinds: readonly [AppKind, AppKind, AppKind]
  #started: readonly App[] = []

  constructor(kinds: readonly [AppKind, AppKind, AppKind]) {
    this.#kinds = kinds
  }

  /** Starts those that were not started or were killed. */
  async ready(): Promise<readonly [App, App, App]> {
    if (this.#started.length === 0) this.#started = this.#kinds.map((kind) => App.start(kind))
    return this.#started as [App, App, App]
  }

  async end(): Promise<void> {
    await Promise.all(this.#started.map((app) => app.kill()))
  }
}

/** A database file that three processes have open. */
export async function fileSubject(options: SqliteFileOptions, applications: Applications): Promise<Subject> {
  const folder = scratchFolder()
  const path = join(folder, 'app.db')
  const [first, second, inFlight] = await applications.ready()
  const app = await first.open(path)
  if (options.way !== 'backup') await app.all('pragma journal_mode = wal')
  await app.exec(SCHEMA)
  const [other, third] = await Promise.all([second.open(path), inFlight.open(path)])
  await app.exec(`create temp table connection as select ${Math.random()} as token`)
  return {
    system: sqlite(path, options),
    put: async (key, value) => void (await app.run(PUT, key, value)),
    remove: async (key) => void (await app.run(REMOVE, key)),
    all: async () =>
      Object.fromEntries((await app.all('select k, v from kv')).map(({ k, v }) => [k, v])) as Record<string, string>,
    fail: async () => {
      await app.run("insert into ids (id, note) values (1, 'fails') on conflict do nothing")
      await app.run("insert into ids (id, note) values (1, 'fails')")
    },
    other: {
      put: async (key, value) => void (await other.run(PUT, key, value)),
      remove: async (key) => void (await other.run(REMOVE, key)),
    },
    begin: async () => {
      await third.exec('begin immediate')
      return {
        put: async (key, value) => void (await third.run(PUT, key, value)),
        commit: async () => void (await third.exec('commit')),
        rollback: async () => void (await third.exec('rollback')),
      }
    },
    crash: async () => {
      const process = App.start(first.kind)
      const victim = await process.open(path)
      await victim.exec('pragma cache_size = 1; begin immediate')
      // More than fits into the cache, so that part of it is in the file or its log already.
      for (let i = 0; i < 200; i++) await victim.run(PUT, `crash ${i}`, 'x'.repeat(1000))
      await process.kill()
    },
    connections: async () =>
      JSON.stringify([first.pid, second.pid, await app.all('select token from temp.connection')]),
    reshape: async () => void (await app.exec('alter table kv add column extra text')),
    create: async () => void (await app.exec('create table made (x); insert into made values (1)')),
    shape: async () => JSON.stringify(await app.all(SHAPE)),
    generate: async () => {
      const [row] = await app.all("insert into ids (note) values ('generated') returning id")
      return String(row?.['id'])
    },
    leftovers: async () => {
      const tables = await app.all("select name from sqlite_schema where name like '%venomqa%'")
      return [
        ...readdirSync(folder).filter((file) => file.includes('venomqa')),
        ...tables.map(({ name }) => String(name)),
      ]
    },
    dispose: async () => {
      await Promise.all([app.close(), other.close(), third.close()])
      rmSync(folder, { recursive: true, force: true })
    },
  }
}

/** A database that the application in this process uses through the same connection. */
export function handleSubject(db: SqliteDatabase, options?: SqliteHandleOptions): Subject {
  db.exec(SCHEMA)
  const [put, remove, all] = [db.prepare(PUT), db.prepare(REMOVE), db.prepare('select k, v from kv')]
  return {
    system: sqlite(db, options),
    put: (key, value) => void put.run(key, value),
    remove: (key) => void remove.run(key),
    all: () => Object.fromEntries((all.all() as { k: string; v: string }[]).map(({ k, v }) => [k, v])),
    fail: () => {
      db.exec("insert into ids (id, note) values (1, 'fails') on conflict do nothing")
      db.exec("insert into ids (id, note) values (1, 'fails')")
    },
    reshape: () => void db.exec('alter table kv add column extra text'),
    create: () => void db.exec('create table made (x); insert into made values (1)'),
    shape: () => JSON.stringify(db.prepare(SHAPE).all()),
    generate: () => {
      const row = db.prepare("insert into ids (note) values ('generated') returning id").get() as { id: number }
      return String(row.id)
    },
    leftovers: () =>
      (db.prepare("select name from sqlite_schema where name like '%venomqa%'").all() as { name: string }[]).map(
        ({ name }) => name,
      ),
    dispose: () => void db.close(),
  }
}
