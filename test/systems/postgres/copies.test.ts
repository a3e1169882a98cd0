import { once } from 'node:events'
import { spawn } from 'node:child_process'
import pg from 'pg'
import { expect, test } from 'vitest'
import { copyName } from '../../../src/systems/postgres/copies.ts'
import { postgres } from '../../../src/systems/postgres/index.ts'
import { World } from '../../../src/world.ts'
import { describeServer } from '../../servers/server.ts'
import { postgresServers } from './each.ts'
import { connected, makeSource } from './copies-subject.ts'
import { onServer } from './subject.ts'

const quiet = { notice: () => undefined }

for (const name of postgresServers) {
  describeServer(name, (server) => {
    test('each worker has its copy, and the application is told where it is', async () => {
      const source = await makeSource(server, `create table t (id serial primary key); insert into t default values`)
      const open = (id: string): ReturnType<typeof World.open> =>
        World.open({ systems: { db: postgres(source.url, { perWorker: true }) }, worker: { ...quiet, id } })
      const worlds = [await open('1'), await open('2')]
      expect(await source.copies()).toEqual([`${source.name}_vq_1`, `${source.name}_vq_2`])
      const ids = await Promise.all(
        worlds.map(
          async (world) => (await onServer(world.url('db'), 'insert into t default values returning id')).rows,
        ),
      )
      expect(ids).toEqual([[{ id: 2 }], [{ id: 2 }]])
      expect((await source.query('select id from t')).rows).toEqual([{ id: 1 }])
      for (const world of worlds) await world.close()
      expect(await source.copies()).toEqual([])
      await source.drop()
    })

    test('template brings back what undo cannot', async () => {
      const source = await makeSource(
        server,
        `create table t (n int); insert into t values (1);
         create materialized view m as select sum(n) from t;
         create type mood as enum ('sad')`,
      )
      const content = `select (select sum(n) from t)::text as t, (select sum from m)::text as m,
        (select count(*) from pg_largeobject_metadata)::text as large, (select enum_range(null::mood))::text as mood`
      await using world = await World.open({
        systems: { db: postgres(source.url, { way: 'template' }) },
        worker: quiet,
      })
      const then = (await onServer(world.url('db'), content)).rows
      const mark = await world.checkpoint('before')
      for (let branch = 0; branch < 2; branch += 1) {
        await onServer(
          world.url('db'),
          `alter table t add more text default 'x'; insert into t values (2); refresh materialized view m;
           select lo_from_bytea(0, 'x'); alter type mood rename value 'sad' to 'glad'`,
        )
        expect((await onServer(world.url('db'), content)).rows).not.toEqual(then)
        await world.rollback(mark)
        expect((await onServer(world.url('db'), content)).rows).toEqual(then)
      }
      expect((await world.systems.db.query('select n from t')).rows).toEqual([{ n: 1 }])
      await world.close()
      expect(await source.copies()).toEqual([])
      await source.drop()
    })

    test('a database that somebody is connected to is not copied, and who that is is said', async () => {
      const source = await makeSource(server)
      const client = await connected(source.url)
      const db = postgres(source.url, { way: 'template', settle: 100 })
      await expect(World.open({ systems: { db }, worker: quiet })).rejects.toThrow(
        /cannot be copied while somebody is connected to it: pid \d+ \(application_name "application", idle\)/,
      )
      await client.end()
      expect(await source.copies()).toEqual([])
      await source.drop()
    })

    test('nothing is dropped that was not made here', async () => {
      const source = await makeSource(server)
      const name = `${source.name}_vq_1`
      await onServer(server, `create database ${name}`)
      for (const options of [{ perWorker: true }, { way: 'template' as const }]) {
        const db = postgres(source.url, options as never)
        await expect(World.open({ systems: { db }, worker: quiet })).rejects.toThrow(
          `there is a database of that name which venomqa did not make`,
        )
      }
      expect(await source.copies()).toEqual([name])
      await onServer(server, `drop database ${name}`)
      await source.drop()
    })

    test('two runs do not share a worker, and what a killed run left is dropped by the next', async () => {
      const source = await makeSource(server, 'create table t (n int)')
      const run = spawn(process.execPath, ['-e', RUN, source.url], { stdio: ['ignore', 'pipe', 'inherit'] })
      await once(run.stdout, 'data')
      expect(await source.copies()).toEqual([
        `${source.name}_vq_1`,
        expect.stringMatching(/_vq_1_m1$/),
        expect.any(String),
      ])
      for (const options of [{ perWorker: true }, { way: 'template' as const }]) {
        const db = postgres(source.url, options as never)
        await expect(World.open({ systems: { db }, worker: quiet })).rejects.toThrow(/is in use by another run/)
      }
      run.kill('SIGKILL')
      await once(run, 'exit')
      const world = await World.open({ systems: { db: postgres(source.url, { perWorker: true }) }, worker: quiet })
      expect(await source.copies()).toEqual([`${source.name}_vq_1`])
      await world.close()
      await source.drop()
    })

    test('a role that may not make databases is told what it needs', async () => {
      const source = await makeSource(server)
      const role = `${source.name}_role`
      await onServer(server, `create role ${role} login; alter database ${source.name} owner to ${role}`)
      const url = Object.assign(new URL(source.url), { username: role }).href
      const db = postgres(url, { perWorker: true })
      await expect(World.open({ systems: { db }, worker: quiet })).rejects.toThrow(/ALTER ROLE … CREATEDB/)
      await source.drop()
      await onServer(server, `drop role ${role}`)
    })

    test('an application whose transaction is open is waited for', async () => {
      const source = await makeSource(server, 'create table t (n int)')
      const db = postgres(source.url, { way: 'template', settle: 100 })
      await using world = await World.open({ systems: { db }, worker: quiet })
      const client: pg.Client = await connected(world.url('db'))
      await client.query('begin; insert into t values (1)')
      await expect(world.checkpoint('paid')).rejects.toThrow(/cannot be ended while one writes: pid \d+/)
      await client.query('commit')
      await world.checkpoint('paid')
      await world.close()
      await source.drop()
    })
  })
}

/** A run that is killed once it has marks. */
const RUN = `
  const { postgres } = await import('${new URL('../../../src/systems/postgres/index.ts', import.meta.url).href}')
  const { World } = await import('${new URL('../../../src/world.ts', import.meta.url).href}')
  const world = await World.open({ systems: { db: postgres(process.argv[1], { way: 'template' }) } })
  await world.checkpoint('paid')
  console.log('marked')
  setInterval(() => {}, 1000)
`

test('a name that is too long is cut, and stays apart from others', () => {
  expect(copyName('shop_test', '3')).toBe('shop_test_vq_3')
  const long = 'x'.repeat(63)
  expect(copyName(long, '3')).toMatch(/^vq_[0-9a-f]{10}_vq_3$/)
  expect(copyName(long, '3')).not.toBe(copyName(`${long.slice(1)}y`, '3'))
  expect(copyName(copyName(long, '3'), 'm12', '_')).toMatch(/^vq_[0-9a-f]{10}_vq_3_m12$/)
})
