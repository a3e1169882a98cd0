import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import Database from 'better-sqlite3'
import { inMemory } from '../../bench/bench.ts'
import { World } from '../../src/index.ts'
import type { Rollbackable } from '../../src/rollbackable.ts'
import { memory } from '../../src/systems/memory/index.ts'
import { sqlite } from '../../src/systems/sqlite/index.ts'
import type { Store } from './shop.ts'

/** A system to explore on, and how the application writes to it. */
export interface Place extends Store {
  readonly system: Rollbackable
  dispose?(): void
}

/** The systems that exploration is tested on, each by how to open one. A further system is one line. */
export const places: Readonly<Record<string, () => Place>> = {
  memory: () => onMap((map) => memory(map)),
  'a stack that forgets': () => onMap((map) => forgetful(memory(map))),
  'a SQLite file': () => onSqlite(),
}

/** A world over one place, and the store that its application uses. */
export async function open(
  place: string,
): Promise<AsyncDisposable & { world: World<{ db: Rollbackable }>; store: Store }> {
  const { system, dispose, ...store } = places[place]!()
  const world = await World.open({ systems: { db: system } })
  return {
    world,
    store,
    async [Symbol.asyncDispose]() {
      await world.close()
      dispose?.()
    },
  }
}

function onMap(make: (map: Map<string, string>) => Rollbackable): Place {
  const map = new Map<string, string>()
  return { system: make(map), put: (key, value) => void map.set(key, value), all: () => Object.fromEntries(map) }
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
    system: sqlite(join(folder, 'test.db')),
    put: (key, value) => void put.run(key, value),
    all: () => Object.fromEntries(all.all().map(({ key, value }) => [key, value])),
    dispose() {
      db.close()
      rmSync(folder, { recursive: true })
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
