import type { SqlBackend, SqlBackendOptions, Subject } from '../../../src/kit/index.ts'
import type { Rollbackable } from '../../../src/index.ts'
import type { App, Rows, Store } from './stores.ts'

/** Makes the backend of a test for the database at `url`. */
export type Make = (url: string, options: SqlBackendOptions) => SqlBackend<never>

/** Stores that are not in use, and how another one is made: laws take one after the other, and some take two. */
export class Stores {
  readonly #make: (number: number) => Promise<Store> | Store
  readonly #free: Store[] = []
  readonly #all: Store[] = []

  constructor(make: (number: number) => Promise<Store> | Store) {
    this.#make = make
  }

  async take(): Promise<Store> {
    const free = this.#free.pop()
    if (free) return free
    const made = await this.#make(this.#all.length + 1)
    this.#all.push(made)
    return made
  }

  give(store: Store): void {
    this.#free.push(store)
  }

  async end(): Promise<void> {
    for (const store of this.#all) await store.dispose()
  }
}

/** The application has connections of its own, and commits. */
export async function copiesSubject(stores: Stores, make: Make, isServer: boolean): Promise<Subject> {
  const store = await stores.take()
  await store.fresh()
  const apps = await Promise.all([store.app(), store.app(), store.app()])
  const [app, second, third] = apps
  const { sql } = store
  return {
    ...verbs(store, (text, params) => app.rows(text, params)),
    system: make(store.url, {}) as Rollbackable,
    other: {
      put: async (key, value) => void (await second.rows(sql.put, [key, value])),
      remove: async (key) => void (await second.rows(sql.remove, [key])),
    },
    begin: async () => {
      await third.rows(isServer ? 'begin' : 'begin immediate')
      return {
        put: async (key, value) => void (await third.rows(sql.put, [key, value])),
        commit: async () => void (await third.rows('commit')),
        rollback: async () => void (await third.rows('rollback')),
      }
    },
    ...(isServer && {
      crash: async () => {
        const victim = await store.app()
        await victim.rows('begin')
        await victim.rows(sql.put, ['crash', '1'])
        victim.kill()
      },
      connections: async () => {
        const id = sql.put.includes('$1') ? 'pg_backend_pid()' : 'connection_id()'
        return JSON.stringify(await Promise.all(apps.map((it) => it.rows(`select ${id} as id`))))
      },
    }),
    dispose: async () => {
      await Promise.all(apps.map((it) => it.end()))
      stores.give(store)
    },
  }
}

/** The application is in this process, and uses the handle of the backend. */
export async function savepointsSubject(stores: Stores, make: Make): Promise<Subject> {
  const store = await stores.take()
  await store.fresh()
  const system = make(store.url, { way: 'savepoints' })
  const rows = async (text: string, params: readonly unknown[] = []): Promise<Rows> => {
    if (system.isConnected) {
      const { rows: got, lastInsertId } = await system.handle.execute(text, params)
      return got.length === 0 && lastInsertId !== undefined ? [{ id: lastInsertId }] : got
    }
    const app: App = await store.app()
    try {
      return await app.rows(text, params)
    } finally {
      await app.end()
    }
  }
  return {
    ...verbs(store, rows),
    system: system as Rollbackable,
    dispose: async () => {
      await system.disconnect()
      stores.give(store)
    },
  }
}

function verbs(
  { sql }: Store,
  rows: (text: string, params?: readonly unknown[]) => Promise<Rows>,
): Omit<Subject, 'system'> {
  return {
    put: async (key, value) => void (await rows(sql.put, [key, value])),
    putMany: async (entries) => {
      const all = Object.entries(entries)
      for (let i = 0; i < all.length; i += CHUNK) await rows(...many(sql.put, all.slice(i, i + CHUNK)))
    },
    remove: async (key) => void (await rows(sql.remove, [key])),
    all: async () => Object.fromEntries((await rows('select k, v from kv')).map(({ k, v }) => [String(k), String(v)])),
    fail: async () => {
      for (let i = 0; i < 2; i += 1) await rows("insert into ids (id, note) values (1000000, 'fails')")
    },
    reshape: async () => void (await rows('alter table kv add column extra varchar(10)')),
    create: async () => {
      await rows('create table made (x int primary key)')
      await rows('insert into made values (1)')
    },
    shape: async () => JSON.stringify(await rows(sql.shape)),
    generate: async () => String((await rows(sql.id))[0]?.['id']),
    leftovers: async () => JSON.stringify(await rows(sql.shape)).match(/vq_\w+|venomqa\w*/g) ?? [],
  }
}

const CHUNK = 200

/** The statement that puts one entry, for several. */
function many(put: string, entries: readonly (readonly [string, string])[]): [sql: string, params: string[]] {
  const isNumbered = put.includes('$1')
  const values = entries.map((_, i) => (isNumbered ? `($${2 * i + 1}, $${2 * i + 2})` : '(?, ?)'))
  return [put.replace(/\([$?][^)]*\)/, () => values.join(', ')), entries.flat()]
}
