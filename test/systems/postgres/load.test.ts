import { expect, test } from 'vitest'
import { describeServer } from '../../servers/server.ts'
import { postgresServers } from './each.ts'
import { open } from './open.ts'
import { startApplication } from './subject.ts'

const SCHEMA = `
  create table kv (key text primary key, value text not null);
  create table numbered (id serial primary key, at timestamptz default now());
  insert into kv select 'kept ' || g, 'value' from generate_series(1, 20) g;
`

for (const name of postgresServers) {
  describeServer(name, (server) => {
    test(
      'marks and rollbacks are exact while eight connections write as fast as they can',
      { timeout: 120_000 },
      async () => {
        await using opened = await open(server, SCHEMA, { settle: 30_000 })
        const { system, reader } = opened
        const application = await startApplication(opened.database.url)
        const connections = await application.connections()
        const start = await system.checkpoint('start')
        const before = await reader.content()
        const rounds = Number(process.env['VENOMQA_FUZZ_RUNS'] ?? 0) / 100 || 12
        await application.load()
        for (let round = 0; round < rounds; round += 1) {
          const outer = await system.checkpoint('outer')
          await new Promise((resolve) => setTimeout(resolve, 3))
          const inner = await system.checkpoint('inner')
          await system.rollback(inner)
          await system.rollback(outer)
          await system.release(outer)
        }
        const written = await application.stop()
        expect(written).toBeGreaterThan(rounds)
        // Nobody writes any more: what is there is what came after the last rollback, and this mark takes all of it away.
        await system.rollback(start)
        expect(await system.changes(start)).toEqual([])
        expect(await reader.content()).toEqual(before)
        expect(await application.connections()).toBe(connections)
        application.process.disconnect()
      },
    )

    test('hundreds of branches on one mark do not make it slower or larger', { timeout: 120_000 }, async () => {
      await using opened = await open(server, SCHEMA)
      const { system, database, reader } = opened
      const application = await opened.connect()
      await system.checkpoint('start')
      await application.query(`update kv set value = 'outer'; insert into numbered default values`)
      const mark = await system.checkpoint('order created')
      const before = await reader.content()
      const sizes: number[] = []
      for (let branch = 1; branch <= 400; branch += 1) {
        await application.query(
          `update kv set value = '${branch}'; delete from kv where key = 'kept 3'; insert into numbered default values`,
        )
        await system.rollback(mark)
        if (branch % 50 === 0) sizes.push(await sizeOfLog(database))
      }
      expect(await reader.content()).toEqual(before)
      expect((await database.query('select count(*)::int as n from venomqa.log')).rows).toEqual([{ n: 0 }])
      expect((await database.query('select count(*)::int as n from venomqa.past')).rows).toEqual([{ n: 21 }])
      expect(Math.max(...sizes)).toBeLessThan(600_000)
    })
  })
}

async function sizeOfLog({ query }: { query(text: string): Promise<{ rows: { size: string }[] }> }): Promise<number> {
  const { rows } = await query(
    `select pg_total_relation_size('venomqa.log') + pg_total_relation_size('venomqa.past') as size`,
  )
  return Number(rows[0]!.size)
}
