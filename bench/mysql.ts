// MySQL and MariaDB: our rollback against copies of the database, of its dirty tables, and savepoints; what a write pays.
import { execFileSync } from 'node:child_process'
import { chmodSync, mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { type Connection, createConnection, type RowDataPacket } from 'mysql2/promise'
import { mysql, type Mysql } from '../src/systems/mysql/index.ts'
import type { Bench } from './bench.ts'
import type { Timing } from './row.ts'

/** How large a database is, and what is changed between two rollbacks. */
interface Size {
  readonly tables: number
  readonly rows: number
  readonly changes: number
}

const PROMISED: Size = { tables: 50, rows: 100_000, changes: 10 }
const ALL: readonly Size[] = [{ tables: 5, rows: 1000, changes: 10 }, PROMISED, { ...PROMISED, changes: 100 }]
const QUICK: readonly Size[] = [{ tables: 5, rows: 1000, changes: 10 }, PROMISED]

const SERVERS = ['mariadb', 'mysql'] as const
type Flavour = (typeof SERVERS)[number]

/** Measures P6a and P6b on both servers, with their data in memory, which is best for the peers; and writes on disk. */
export async function run(bench: Bench): Promise<void> {
  for (const flavour of SERVERS) {
    const server = bench.service(flavour, { durable: true })
    for (const size of bench.quick ? QUICK : ALL) await compare(bench, flavour, server, size)
    await writes(bench, flavour, 'in memory', server)
    await onDisk(flavour, (durable) => writes(bench, flavour, 'on disk', durable, 15))
  }
}

const OURS = 'bench_test_ours'
const SOURCE = 'bench_test_source'
const CLONE = 'bench_test_clone'

async function compare(bench: Bench, flavour: Flavour, server: string, size: Size): Promise<void> {
  const { quick, measure, row } = bench
  const admin = await connect(server)
  // Nobody reads the log of changes. Our own sessions do without it, too.
  await admin.query('set session sql_log_bin = 0, foreign_key_checks = 0, unique_checks = 0')
  for (const name of [OURS, SOURCE]) await makeShop(admin, name, size)
  const before = await digest(admin, OURS, size)
  const whole = { measure, runs: quick ? 3 : 7, admin, size, before }

  const ways = { 'with AUTO_INCREMENT': true, 'without AUTO_INCREMENT': false }
  const ours: Record<string, { ms: Timing; correct: boolean }> = {}
  const undo = async (): Promise<void> => {
    for (const [name, autoIncrement] of Object.entries(ways)) {
      const timed = await undone(bench, server, size, { autoIncrement, admin, before })
      // First and last, since the machine may become slower or faster meanwhile: the slower one counts.
      if (!ours[name] || timed.ms.median > ours[name].ms.median) ours[name] = timed
    }
  }
  await undo()
  const copies = { ...(await clones(whole, server)), ...(await dump(whole, server)) }
  const dirty = await dirtyTables(whole, server)
  const inside = await savepoint(bench, server, size, before)
  await undo()
  const application = await connect(server, OURS)
  const floor = { name: 'one round trip', ms: await measure({ runs: 100, run: () => application.query('select 1') }) }
  await application.end()
  const alters = touched(size).map((table) => `alter table ${SOURCE}.${table} auto_increment = ${perTable(size) + 1}`)
  const alone = {
    name: 'its ALTER TABLEs alone',
    ms: await measure({ runs: 30, run: () => admin.query(alters.join(';')) }),
  }

  const work = `${flavour}, ${size.changes} committed changes, ${size.tables} tables, ${size.rows} rows`
  for (const [name, { ms, correct }] of Object.entries(ours)) {
    const promised =
      size === PROMISED &&
      (name === 'with AUTO_INCREMENT' ? { id: 'P6b', goal: { atLeast: 60 } } : { id: 'P6a', goal: { atLeast: 100 } })
    const least = name === 'with AUTO_INCREMENT' ? alone : floor
    row({ ...promised, work: `${work}, ${name}`, ours: { name: 'undo', ms }, peers: copies, floor: least, correct })
  }
  const { ms, correct } = ours['without AUTO_INCREMENT']!
  row({ work: `${work}: against copies of dirty tables`, ours: { name: 'undo', ms }, peers: dirty, floor, correct })
  row({
    work: `${work}: against savepoints, in one process only`,
    ours: { name: 'undo', ms },
    peers: inside,
    floor,
    correct,
  })
  for (const name of [OURS, SOURCE]) await admin.query(`drop database ${name}`)
  await admin.end()
}

/** Our rollback, after changes that an application made on a connection of its own. */
async function undone(
  { quick, measure }: Bench,
  server: string,
  size: Size,
  { autoIncrement, admin, before }: { autoIncrement: boolean; admin: Connection; before: string },
): Promise<{ ms: Timing; correct: boolean }> {
  const application = await connect(server, OURS)
  const system = await opened(server, autoIncrement)
  const mark = await system.checkpoint('start')
  const ms = await measure({
    runs: quick ? 30 : 100,
    warmUp: 20,
    before: () => change(application, size),
    run: () => system.rollback(mark),
  })
  const correct =
    (await system.changes(mark)).length === 0 &&
    (await digest(admin, OURS, size, autoIncrement)) ===
      (autoIncrement ? before : await digest(admin, SOURCE, size, false))
  await application.end()
  await system.close?.()
  // What the ids were is put back for who comes next.
  for (const table of touched(size))
    await admin.query(`alter table ${OURS}.${table} auto_increment = ${perTable(size) + 1}`)
  return { ms, correct }
}

interface Peer {
  readonly measure: Bench['measure']
  readonly runs: number
  readonly admin: Connection
  readonly size: Size
  readonly before: string
}

/** A new database, filled table by table inside the server; and all tables of one emptied and filled again. */
async function clones({ measure, runs, admin, size, before }: Peer, server: string): Promise<Record<string, Timing>> {
  const all = tables(size)
  const filling = all.map((table) => `insert into ${CLONE}.${table} select * from ${SOURCE}.${table}`)
  const create = [
    `create database ${CLONE}`,
    ...all.map((table) => `create table ${CLONE}.${table} like ${SOURCE}.${table}`),
    'start transaction',
    ...filling,
    'commit',
  ].join(';')
  const drop = (): Promise<unknown> => admin.query(`drop database if exists ${CLONE}`)
  const clone = async (): Promise<void> => {
    await admin.query(create)
    const application = await connect(server, CLONE)
    await application.query('select 1')
    await application.end()
  }
  const fresh = await measure({ runs, warmUp: 1, run: clone, after: () => drop().then(() => undefined) })
  await admin.query(create)
  await prove(admin, CLONE, size, before)
  const again = await measure({ runs, warmUp: 1, run: () => drop().then(clone) })
  const refill = [
    'start transaction',
    ...all.flatMap((table, i) => [`delete from ${CLONE}.${table}`, filling[i]]),
    'commit',
  ]
  const truncate = [...all.map((table) => `truncate ${CLONE}.${table}`), 'start transaction', ...filling, 'commit']
  const deleted = await measure({ runs, warmUp: 1, run: () => admin.query(refill.join(';')) })
  const truncated = await measure({ runs, warmUp: 1, run: () => admin.query(truncate.join(';')) })
  await prove(admin, CLONE, size, before)
  await drop()
  return { clone: fresh, 'clone, drop first': again, 'delete + copy all': deleted, 'truncate + copy all': truncated }
}

/** As mysqldump writes it and mysql reads it: statements with many rows each, one after the other. */
async function dump({ measure, runs, admin, size, before }: Peer, server: string): Promise<Record<string, Timing>> {
  const statements: string[] = []
  for (const table of tables(size)) {
    const [[made]] = await admin.query<RowDataPacket[]>(`show create table ${SOURCE}.${table}`)
    const columns = (await admin.query<RowDataPacket[]>(`show columns from ${SOURCE}.${table}`))[0].map(
      ({ Field }) => `quote(${Field})`,
    )
    const [rows] = await admin.query<RowDataPacket[]>(
      `select concat('(', concat_ws(',', ${columns.join()}), ')') as r from ${SOURCE}.${table}`,
    )
    statements.push(`drop table if exists ${table}`, String(made?.['Create Table']), `lock tables ${table} write`)
    for (let at = 0; at < rows.length; at += 5000) {
      statements.push(
        `insert into ${table} values ${rows
          .slice(at, at + 5000)
          .map(({ r }) => r)
          .join()}`,
      )
    }
    statements.push('unlock tables')
  }
  await admin.query(`create database ${CLONE}`)
  const client = await connect(server, CLONE)
  await client.query('set session sql_log_bin = 0, foreign_key_checks = 0, unique_checks = 0')
  const restored = await measure({
    runs: Math.min(runs, 5),
    warmUp: 1,
    run: async () => {
      for (const statement of statements) await client.query(statement)
    },
  })
  await prove(admin, CLONE, size, before)
  await client.end()
  await admin.query(`drop database ${CLONE}`)
  return { 'restore of a dump': restored }
}

/** A peer that knows which tables were written to, and copies only those back. */
async function dirtyTables(
  { measure, runs, admin, size, before }: Peer,
  server: string,
): Promise<Record<string, Timing>> {
  const application = await connect(server, OURS)
  const timed = async (statements: (table: string) => readonly string[]): Promise<Timing> => {
    const all = touched(size).flatMap(statements).join(';')
    const ms = await measure({
      runs: runs * 3,
      before: () => change(application, size),
      run: () => admin.query(`start transaction; ${all}; commit`),
    })
    await prove(admin, OURS, size, before, false)
    return ms
  }
  const peers = {
    'delete + copy': await timed((table) => [
      `delete from ${OURS}.${table}`,
      `insert into ${OURS}.${table} select * from ${SOURCE}.${table}`,
    ]),
    'compare by key': await timed((table) => [
      `delete o from ${OURS}.${table} o left join ${SOURCE}.${table} s using (id) where s.id is null`,
      `replace into ${OURS}.${table} select s.* from ${SOURCE}.${table} s left join ${OURS}.${table} o using (id) where o.id is null or not (${COLUMNS.slice(
        1,
      )
        .map((column) => `s.${column} <=> o.${column}`)
        .join(' and ')})`,
    ]),
  }
  await application.end()
  for (const table of touched(size))
    await admin.query(`alter table ${OURS}.${table} auto_increment = ${perTable(size) + 1}`)
  return peers
}

/** One transaction on one connection, which the application shares and never commits. */
async function savepoint(
  { quick, measure }: Bench,
  server: string,
  size: Size,
  before: string,
): Promise<Record<string, Timing>> {
  const client = await connect(server, OURS)
  await client.query('start transaction; savepoint mark')
  const ms = await measure({
    runs: quick ? 30 : 100,
    warmUp: 20,
    before: () => change(client, size),
    run: () => client.query('rollback to savepoint mark'),
  })
  await prove(client, OURS, size, before, false)
  await client.query('rollback')
  for (const table of touched(size)) await client.query(`alter table ${table} auto_increment = ${perTable(size) + 1}`)
  await client.end()
  return { 'rollback to savepoint': ms }
}

/** What single statements cost with our triggers and without, in small blocks that take turns. */
async function writes(
  { quick, row }: Bench,
  flavour: Flavour,
  where: string,
  server: string,
  atMost?: number,
): Promise<void> {
  const admin = await connect(server)
  const size = { tables: 5, rows: 50_000, changes: 0 }
  for (const name of [SOURCE, OURS]) await makeShop(admin, name, size)
  const system = await opened(server, true)
  const start = await system.checkpoint('start')
  const clients = await Promise.all([SOURCE, OURS].map((name) => connect(server, name)))
  const statements: Readonly<Record<string, { readonly sql: string; readonly values: (n: number) => unknown[] }>> = {
    insert: {
      sql: 'insert into t1 (email, name, amount, meta) values (?, ?, 1.5, ?)',
      values: (n) => [`w${n}`, 'New', '{"n":1}'],
    },
    update: {
      sql: 'update t2 set name = ?, amount = amount + 1 where id = ?',
      values: (n) => [`w${n}`, 1 + (n % 9000)],
    },
    delete: { sql: 'delete from t3 where id = ?', values: (n) => [n % 10_000] },
  }
  let n = 0
  for (const [name, { sql, values }] of Object.entries(statements)) {
    const took: [number[], number[]] = [[], []]
    for (let block = 0; block < (quick ? 10 : 60); block += 1) {
      for (const [which, client] of clients.entries()) {
        const times: number[] = []
        for (let i = 0; i < 40; i += 1) {
          n += 1
          const started = performance.now()
          await client.execute(sql, values(n) as string[])
          times.push(performance.now() - started)
        }
        if (block > 1) took[which === 0 ? 0 : 1].push(median(times))
      }
    }
    await system.rollback(start)
    row({
      work: `${flavour}, single-row ${name}, ${where}`,
      ours: { name: 'with our triggers', ms: median(took[1]) },
      peers: { without: median(took[0]) },
      figure: 'overhead',
      ...(atMost !== undefined && { id: 'P6w', goal: { atMost } }),
      correct: (await system.changes(start)).length === 0,
    })
  }
  for (const client of clients) await client.end()
  await system.close?.()
  for (const name of [SOURCE, OURS]) await admin.query(`drop database ${name}`)
  await admin.end()
}

async function opened(server: string, autoIncrement: boolean): Promise<Mysql> {
  const system = mysql(urlOf(server, OURS), { autoIncrement })
  await system.open?.({ id: '1', runner: 'none', runId: 'bench', notice: () => undefined })
  return system
}

/** A server of its own with its data on disk, synced as in production. */
async function onDisk(flavour: Flavour, work: (server: string) => Promise<void>): Promise<void> {
  const folder = mkdtempSync(join(tmpdir(), 'venomqa-bench-'))
  chmodSync(folder, 0o755)
  const env: NodeJS.ProcessEnv = { ...process.env, VENOMQA_SERVERS_DATA: folder, VENOMQA_SERVERS_DURABLE: '1' }
  delete env[`VENOMQA_TEST_${flavour.toUpperCase()}_URL`]
  const servers = fileURLToPath(new URL('../test/servers/servers', import.meta.url))
  try {
    const line = execFileSync('bash', [servers, 'up', flavour], { env, encoding: 'utf8' })
    await work(line.slice(line.indexOf('=') + 1).trim())
  } finally {
    execFileSync('bash', [servers, 'down', flavour], { env })
    rmSync(folder, { recursive: true, force: true })
  }
}

const COLUMNS = ['id', 'email', 'name', 'amount', 'meta', 'parent_id', 'active', 'created_at']

/** Tables as shops have them: a generated id, a unique text, a foreign key to the table before, which has an index. */
async function makeShop(admin: Connection, database: string, size: Size): Promise<void> {
  const digits =
    '(select 0 n union all select 1 union all select 2 union all select 3 union all select 4 union all select 5 union all select 6 union all select 7 union all select 8 union all select 9)'
  const places = [0, 1, 2, 3, 4, 5]
  const numbers = `select 1 + ${places.map((i) => `d${i}.n * ${10 ** i}`).join(' + ')} as g from ${places.map((i) => `${digits} d${i}`).join(', ')}`
  await admin.query(
    `create database ${database}; use ${database}; create temporary table numbers as select g from (${numbers}) n where g <= ${perTable(size)} order by g`,
  )
  for (let i = 1; i <= size.tables; i += 1) {
    const before = i > 1
    await admin.query(`
      create table t${i} (
        id bigint auto_increment primary key, email varchar(100) not null unique, name varchar(100), amount decimal(12,2),
        meta json, parent_id bigint, active boolean default true, created_at datetime(3) default '2024-01-01',
        ${before ? `foreign key (parent_id) references t${i - 1} (id) on delete set null` : 'key (parent_id)'});
      insert into t${i} (id, email, name, amount, meta, parent_id)
        select g, concat('user', g, '@t${i}.example.com'), concat('Name Of User ', g), g * 1.25, concat('{"k": ', g, ', "tags": ["a", "b"]}'),
          ${before ? 'g' : 'null'} from numbers;
      alter table t${i} auto_increment = ${perTable(size) + 1}`)
  }
  await admin.query(`drop temporary table numbers; analyze table ${tables(size).join()}`)
}

/** A third inserts, a third updates, a third deletes, over up to three tables, each committed by itself. */
async function change(client: Connection, size: Size): Promise<void> {
  const per = perTable(size)
  for (let i = 0; i < size.changes; i += 1) {
    const table = touched(size)[Math.floor(i / 3) % 3]
    if (i % 3 === 0) await client.query(`insert into ${table} (email, name, amount) values ('new${i}', 'New', 1.5)`)
    else if (i % 3 === 1) await client.query(`update ${table} set name = 'changed' where id = ${1 + ((i * 7) % per)}`)
    else await client.query(`delete from ${table} where id = ${per - (i % Math.floor(per / 2))}`)
  }
}

function tables({ tables }: Size): string[] {
  return Array.from({ length: tables }, (_, i) => `t${i + 1}`)
}

/** The tables that are written to; what is deleted in the one is set to null in the next. */
function touched(size: Size): string[] {
  return tables(size).slice(-3)
}

/** The content of tables that are changed and of some that are not, and what the next ids are. */
async function digest(client: Connection, database: string, size: Size, ids = true): Promise<string> {
  const names = [...touched(size), ...tables(size).slice(0, 2)]
  const [sums] = await client.query<RowDataPacket[]>(
    `checksum table ${names.map((table) => `${database}.${table}`).join()}`,
  )
  const parts: unknown[] = [sums.map(({ Checksum }) => String(Checksum))]
  for (const table of ids ? names : []) {
    const [[made]] = await client.query<RowDataPacket[]>(`show create table ${database}.${table}`)
    parts.push(/AUTO_INCREMENT=(\d+)/.exec(String(made?.['Create Table']))?.[1])
  }
  return JSON.stringify(parts)
}

/** Throws unless a database is what all of them were at first. */
async function prove(client: Connection, database: string, size: Size, before: string, ids = false): Promise<void> {
  const [sums] = JSON.parse(before) as [string[]]
  const [now] = JSON.parse(await digest(client, database, size, ids)) as [string[]]
  if (JSON.stringify(sums) !== JSON.stringify(now))
    throw new Error(`${database} is not what it was: ${sums.join()} became ${now.join()}`)
}

function perTable({ rows, tables }: Size): number {
  return Math.floor(rows / tables)
}

async function connect(server: string, database = ''): Promise<Connection> {
  return createConnection({ uri: urlOf(server, database), multipleStatements: true })
}

function urlOf(server: string, database: string): string {
  return Object.assign(new URL(server), { pathname: `/${database}` }).href
}

function median(values: readonly number[]): number {
  return values.toSorted((a, b) => a - b)[values.length >> 1] ?? Number.NaN
}
