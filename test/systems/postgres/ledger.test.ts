import pg from 'pg'
import { expect, test } from 'vitest'
import { describeServer } from '../../servers/server.ts'
import { ledgerTables, writeUnderMarks } from '../ledger.ts'
import { postgresServers } from './each.ts'
import { open } from './open.ts'

const BEGINS = [
  'SET default_transaction_isolation = "read committed"',
  'SET default_transaction_isolation = "repeatable read"',
  'SET default_transaction_isolation = serializable',
  `SET datestyle = 'SQL, DMY'`,
]

for (const name of postgresServers) {
  describeServer(name, (server) => {
    test('marks and rollbacks at any moment are exact, whatever writers do', { timeout: 120_000 }, async () => {
      await using opened = await open(server, ledgerTables, { settle: 30_000 })
      const rollbacks = Number(process.env['VENOMQA_FUZZ_RUNS'] ?? 0) / 1000 || 4
      const told = await writeUnderMarks({
        system: opened.system,
        rollbacks,
        begins: BEGINS,
        connect: async () => {
          const client = new pg.Client({ connectionString: opened.database.url })
          client.on('error', () => undefined)
          await client.connect()
          return {
            query: async (sql) => {
              const text = sql.replace('SELECT ENTRIES FROM', `SELECT string_agg(concat_ws(' ', w, n, k), ',') FROM`)
              return (await client.query(text)).rows
            },
            destroy: () =>
              (client as unknown as { connection: { stream: { destroy(): void } } }).connection.stream.destroy(),
          }
        },
      })
      expect(told).toMatch(/"written":[1-9]/)
    })
  })
}
