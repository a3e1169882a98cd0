import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { DatabaseSync, type SQLInputValue } from 'node:sqlite'
import { createClient, type InArgs, type Transaction } from '@libsql/client'
import Database from 'better-sqlite3'
import mysql from 'mysql2/promise'
import pg from 'pg'

export type Rows = readonly Readonly<Record<string, unknown>>[]

/** A connection of the application, which knows nothing of us. */
export interface App {
  rows(sql: string, params?: readonly unknown[]): Promise<Rows>
  /** As if its process was killed. */
  kill(): void
  end(): Promise<void>
}

/** A database for tests: empty but for its tables. */
export interface Store {
  readonly url: string
  readonly sql: Readonly<Record<'put' | 'remove' | 'id' | 'shape', string>>
  app(): Promise<App>
  /** Makes the tables anew. */
  fresh(): Promise<void>
  dispose(): Promise<void>
}

const IDS = 'note varchar(50), unique (note)'

/** A database of our own on a PostgreSQL server. */
export async function postgresStore(server: string, name: string): Promise<Store> {
  const open = async (url: string): Promise<App> => {
    const client = new pg.Client({ connectionString: url })
    client.on('error', () => {})
    await client.connect()
    return {
      rows: async (sql, params = []) => (await client.query(sql, [...params])).rows,
      kill: () => (client as unknown as { connection: { stream: { destroy(): void } } }).connection.stream.destroy(),
      end: () => client.end(),
    }
  }
  const admin = await open(server)
  await admin.rows(`drop database if exists ${name} with (force)`)
  await admin.rows(`create database ${name}`)
  const at = new URL(server)
  at.pathname = `/${name}`
  return {
    url: at.href,
    sql: {
      put: 'insert into kv (k, v) values ($1, $2) on conflict (k) do update set v = excluded.v',
      remove: 'delete from kv where k = $1',
      id: `insert into ids (note) values (null) returning id`,
      shape: `select table_name, column_name from information_schema.columns where table_schema = 'public' order by 1, 2`,
    },
    app: () => open(at.href),
    fresh: async () => {
      const app = await open(at.href)
      await app.rows('drop schema public cascade; create schema public')
      await app.rows(`create table kv (k text primary key, v text); create table ids (id serial primary key, ${IDS})`)
      await app.end()
    },
    dispose: async () => {
      await admin.rows(`drop database ${name} with (force)`)
      await admin.end()
    },
  }
}

/** A database of our own on a MySQL or MariaDB server. */
export async function mysqlStore(server: string, name: string): Promise<Store> {
  const open = async (uri: string): Promise<App> => {
    const connection = await mysql.createConnection({ uri, multipleStatements: true, charset: 'utf8mb4_bin' })
    return {
      rows: async (sql, params = []) => {
        const [rows] = await connection.query(sql, [...params])
        return Array.isArray(rows) ? (rows as Rows) : [{ id: (rows as { insertId: number }).insertId }]
      },
      kill: () => connection.destroy(),
      end: () => connection.end(),
    }
  }
  const admin = await open(server)
  const at = new URL(server)
  at.pathname = `/${name}`
  return {
    url: at.href,
    sql: {
      put: 'insert into kv (k, v) values (?, ?) on duplicate key update v = values(v)',
      remove: 'delete from kv where k = ?',
      id: `insert into ids (note) values (null)`,
      shape: `select table_name as t, column_name as c from information_schema.columns where table_schema = database() order by 1, 2`,
    },
    app: () => open(at.href),
    fresh: async () => {
      await admin.rows(
        `drop database if exists ${name}; create database ${name} character set utf8mb4 collate utf8mb4_bin; use ${name};
        create table kv (k varchar(200) primary key, v longtext); create table ids (id int primary key auto_increment, ${IDS})`,
      )
    },
    dispose: async () => {
      await admin.rows(`drop database if exists ${name}`)
      await admin.end()
    },
  }
}

/**
 * A file. The application opens it with the library that the backend uses: two copies of SQLite in one process do not
 * see each other's locks, https://sqlite.org/howtocorrupt.html#multiple_copies_of_sqlite_linked_into_the_same_application
 */
export function fileStore(open: (path: string) => App): Store {
  const folder = mkdtempSync(join(tmpdir(), 'venomqa-kit-'))
  const path = join(folder, 'app.db')
  return {
    url: `file:${path}`,
    sql: {
      put: 'insert into kv (k, v) values (?, ?) on conflict (k) do update set v = excluded.v',
      remove: 'delete from kv where k = ?',
      id: `insert into ids (note) values (null) returning id`,
      shape: 'select name, sql from sqlite_schema order by name',
    },
    app: async () => open(path),
    fresh: async () => {
      for (const file of [path, `${path}-wal`, `${path}-shm`]) rmSync(file, { force: true })
      const app = open(path)
      await app.rows('pragma journal_mode = wal')
      await app.rows('create table kv (k text primary key, v text)')
      await app.rows(`create table ids (id integer primary key autoincrement, ${IDS})`)
      await app.end()
    },
    dispose: async () => rmSync(folder, { recursive: true }),
  }
}

/** An application that uses better-sqlite3. */
export function betterSqlite3App(path: string): App {
  const db = new Database(path, { timeout: 0 })
  db.pragma('synchronous = off')
  const rows = (sql: string, params: readonly unknown[]): Rows => {
    const statement = db.prepare(sql)
    return statement.reader ? (statement.all(...params) as Rows) : (statement.run(...params), [])
  }
  return {
    rows: (sql, params = []) => patiently(async () => rows(sql, params)),
    kill: () => db.close(),
    end: async () => void db.close(),
  }
}

/** An application that uses node:sqlite: of two SQLites in one process neither sees what the other has locked. */
export function nodeSqliteApp(path: string): App {
  const db = new DatabaseSync(path, { timeout: 0 })
  db.exec('pragma synchronous = off')
  const rows = (sql: string, params: readonly unknown[]): Rows => db.prepare(sql).all(...(params as SQLInputValue[]))
  return {
    rows: (sql, params = []) => patiently(async () => rows(sql, params)),
    kill: () => db.close(),
    end: async () => db.close(),
  }
}

/** An application that uses libSQL. */
export function libsqlApp(path: string): App {
  const client = createClient({ url: `file:${path}`, concurrency: 1 })
  let tx: Transaction | undefined
  const ready = client.execute('pragma synchronous = off')
  const rows = async (sql: string, params: readonly unknown[]): Promise<Rows> => {
    await ready
    if (sql === 'begin immediate') {
      tx = await client.transaction('write')
      return []
    }
    if (sql === 'commit' || sql === 'rollback') return (await tx?.[sql](), (tx = undefined), [])
    return (await (tx ?? client).execute({ sql, args: params as InArgs })).rows
  }
  return {
    // A statement that met a lock keeps its connection from committing later ones, until it is collected as garbage.
    rows: (sql, params = []) =>
      patiently(
        () => rows(sql, params),
        () => client.reconnect(),
      ),
    kill: () => client.close(),
    end: async () => client.close(),
  }
}

/** As an application with a busy handler that lets others run meanwhile. */
async function patiently<T>(work: () => Promise<T>, again?: () => unknown): Promise<T> {
  for (;;) {
    try {
      return await work()
    } catch (error) {
      const { code, errcode = 0 } = error as { code?: string; errcode?: number }
      if (!code?.startsWith('SQLITE_BUSY') && (errcode & 0xff) !== 5) throw error
      await again?.()
      await new Promise((resolve) => setTimeout(resolve, 5))
    }
  }
}
