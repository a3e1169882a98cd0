// An application as users have one: its own process, its own pool of eight connections, its own commits.
// It answers the messages of ./subject.ts.
import pg from 'pg'

/** What the application can be asked to do. */
export interface Requests {
  put(key: string, value: string): Promise<void>
  remove(key: string): Promise<void>
  putMany(entries: Readonly<Record<string, string>>): Promise<void>
  all(): Promise<Record<string, string>>
  fail(): Promise<void>
  generate(): Promise<string>
  query(text: string): Promise<unknown[]>
  connections(): Promise<string>
  begin(): Promise<void>
  putInFlight(key: string, value: string): Promise<void>
  end(how: 'commit' | 'rollback'): Promise<void>
  load(): Promise<void>
  stop(): Promise<number>
}

const pool = new pg.Pool({
  connectionString: process.argv[2],
  max: 8,
  idleTimeoutMillis: 0,
  application_name: 'shop',
})
pool.on('error', () => undefined)

const upsert = 'insert into kv (key, value) values ($1, $2) on conflict (key) do update set value = excluded.value'
let transaction: pg.PoolClient | undefined
let loading: Promise<unknown> | undefined
let written = 0
let stopped = false

const requests: Requests = {
  put: async (key, value) => void (await pool.query(upsert, [key, value])),
  remove: async (key) => void (await pool.query('delete from kv where key = $1', [key])),
  putMany: async (entries) => {
    await pool.query(
      'insert into kv select * from unnest($1::text[], $2::text[]) on conflict (key) do update set value = excluded.value',
      [Object.keys(entries), Object.values(entries)],
    )
  },
  all: async () => {
    const { rows } = await pool.query<[string, string]>({ text: 'select key, value from kv', rowMode: 'array' })
    return Object.fromEntries(rows)
  },
  fail: async () => {
    const client = await pool.connect()
    try {
      await client.query('begin')
      await client.query(upsert, ['refused', '1'])
      await client.query('insert into kv (key, value) values ($1, $1), ($1, $1)', ['twice'])
    } finally {
      await client.query('rollback')
      client.release()
    }
  },
  generate: async () => String((await pool.query('insert into numbered default values returning id')).rows[0].id),
  query: async (text) => (await pool.query(text)).rows,
  connections: async () => {
    const clients = await Promise.all(Array.from({ length: 8 }, () => pool.connect()))
    const pids = await Promise.all(clients.map((client) => client.query('select pg_backend_pid() as pid')))
    for (const client of clients) client.release()
    return pids
      .map(({ rows }) => Number(rows[0].pid))
      .sort((a, b) => a - b)
      .join(' ')
  },
  begin: async () => {
    transaction = await pool.connect()
    await transaction.query('begin')
  },
  putInFlight: async (key, value) => void (await transaction!.query(upsert, [key, value])),
  end: async (how) => {
    await transaction!.query(how)
    transaction!.release()
    transaction = undefined
  },
  // Eight writers at once, each committing as fast as it can.
  load: async () => {
    stopped = false
    written = 0
    loading = Promise.all(Array.from({ length: 8 }, (_, writer) => write(writer)))
  },
  stop: async () => {
    stopped = true
    await loading
    return written
  },
}

async function write(writer: number): Promise<void> {
  for (let n = 0; !stopped; n += 1) {
    const client = await pool.connect()
    try {
      await client.query('begin')
      await client.query(upsert, [`load ${writer}`, String(n)])
      if (n % 3 === 0) await client.query('insert into numbered default values')
      await client.query(upsert, [`load ${writer} ${n % 5}`, String(n)])
      if (n % 4 === 0) await client.query('delete from kv where key = $1', [`load ${writer} ${(n + 1) % 5}`])
      await client.query(n % 7 === 0 ? 'rollback' : 'commit')
      written += 1
    } finally {
      client.release()
    }
  }
}

process.on('message', ({ id, verb, values }: { id: number; verb: keyof Requests; values: never[] }) => {
  const answer = requests[verb] as (...values: never[]) => Promise<unknown>
  answer(...values).then(
    (value) => process.send?.({ id, value }),
    (error: unknown) => process.send?.({ id, error: error instanceof Error ? error.message : String(error) }),
  )
})
process.on('disconnect', () => process.exit())
process.send?.('ready')
