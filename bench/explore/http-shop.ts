// The shop as a process of its own, with a pool of its own: POST /ACTION does it in a transaction and answers with the data.
// With "true" as its second argument all runs in one transaction without an end, which POST /begin rolls back and begins: so that those
// who start over may do so in the fastest way there is.
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import pg from 'pg'
import { type ActionName, type Bug, Shop } from '../../test/explore/shop.ts'
import { inTables } from './tables.ts'

const [, , url, alone, bug] = process.argv
const pool = new pg.Pool({ connectionString: url, max: 4 })
const one = alone === 'true' ? await pool.connect() : undefined
await one?.query('begin')

async function answer(action: string): Promise<{ status: number; body: string }> {
  if (action === 'begin') {
    await one?.query('rollback')
    await one?.query('begin')
    return { status: 200, body: '{}' }
  }
  const db = one ?? (await pool.connect())
  try {
    if (!one) await db.query('begin')
    const store = inTables(db)
    const { status } = await new Shop(store, (bug || undefined) as Bug | undefined).do(action as ActionName)
    if (!one) await db.query(status < 400 ? 'commit' : 'rollback')
    return { status, body: store.latest() }
  } finally {
    if (!one) db.release()
  }
}

const server = createServer((request, response) => {
  void answer((request.url ?? '/').slice(1)).then(
    ({ status, body }) => response.writeHead(status).end(body),
    (error: unknown) => response.writeHead(500).end(String(error)),
  )
})

server.listen(0, '127.0.0.1', () => console.log(`http://127.0.0.1:${(server.address() as AddressInfo).port}/`))
