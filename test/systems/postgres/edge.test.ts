import pg from 'pg'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { postgres, type PostgresSystem } from '../../../src/systems/postgres/index.ts'
import type { Mark } from '../../../src/systems/postgres/index.ts'
import { describeServer } from '../../servers/server.ts'
import { postgresServers } from './each.ts'
import { type Content, differences, Reader } from './content.ts'
import { hardCases, hardSchema, newerCases } from './hard.ts'
import { type Database, makeDatabase } from './subject.ts'

const worker = { id: '1', runner: 'none', runId: 'edge', notice: () => undefined } as const

for (const name of postgresServers) {
  describeServer(name, (server) => {
    let database: Database
    let application: pg.Client
    let system: PostgresSystem
    let mark: Mark
    let reader: Reader
    let before: Content
    let version: number

    beforeAll(async () => {
      database = await makeDatabase(server, hardSchema)
      version = Math.floor(
        Number((await database.query('show server_version_num')).rows[0].server_version_num) / 10_000,
      )
      for (const { since, schema } of Object.values(newerCases)) if (version >= since) await database.query(schema)
      application = new pg.Client({ connectionString: database.url, application_name: 'shop' })
      await application.connect()
      reader = new Reader(database.query)
      system = postgres(database.url)
      await system.open(worker)
      mark = await system.checkpoint('start')
      before = await reader.content()
    })
    afterAll(async () => {
      await system.close()
      await application.end()
      await database.drop()
    })

    /** What a case changes is undone, and what it changes on top of other changes as well. */
    async function undoes(sql: string): Promise<void> {
      await application.query(sql)
      const changed = differences(before, await reader.content())
      await system.rollback(mark)
      expect(differences(before, await reader.content())).toEqual([])
      expect(await system.changes(mark)).toEqual([])

      await application.query(hardCases['a changed key, cascades and triggers on the same table']!)
      await application.query(hardCases['truncate of a partitioned table']!)
      await application.query(sql).catch(() => application.query('rollback; reset all; reset role'))
      const inner = await system.checkpoint('inner')
      const between = await reader.content()
      for (let branch = 0; branch < 2; branch += 1) {
        await application.query(sql).catch(() => application.query('rollback; reset all; reset role'))
        await system.rollback(inner)
        expect(differences(between, await reader.content())).toEqual([])
      }
      await system.rollback(mark)
      expect(differences(before, await reader.content())).toEqual([])
      expect(changed.length).toBeGreaterThanOrEqual(UNCHANGING.has(sql) ? 0 : 1)
    }

    describe('undoes', () => {
      for (const [title, sql] of Object.entries(hardCases)) test(title, () => undoes(sql))
      for (const [title, { since, sql }] of Object.entries(newerCases)) {
        test(title, async ({ skip }) => {
          if (version < since) skip(`PostgreSQL ${since}`)
          await undoes(sql)
        })
      }
      test('what happened before, between and after a vacuum', async () => {
        await application.query(`update tree set n = 3; delete from kid where id = 2`)
        await application.query('vacuum (freeze, analyze)')
        await application.query(`update tree set n = 4; insert into kid values (2, 4)`)
        const inner = await system.checkpoint('inner')
        const between = await reader.content()
        await application.query('vacuum')
        await application.query(`update tree set n = 1; truncate kid`)
        await application.query('vacuum (freeze)')
        await system.rollback(inner)
        expect(differences(between, await reader.content())).toEqual([])
        await system.rollback(mark)
        expect(differences(before, await reader.content())).toEqual([])
      })
    })
  })
}

/** Cases that leave the content as it is. */
const UNCHANGING = new Set([
  hardCases['a transaction given up'],
  hardCases['locks only'],
  hardCases['an update that changes nothing'],
])
