// An application as users have one: its own process, its own connections, its own commits.
// It runs the statements that ./process.ts sends, on the database and the connection that are named there.
import { createPool, type Pool, type PoolConnection, type ResultSetHeader } from 'mysql2/promise'

/** One thing to do. */
export interface Request {
  readonly id: number
  readonly url: string
  readonly on: string
  readonly sql: string
  readonly values: readonly unknown[]
}

/** What came of it. */
export interface Answer {
  readonly id: number
  readonly rows?: readonly Record<string, unknown>[]
  readonly insertId?: number
  readonly error?: string
}

const pools = new Map<string, Pool>()
const held = new Map<string, PoolConnection>()

/** `pool` is whichever connection is free, `end` closes all; any other name is a connection that stays with that name. */
async function run({ id, url, on, sql, values }: Request): Promise<Answer> {
  try {
    const pool =
      pools.get(url) ?? createPool({ uri: url, connectionLimit: 12, multipleStatements: true, supportBigNumbers: true })
    pools.set(url, pool)
    if (on === 'end') return await end(id, url, pool)
    const name = `${url} ${on}`
    if (on !== 'pool' && !held.has(name)) held.set(name, await pool.getConnection())
    const [result] = await (held.get(name) ?? pool).query(sql, [...values])
    if (Array.isArray(result)) return { id, rows: result as Record<string, unknown>[] }
    return { id, insertId: (result as ResultSetHeader).insertId }
  } catch (error) {
    return { id, error: error instanceof Error ? error.message : String(error) }
  }
}

async function end(id: number, url: string, pool: Pool): Promise<Answer> {
  pools.delete(url)
  for (const [name, connection] of held) {
    if (!name.startsWith(`${url} `)) continue
    connection.destroy()
    held.delete(name)
  }
  await pool.end()
  return { id }
}

process.on('message', (request: Request) => void run(request).then((answer) => process.send?.(answer)))
process.on('disconnect', () => process.exit())
process.send?.('ready')
