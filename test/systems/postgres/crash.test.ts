import { execFileSync, fork } from 'node:child_process'
import { once } from 'node:events'
import { chmodSync, mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { describe, expect, test } from 'vitest'
import { postgres, type PostgresOptions, type PostgresSystem } from '../../../src/systems/postgres/index.ts'
import { describeServer, server as serverOf } from '../../servers/server.ts'
import { postgresServers } from './each.ts'
import { differences, Reader } from './content.ts'
import { type Database, leftovers, makeDatabase, onServer } from './subject.ts'

const SCHEMA = `
  create table orders (id int primary key, status text);
  insert into orders select g, 'new' from generate_series(1, 9) g;
  create table empty (a int); insert into empty values (1);
  create sequence numbers;
`

for (const name of postgresServers) {
  describeServer(name, (server) => {
    test('a database that another run uses is not shared', async () => {
      await using database = await aDatabase(server)
      const first = postgres(database.url, { settle: 0 })
      await first.open(worker())
      const error = await postgres(database.url, { settle: 0 })
        .open({ ...worker(), id: '2' })
        .catch((refusal: unknown) => refusal as Error)
      expect(error).toMatchObject({ code: 'LEASED', retryable: true })
      expect((error as Error).message).toMatch(
        new RegExp(
          `"${database.name}" .* is in use by another run \\(pid \\d+, application_name "venomqa none worker 1, process ${process.pid}"`,
        ),
      )
      expect((error as Error).message).toContain('postgres(url, { perWorker: true })')
      await first.close()
      const second = postgres(database.url)
      await second.open(worker())
      await second.close()
      expect(await leftovers(database)).toEqual([])
    })

    test('the next run puts back what a killed one left', async () => {
      await using database = await aDatabase(server)
      const reader = new Reader(database.query)
      const before = await reader.content()
      await killed(database, 'write')
      expect(differences(before, await reader.content())).toEqual(['public.empty', 'public.numbers', 'public.orders'])
      const { notices, system } = await opened(database)
      expect(differences(before, await reader.content())).toEqual([])
      expect(notices).toHaveLength(1)
      expect(notices[0]).toMatch(
        /was left behind by a run that was killed\. It is back at that run's first mark, "first of the killed run" of 20\S+ \S+; 2 tables were put back\.$/,
      )
      await system.rollback(await system.checkpoint('start'))
      await system.close()
      expect(await leftovers(database)).toEqual([])
    })

    test.each(['rollback', 'rollback, and its session'] as const)(
      'killed in the middle of a %s, a run leaves nothing half done',
      async (what) => {
        await using database = await aDatabase(server)
        const reader = new Reader(database.query)
        const before = await reader.content()
        await killed(database, what)
        const { system } = await opened(database, { settle: 20_000 })
        expect(differences(before, await reader.content())).toEqual([])
        await system.close()
      },
    )

    test('a schema that a killed run changed is not put back in silence', async () => {
      await using database = await aDatabase(server)
      await killed(database, 'schema')
      const error = await opened(database).catch((refusal: unknown) => refusal as Error)
      expect(error).toMatchObject({ code: 'CRASHED' })
      expect((error as Error).message).toContain('+ column public.orders.more number 3 integer')
      expect((error as Error).message).toContain('drop schema venomqa cascade')
      await database.query('drop schema venomqa cascade')
      const { system, notices } = await opened(database)
      expect(notices).toEqual([])
      await system.close()
    })

    test('a connection that broke is made anew, and the marks hold', async () => {
      await using database = await aDatabase(server)
      const { system } = await opened(database)
      const mark = await system.checkpoint('start')
      await database.query(`update orders set status = 'paid'`)
      await database.query(
        `select pg_terminate_backend(pid) from pg_stat_activity where application_name like 'venomqa%' and datname = current_database()`,
      )
      await system.rollback(mark).catch((error: unknown) => expect(error).toMatchObject({ code: 'CONNECTION_REFUSED' }))
      await system.rollback(mark)
      expect((await database.query('select distinct status from orders')).rows).toEqual([{ status: 'new' }])
      await system.close()
    })

    test('a copy of a database in use is a database like any other', async () => {
      await using database = await aDatabase(server)
      await killed(database, 'write')
      const copy = `${database.name}_copy`
      await database.query('select 1')
      await onServer(
        server,
        `select pg_terminate_backend(pid) from pg_stat_activity where datname = '${database.name}'`,
      )
      await onServer(server, `create database ${copy} template ${database.name}`)
      try {
        const notices: string[] = []
        const system = postgres(Object.assign(new URL(database.url), { pathname: `/${copy}` }).href)
        await system.open({ ...worker(), notice: (text) => void notices.push(text) })
        expect(notices).toEqual([])
        expect((await system.handle.query('select distinct status from orders')).rows).toEqual([{ status: 'changed' }])
        await system.close()
      } finally {
        await onServer(server, `drop database ${copy} with (force)`)
      }
    })

    test('what is kept between runs is used again, also for tables that came meanwhile', async () => {
      await using database = await aDatabase(server)
      for (const run of [1, 2]) {
        const { system, notices } = await opened(database, { keep: true })
        expect(notices).toEqual([])
        const mark = await system.checkpoint('start')
        await database.query(`update orders set status = 'paid'`)
        if (run === 2) await database.query('update later set a = 2')
        await system.rollback(mark)
        await system.close()
        if (run === 1)
          await database.query('create table later (a int); insert into later values (1); alter table orders add b int')
      }
      expect((await database.query('select distinct status, a from orders, later')).rows).toEqual([
        { status: 'new', a: 1 },
      ])
      expect(await leftovers(database)).toContain('schema venomqa')
      const { system } = await opened(database)
      await system.close()
      expect(await leftovers(database)).toEqual([])
    })
  })
}

describe('a server that is killed', () => {
  const url = serverOf('postgres18')
  test.skipIf(url === undefined || !ownServers())(
    'brings the log back with the data',
    { timeout: 120_000 },
    async () => {
      const folder = mkdtempSync(join(tmpdir(), 'venomqa-crash-'))
      chmodSync(folder, 0o755)
      const env: NodeJS.ProcessEnv = { ...process.env, VENOMQA_SERVERS_DATA: folder, VENOMQA_SERVERS_DURABLE: '1' }
      delete env['VENOMQA_TEST_POSTGRES18_URL']
      const servers = (command: string): string =>
        execFileSync('bash', [SERVERS, command, 'postgres18'], { env, encoding: 'utf8' })
      const start = (): string =>
        servers('up')
          .trim()
          .replace(/^[^=]*=/, '')
      try {
        const server = start()
        const database = await makeDatabase(server, SCHEMA)
        const reader = new Reader(database.query)
        const before = await reader.content()
        await killed(database, 'write')
        const [postmaster] = String(
          (await database.query(`select pg_read_file('postmaster.pid') as text`)).rows[0].text,
        ).split('\n')
        process.kill(Number(postmaster), 'SIGKILL')
        start()
        const again = await reconnected(database.url)
        const { system, notices } = await opened(database)
        expect(notices).toHaveLength(1)
        expect(differences(before, await again.content())).toEqual([])
        await system.close()
      } finally {
        servers('down')
        rmSync(folder, { recursive: true, force: true })
      }
    },
  )
})

const SERVERS = fileURLToPath(new URL('../../servers/servers', import.meta.url))

function ownServers(): boolean {
  return process.platform === 'linux' && process.arch === 'x64'
}

const worker = (): Parameters<PostgresSystem['open']>[0] => ({
  id: '1',
  runner: 'none',
  runId: 'test',
  notice: () => undefined,
})

async function aDatabase(server: string): Promise<Database & AsyncDisposable> {
  const database = await makeDatabase(server, SCHEMA)
  return { ...database, [Symbol.asyncDispose]: database.drop }
}

async function opened(
  database: Database,
  options: PostgresOptions = {},
): Promise<{ system: PostgresSystem; notices: string[] }> {
  const notices: string[] = []
  const system = postgres(database.url, options)
  await system.open({ ...worker(), notice: (text) => void notices.push(text) })
  return { system, notices }
}

/** Lets a run get as far as `what`, and kills it. */
async function killed(
  database: Database,
  what: 'write' | 'rollback' | 'rollback, and its session' | 'schema',
): Promise<void> {
  const runner = fork(fileURLToPath(new URL('runner.ts', import.meta.url)), [database.url, what.replace(/,.*/, '')])
  await once(runner, 'message')
  if (what.startsWith('rollback')) await atWork(database)
  if (what.endsWith('session')) {
    await database.query(
      `select pg_terminate_backend(pid) from pg_stat_activity where application_name like 'venomqa%' and datname = current_database()`,
    )
  }
  runner.kill('SIGKILL')
  if (runner.exitCode === null) await once(runner, 'exit')
}

/** Waits until the rollback has begun. */
async function atWork(database: Database): Promise<void> {
  for (;;) {
    const { rows } = await database.query(
      `select from pg_stat_activity where application_name like 'venomqa none%' and state = 'active' and query like '%rollback%' and datname = current_database()`,
    )
    if (rows.length > 0) return
  }
}

async function reconnected(url: string): Promise<Reader> {
  const { default: pg } = await import('pg')
  const client = new pg.Client({ connectionString: url })
  client.on('error', () => undefined)
  await client.connect()
  return new Reader((text) => client.query(text))
}
