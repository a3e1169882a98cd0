import { PGlite } from '@electric-sql/pglite'
import { afterAll, expect, test } from 'vitest'
import { conformance, type Subject } from '../../../src/kit/index.ts'
import { pglite } from '../../../src/systems/postgres/index.ts'
import { World } from '../../../src/world.ts'
import { SCHEMA } from './subject.ts'

/** Databases that no subject uses: to make one takes seconds. */
const idle: PGlite[] = []
const all: PGlite[] = []

afterAll(() => Promise.all(all.map((db) => db.close())))

async function anyDatabase(): Promise<PGlite> {
  const used = idle.pop()
  if (used) return used
  const made = await PGlite.create()
  all.push(made)
  return made
}

conformance(test, openSubject, {
  runs: 30,
  except: { 'undoes a change of schema': 'rows are put back, and what was added is dropped, but columns are not' },
})

async function openSubject(): Promise<Subject> {
  const db = await anyDatabase()
  await db.exec(`drop table if exists kv, numbered, made cascade; ${SCHEMA}`)
  const put = `insert into kv values ($1, $2) on conflict (key) do update set value = $2`
  return {
    system: pglite(db),
    put: async (key, value) => void (await db.query(put, [key, value])),
    putMany: (entries) =>
      db.transaction(async (inner) => {
        for (const entry of Object.entries(entries)) await inner.query(put, entry)
      }),
    remove: async (key) => void (await db.query('delete from kv where key = $1', [key])),
    all: async () => {
      const { rows } = await db.query<{ key: string; value: string }>('select key, value from kv')
      return Object.fromEntries(rows.map(({ key, value }) => [key, value]))
    },
    fail: async () => void (await db.query(`insert into kv values ('refused', null)`)),
    generate: async () => {
      const { rows } = await db.query<{ id: number }>('insert into numbered default values returning id')
      return String(rows[0]!.id)
    },
    reshape: async () => void (await db.exec('alter table kv add column more int default 1')),
    create: async () => void (await db.exec('create table made (id serial primary key, key text references kv)')),
    shape: async () =>
      JSON.stringify(
        (
          await db.query(
            `select relname, array(select attname from pg_attribute where attrelid = c.oid and attnum > 0 order by 1) as columns
             from pg_class c where relnamespace = 'public'::regnamespace order by 1`,
          )
        ).rows,
      ),
    leftovers: async () => {
      const { rows } = await db.query<{ name: string }>(
        `select nspname as name from pg_namespace where nspname like 'venomqa%'
         union all select tgname from pg_trigger where tgname like 'venomqa%'`,
      )
      return rows.map(({ name }) => name)
    },
    dispose: () => void idle.push(db),
  }
}

test('the settings and values of the application are as they were', async () => {
  const db = await anyDatabase()
  await db.exec(`create table dated (at timestamptz, n numeric); set timezone = 'Asia/Tokyo'`)
  await using world = await World.open({ systems: { db: pglite(db) } })
  expect(world.ways['db']).toContain('event triggers do not fire here, so the catalogs are compared each time')
  const mark = await world.checkpoint('before')
  await db.query(`insert into dated values ('2024-01-01 00:00:00+00', 1.50)`)
  expect((await world.changes(mark))['db']).toMatchObject([{ inserted: [{ at: '2024-01-01 00:00:00+00', n: '1.50' }] }])
  await world.rollback(mark)
  const { rows } = await db.query(
    `select current_setting('timezone') as zone, current_setting('session_replication_role') as role, (select count(*)::int from dated) as n`,
  )
  expect(rows).toEqual([{ zone: 'Asia/Tokyo', role: 'origin', n: 0 }])
})

test('refuses what is no PGlite database', async () => {
  await expect(World.open({ systems: { db: pglite('memory://' as never) } })).rejects.toThrow(
    /is not a PGlite database/,
  )
})
