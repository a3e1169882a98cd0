import { randomUUID } from 'node:crypto'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { Client } from 'pg'

/** A fresh database: on the PostgreSQL server of `POSTGRES_URL`; without one, a SQLite file. */
export async function makeDatabase(): Promise<{ database: string; drop: () => Promise<void> }> {
  // The second one is what this repository calls the server that it starts for its own tests.
  const url = process.env['POSTGRES_URL'] ?? process.env['VENOMQA_TEST_POSTGRES_URL']
  if (!url) {
    const folder = mkdtempSync(join(tmpdir(), 'explore-shop-test-'))
    return { database: join(folder, 'shop.db'), drop: async () => rmSync(folder, { recursive: true, force: true }) }
  }
  const server = new Client(url)
  await server.connect()
  const name = `explore_shop_test_${randomUUID().slice(0, 8)}`
  await server.query(`create database ${name}`)
  return {
    database: Object.assign(new URL(url), { pathname: `/${name}` }).href,
    async drop() {
      await server.query(`drop database ${name} with (force)`)
      await server.end()
    },
  }
}
