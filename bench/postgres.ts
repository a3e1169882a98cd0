// PostgreSQL: our rollback against copies of the database, at several sizes; what a write pays; one round trip.
import { execFileSync, spawn } from 'node:child_process'
import { chmodSync, mkdtempSync, rmSync } from 'node:fs'
import { availableParallelism, tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import pg from 'pg'
import { postgres } from '../src/systems/postgres/index.ts'
import type { Bench } from './bench.ts'
import { milliseconds, type Timing } from './row.ts'

/** How large a database is, and what is changed between two rollbacks. */
interface Size {
  readonly id?: string
  readonly tables: number
  readonly rows: number
  readonly changes: number
  readonly goal?: { readonly atLeast: number }
}

const ALL: readonly Size[] = [
  { tables: 5, rows: 1000, changes: 10 },
  { id: 'P1', tables: 50, rows: 10_000, changes: 10, goal: { atLeast: 50 } },
  { tables: 50, rows: 10_000, changes: 0 },
  { tables: 50, rows: 10_000, changes: 1 },
  { tables: 50, rows: 10_000, changes: 100 },
  { tables: 500, rows: 10_000, changes: 10 },
  { tables: 50, rows: 100_000, changes: 10 },
  { tables: 5, rows: 100_000, changes: 10_000 },
  { id: 'P2', tables: 5, rows: 1_000_000, changes: 10, goal: { atLeast: 300 } },
]
const QUICK: readonly Size[] = ALL.filter(({ id, tables }) => id === 'P1' || tables === 5).slice(0, 2)

/** Measures P1, P2, P2flat and P3. The servers hold their data in memory, which is best for the peers; P3 is on disk. */
export async function run(bench: Bench): Promise<void> {
  const { quick, row } = bench
  const server = bench.service('postgres18', { durable: true })
  const admin = await connect(server, 'postgres')
  const flat = new Map<string, number>()
  for (const size of quick ? QUICK : ALL) {
    const { ours, peers, floor, correct } = await compare(bench, server, admin, size)
    if (size.tables === 5 && size.changes === 10) flat.set(String(size.rows), milliseconds(ours))
    row({
      ...(size.id !== undefined && { id: size.id }),
      ...(size.goal !== undefined && { goal: size.goal }),
      work: `${size.changes} committed changes, ${size.tables} tables, ${size.rows} rows`,
      ours: { name: 'undo', ms: ours },
      peers,
      floor: { name: 'one round trip', ms: floor },
      correct,
    })
  }
  const [small, large] = [flat.get('1000'), flat.get('1000000')]
  if (small !== undefined && large !== undefined) {
    row({
      id: 'P2flat',
      work: 'our rollback at 1 M rows / at 1 k rows',
      ours: { name: '1 M rows', ms: large },
      peers: { '1 k rows': small },
      figure: 'ratio',
      goal: { atMost: 1.2 },
      correct: true,
    })
  }
  await inProcess(bench, server, admin)
  await admin.end()
  await awake(async () => {
    await writes(bench, 'off', server, 35)
    await onDisk((durable) => writes(bench, 'on', durable, 12))
  })
}

/** In one process: our shared pool against a transaction that is begun before each test and rolled back after it. */
async function inProcess({ quick, measure, row }: Bench, server: string, admin: pg.Client): Promise<void> {
  const size = { tables: 50, rows: 10_000, changes: 10 }
  const runs = quick ? 30 : 100
  await makeShop(server, admin, size)
  await admin.query(`create database ${OURS} template ${SOURCE}`)
  const pool = new pg.Pool({ connectionString: urlOf(server, OURS) })
  const system = postgres.shared(pool)
  await system.open({ id: '1', runner: 'none', runId: 'bench', notice: () => undefined })
  const mark = await system.checkpoint('start')
  const before = await digest(pool, size)
  const ours = await measure({
    runs,
    warmUp: 20,
    before: () => change(pool, size),
    run: () => system.rollback(mark),
  })
  const correct = (await digest(pool, size)) === before
  const floor = await measure({ runs, run: () => pool.query('select 1') })
  await system.close()
  await pool.end()
  const client = await connect(server, OURS)
  const peer = await measure({
    runs,
    warmUp: 20,
    before: async () => {
      await client.query('begin')
      await change(client, size)
    },
    run: () => client.query('rollback'),
  })
  await client.end()
  row({
    work: 'in one process: 10 changes, 50 tables, 10000 rows; only ours keeps marks, brings back sequences and lets the application commit',
    ours: { name: 'shared', ms: ours },
    peers: { 'a transaction a test, by hand': peer },
    floor: { name: 'one round trip', ms: floor },
    correct,
  })
  for (const name of [OURS, SOURCE]) await admin.query(`drop database ${name} with (force)`)
}

async function compare(
  { quick, measure, scratch }: Bench,
  server: string,
  admin: pg.Client,
  size: Size,
): Promise<{ ours: Timing; peers: Record<string, Timing>; floor: Timing; correct: boolean }> {
  const runs = size.rows >= 1_000_000 || quick ? 5 : 9
  await makeShop(server, admin, size)
  for (const name of [OURS, COPIED]) await admin.query(`create database ${name} template ${SOURCE} strategy file_copy`)
  await admin.query('checkpoint')

  const application = await connect(server, OURS)
  const system = postgres(urlOf(server, OURS))
  await system.open({ id: '1', runner: 'none', runId: 'bench', notice: () => undefined })
  const mark = await system.checkpoint('start')
  const before = await digest(application, size)
  const undo = (): Promise<Timing> =>
    measure({
      runs: quick ? 30 : 100,
      warmUp: 20,
      before: () => change(application, size),
      run: () => system.rollback(mark),
    })
  // First and last, since the machine may become slower or faster meanwhile: the slower one counts.
  const first = await undo()
  const peers = await copies({ measure, runs, server, admin })
  Object.assign(peers, await reload({ measure, runs, server, size, folder: scratch() }))
  await admin.query('checkpoint')
  const last = await undo()
  const correct = (await digest(application, size)) === before && (await system.changes(mark)).length === 0
  const floor = await measure({ runs: 100, warmUp: 20, run: () => application.query('select 1') })
  await system.close()
  await application.end()
  for (const name of [OURS, COPIED, SOURCE]) await admin.query(`drop database ${name} with (force)`)
  return { ours: first.median > last.median ? first : last, peers, floor, correct }
}

const SOURCE = 'bench_test_source'
const OURS = 'bench_test_ours'
const COPIED = 'bench_test_copied'
const CLONE = 'bench_test_clone'

interface Peer {
  readonly measure: Bench['measure']
  readonly runs: number
  readonly server: string
}

/** A copy of a template database, which is there when something can connect to it; and the drop of the old one. */
async function copies({ measure, runs, server, admin }: Peer & { admin: pg.Client }): Promise<Record<string, Timing>> {
  const peers: Record<string, Timing> = {}
  for (const strategy of ['wal_log', 'file_copy']) {
    let client: pg.Client | undefined
    const create = async (): Promise<void> => {
      await admin.query(`create database ${CLONE} template ${SOURCE} strategy ${strategy}`)
      client = await connect(server, CLONE)
      await client.query('select 1')
    }
    const drop = async (): Promise<void> => {
      await client?.end()
      await admin.query(`drop database if exists ${CLONE} with (force)`)
    }
    peers[`template ${strategy}`] = await measure({ runs, warmUp: 1, run: create, after: drop })
    await create()
    peers[`template ${strategy}, drop first`] = await measure({
      runs,
      warmUp: 1,
      run: async () => {
        await drop()
        await create()
      },
    })
    await drop()
    await admin.query('checkpoint')
  }
  return peers
}

/** All tables emptied and filled again from files of the server, without triggers and foreign keys. */
async function reload(peer: Peer & { size: Size; folder: string }): Promise<Record<string, Timing>> {
  const { measure, runs, server, size, folder } = peer
  chmodSync(folder, 0o777)
  const client = await connect(server, COPIED)
  const tables = Array.from({ length: size.tables }, (_, i) => `t${i + 1}`)
  for (const table of tables) await client.query(`copy ${table} to '${join(folder, table)}'`)
  await client.query('set session_replication_role = replica; set synchronous_commit = off')
  const copy = tables.map(
    (table) => `copy ${table} from '${join(folder, table)}'; select setval('${table}_id_seq', ${perTable(size)});`,
  )
  const timing = await measure({
    runs: size.rows >= 1_000_000 ? 3 : runs,
    warmUp: 1,
    run: () => client.query(`begin; truncate ${tables.join(', ')} restart identity; ${copy.join('\n')} commit`),
  })
  await client.end()
  return { 'truncate + copy': timing }
}

/** What single statements cost with our triggers and without, in small blocks that take turns. */
async function writes({ quick, row }: Bench, commit: 'on' | 'off', server: string, atMost: number): Promise<void> {
  const admin = await connect(server, 'postgres')
  const size = { tables: 5, rows: 50_000, changes: 0 }
  await makeShop(server, admin, size)
  const databases = [COPIED, OURS]
  for (const name of databases) await admin.query(`create database ${name} template ${SOURCE}`)
  const system = postgres(urlOf(server, OURS))
  await system.open({ id: '1', runner: 'none', runId: 'bench', notice: () => undefined })
  const start = await system.checkpoint('start')
  const clients = await Promise.all(databases.map((name) => connect(server, name)))
  for (const client of clients) await client.query(`set synchronous_commit = ${commit}`)
  const statements: { readonly name: string; readonly text: string; readonly values: (n: number) => unknown[] }[] = [
    {
      name: 'insert',
      text: 'insert into t1 (email, name, amount, meta) values ($1, $2, 1.5, $3)',
      values: (n) => [`w${n}`, 'New', '{"n":1}'],
    },
    {
      name: 'update',
      text: 'update t2 set name = $1, amount = amount + 1 where id = $2',
      values: (n) => [`w${n}`, 1 + (n % 9000)],
    },
    { name: 'delete', text: 'delete from t3 where id = $1', values: (n) => [n % 10_000] },
  ]
  const before = await digest(clients[1]!, size)
  for (const statement of statements) {
    const took: [number[], number[]] = [[], []]
    let wrote = true
    for (let block = 0; block < (quick ? 10 : 60); block += 1) {
      for (const [which, client] of clients.entries()) {
        const times: number[] = []
        for (let i = 1; i <= 40; i += 1) {
          const values = statement.values(block * 40 + i)
          const started = performance.now()
          const { rowCount } = await client.query({ ...statement, values })
          times.push(performance.now() - started)
          wrote &&= rowCount === 1
        }
        if (block > 1) took[which === 0 ? 0 : 1].push(median(times))
      }
    }
    const recorded = (await system.changes(start)).length > 0
    await system.rollback(start)
    const undone = (await system.changes(start)).length === 0 && (await digest(clients[1]!, size)) === before
    row({
      id: 'P3',
      work: `single-row ${statement.name}, round trip, synchronous_commit ${commit}${commit === 'on' ? ', on disk' : ''}; idle processes keep the processors awake`,
      ours: { name: 'with our triggers', ms: median(took[1]) },
      peers: { without: median(took[0]) },
      figure: 'overhead',
      goal: { atMost },
      correct: wrote && recorded && undone,
    })
  }
  for (const client of clients) await client.end()
  await system.close()
  for (const name of [...databases, SOURCE]) await admin.query(`drop database ${name} with (force)`)
  await admin.end()
}

/**
 * Keeps every processor awake by a process that runs only while nobody else wants to (`chrt`, of Linux): to wake one up
 * takes longer than a statement, and longer after a long one, so that it would count against whoever does more.
 */
async function awake(work: () => Promise<void>): Promise<void> {
  const spin = 'const parent = process.ppid; while (process.ppid === parent) for (let i = 0; i < 1e6; i += 1);'
  const idle = Array.from({ length: availableParallelism() }, () =>
    spawn('chrt', ['--idle', '0', process.execPath, '-e', spin], { stdio: 'ignore' }).on('error', () => undefined),
  )
  try {
    await work()
  } finally {
    for (const one of idle) one.kill()
  }
}

/** A server of its own with its data on disk, synced as in production. */
async function onDisk(work: (server: string) => Promise<void>): Promise<void> {
  const folder = mkdtempSync(join(tmpdir(), 'venomqa-bench-'))
  chmodSync(folder, 0o755)
  const env: NodeJS.ProcessEnv = { ...process.env, VENOMQA_SERVERS_DATA: folder, VENOMQA_SERVERS_DURABLE: '1' }
  delete env['VENOMQA_TEST_POSTGRES18_URL']
  const servers = fileURLToPath(new URL('../test/servers/servers', import.meta.url))
  try {
    const line = execFileSync('bash', [servers, 'up', 'postgres18'], { env, encoding: 'utf8' })
    await work(line.slice(line.indexOf('=') + 1).trim())
  } finally {
    execFileSync('bash', [servers, 'down', 'postgres18'], { env })
    rmSync(folder, { recursive: true, force: true })
  }
}

/** Tables as shops have them: an identity, a unique text, a foreign key to the table before, an index on it. */
async function makeShop(server: string, admin: pg.Client, size: Size): Promise<void> {
  await admin.query(`create database ${SOURCE}`)
  const client = await connect(server, SOURCE)
  for (let i = 1; i <= size.tables; i += 1) {
    await client.query(`
      create table t${i} (
        id bigint generated by default as identity primary key, email text not null unique, name text,
        amount numeric(12,2), meta jsonb, parent_id bigint ${i > 1 ? `references t${i - 1} on delete set null` : ''},
        active boolean default true, created_at timestamptz default now());
      insert into t${i} (email, name, amount, meta, parent_id)
        select 'user' || g || '@t${i}.example.com', 'Name Of User ' || g, g * 1.25,
          jsonb_build_object('k', g, 'tags', array['a', 'b']), ${i > 1 ? 'g' : 'null'}
        from generate_series(1, ${perTable(size)}) g;
      create index on t${i} (parent_id)`)
  }
  await client.query('vacuum analyze')
  await client.end()
}

/** A third inserts, a third updates, a third deletes, over up to three tables, each committed by itself; in bulk above 100. */
async function change(client: Pick<pg.Client, 'query'>, size: Size): Promise<void> {
  const per = perTable(size)
  const many = Math.min(3, size.tables)
  if (size.changes > 100) {
    const each = Math.floor(size.changes / 3 / many)
    for (let t = 1; t <= many; t += 1) {
      await client.query(`insert into t${t} (email, name) select 'bulk' || g, 'New' from generate_series(1, ${each}) g`)
      await client.query(`update t${t} set name = 'changed', amount = amount + 1 where id <= ${each}`)
      await client.query(`delete from t${t} where id > ${per - each} and id <= ${per}`)
    }
    return
  }
  for (let i = 0; i < size.changes; i += 1) {
    const table = `t${1 + (Math.floor(i / 3) % many)}`
    if (i % 3 === 0)
      await client.query(`insert into ${table} (email, name, amount) values ($1, 'New', 1.5)`, [`new${i}`])
    else if (i % 3 === 1)
      await client.query(`update ${table} set name = 'changed' where id = $1`, [1 + ((i * 7) % per)])
    else await client.query(`delete from ${table} where id = $1`, [per - (i % Math.floor(per / 2))])
  }
}

/** The content of the tables that are changed, and where every sequence is. */
async function digest(client: Pick<pg.Client, 'query'>, size: Size): Promise<string> {
  const parts: unknown[] = []
  for (let t = 1; t <= Math.min(5, size.tables); t += 1) {
    parts.push((await client.query(`select count(*), sum(hashtextextended(x::text, 0)::numeric) from t${t} x`)).rows)
  }
  parts.push(
    (await client.query(`select sequencename, last_value from pg_sequences where schemaname = 'public' order by 1`))
      .rows,
  )
  return JSON.stringify(parts)
}

function perTable({ rows, tables }: Size): number {
  return Math.floor(rows / tables)
}

async function connect(server: string, database: string): Promise<pg.Client> {
  const client = new pg.Client({ connectionString: urlOf(server, database) })
  client.on('error', () => undefined)
  await client.connect()
  return client
}

function urlOf(server: string, database: string): string {
  return Object.assign(new URL(server), { pathname: `/${database}` }).href
}

function median(values: readonly number[]): number {
  return values.toSorted((a, b) => a - b)[values.length >> 1] ?? Number.NaN
}
