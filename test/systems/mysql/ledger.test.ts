import { expect, test } from 'vitest'
import { ledgerTables, writeUnderMarks } from '../ledger.ts'
import { onBoth, open } from './bench.ts'
import { connect } from './database.ts'

const BEGINS = [
  'SET SESSION TRANSACTION ISOLATION LEVEL READ COMMITTED',
  'SET SESSION TRANSACTION ISOLATION LEVEL REPEATABLE READ',
  'SET SESSION TRANSACTION ISOLATION LEVEL SERIALIZABLE',
  'SET foreign_key_checks = 0',
  'SET foreign_key_checks = 1',
]

onBoth((url) => {
  test('marks and rollbacks at any moment are exact, whatever writers do', { timeout: 120_000 }, async () => {
    await using bench = await open(url, ledgerTables, { settle: 30_000 })
    const { system, database } = bench
    const rollbacks = Number(process.env['VENOMQA_FUZZ_RUNS'] ?? 0) / 1000 || 4
    const told = await writeUnderMarks({
      system,
      rollbacks,
      begins: BEGINS,
      connect: async () => {
        const client = await connect(url)
        client.on('error', () => undefined)
        await client.query(`USE ${database.name}; SET innodb_lock_wait_timeout = 1`)
        return {
          query: async (sql) => {
            const text = sql.replace('SELECT ENTRIES FROM', "SELECT GROUP_CONCAT(w, ' ', n, ' ', k) FROM")
            const [rows] = await client.query(text)
            return rows as never
          },
          destroy: () => client.destroy(),
        }
      },
    })
    expect(told).toMatch(/"written":[1-9]/)
  })
})
