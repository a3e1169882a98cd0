import { execFileSync } from 'node:child_process'
import { cpSync, mkdirSync, mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { inspect } from 'node:util'
import pg from 'pg'
import { afterEach, describe, expect, test, vi } from 'vitest'
import { postgres, type PostgresOptions } from '../../../src/systems/postgres/index.ts'
import { describeServer } from '../../servers/server.ts'
import { postgresServers } from './each.ts'
import { makeRole, open } from './open.ts'
import { leftovers, makeDatabase, onServer } from './subject.ts'

afterEach(() => void vi.unstubAllEnvs())

const worker = { id: '1', runner: 'none', runId: 'test', notice: () => undefined } as const

/** Opens and closes; answers with the refusal, if there was one. */
async function refusal(url: string, options: PostgresOptions = {}): Promise<Error & { code?: string }> {
  const system = postgres(url, options)
  const error = await system.open(worker).then(
    () => new Error('not refused'),
    (refused: unknown) => refused as Error,
  )
  await system.close()
  return error
}

for (const name of postgresServers) {
  describeServer(name, (server) => {
    // Before PostgreSQL 15 no grant lets a role do what is needed.
    describe.skipIf(name === 'postgres14')('a role that is no superuser', () => {
      test('needs one grant where it owns the tables', async () => {
        await using opened = await open(server, 'create table orders (id serial primary key, n int)', {
          role: 'vq_owner',
        })
        const { system } = opened
        const mark = await system.checkpoint('start')
        await system.selfTest()
        const application = await opened.connect()
        await application.query(
          'insert into orders (n) values (1), (2); update orders set n = 3 where n = 1; truncate orders; insert into orders (n) values (9)',
        )
        await system.rollback(mark)
        expect((await application.query('select * from orders')).rows).toEqual([])
        expect((await application.query('insert into orders (n) values (1) returning id')).rows).toEqual([{ id: 1 }])
      })

      test('is told each grant that it lacks, and these are enough', async () => {
        await makeRole(server, 'vq_tester')
        await makeRole(server, 'vq_shop')
        const database = await makeDatabase(
          server,
          `create table orders (id int); create table forced (id int);
           alter table orders owner to vq_shop; alter table forced owner to vq_shop;
           alter table forced enable row level security; alter table forced force row level security;`,
        )
        const url = Object.assign(new URL(database.url), { username: 'vq_tester' }).href
        try {
          await onServer(
            server,
            'revoke set on parameter session_replication_role from vq_tester; alter role vq_tester nobypassrls; revoke vq_shop from vq_tester',
          )
          const error = await refusal(url)
          expect(error).toMatchObject({ code: 'MISSING_GRANT' })
          expect(error.message).toBe(
            `postgres: the role vq_tester may not undo what other connections write to "${database.name}" on 127.0.0.1:${new URL(url).port}.\n` +
              'Triggers on every table record what changed, and rows are put back without firing triggers and foreign keys.\n' +
              'As a superuser, once:\n' +
              '  GRANT SET ON PARAMETER session_replication_role TO vq_tester;\n' +
              `  GRANT CREATE ON DATABASE "${database.name}" TO vq_tester;\n` +
              '  GRANT vq_shop TO vq_tester; -- who may alter the tables\n' +
              '  ALTER ROLE vq_tester BYPASSRLS; -- forced force row level security on their owner\n' +
              'Or give postgres() the URL of a superuser of the test server; the application keeps its own.',
          )
          expect(await leftovers(database)).toEqual([])
          for (const [grant] of error.message.matchAll(/^ {2}(GRANT|ALTER) [^;]+;/gm)) await database.query(grant)
          expect(await refusal(url)).toMatchObject({ message: 'not refused' })
          expect(await leftovers(database)).toEqual([])
        } finally {
          await database.drop()
        }
      })
    })

    test('the application needs no right but to its tables', async () => {
      await makeRole(server, 'vq_guest')
      await using opened = await open(
        server,
        'create table orders (id int primary key); grant all on orders to vq_guest',
      )
      const guest = new pg.Client({
        connectionString: Object.assign(new URL(opened.database.url), { username: 'vq_guest' }).href,
      })
      await guest.connect()
      const mark = await opened.system.checkpoint('start')
      await guest.query(
        'insert into orders values (1), (2); update orders set id = 3 where id = 1; delete from orders where id = 2',
      )
      await opened.system.rollback(mark)
      expect((await guest.query('select * from orders')).rows).toEqual([])
      await expect(guest.query('select venomqa.rollback(1, false)')).rejects.toMatchObject({
        code: expect.stringMatching(/^(VQ000|42501)$/),
      })
      await guest.end()
    })

    describe('a database that nothing proves to be for tests', () => {
      test('is refused, until its comment says so or its name is vouched for', async () => {
        const database = `shop_${process.pid}_${name}`
        await onServer(server, `create database ${database}`)
        const url = Object.assign(new URL(server), { pathname: `/${database}` }).href
        try {
          const error = await refusal(url)
          expect(error).toMatchObject({ code: 'NOT_A_TEST_DATABASE' })
          expect(error.message).toContain('mark this one once (npx venomqa mark <its URL>)')
          expect(await refusal(url, { allowDatabase: 'another' })).toMatchObject({ code: 'NOT_A_TEST_DATABASE' })
          expect(await refusal(url, { allowDatabase: database })).toMatchObject({ message: 'not refused' })
          await onServer(server, `comment on database ${database} is 'shop: venomqa test database'`)
          expect(await refusal(url)).toMatchObject({ message: 'not refused' })
        } finally {
          await onServer(server, `drop database ${database}`)
        }
      })

      test('is refused where the environment says production', async () => {
        vi.stubEnv('NODE_ENV', 'production')
        expect(await refusal(Object.assign(new URL(server), { pathname: '/shop_test' }).href)).toMatchObject({
          code: 'NOT_A_TEST_DATABASE',
          message: expect.stringContaining('NODE_ENV is "production"'),
        })
      })
    })

    test('what does not answer is named, and what to do', async () => {
      const missing = Object.assign(new URL(server), { pathname: '/not_there_test' }).href
      expect(await refusal(missing)).toMatchObject({
        code: 'NOT_FOUND',
        message: expect.stringContaining('createdb not_there_test'),
      })
      const nobody = Object.assign(new URL(server), { pathname: '/some_test', username: 'nobody_here' }).href
      expect(await refusal(nobody)).toMatchObject({
        code: 'CONNECTION_REFUSED',
        retryable: false,
        message: expect.stringContaining('user "nobody_here"'),
      })
    })

    test('a session that is not ours is refused', async () => {
      await using opened = await open(server, '')
      const { id } = await opened.system.checkpoint('start')
      await expect(opened.database.query(`select venomqa.rollback(${id}, false)`)).rejects.toMatchObject({
        code: 'VQ000',
      })
      await expect(opened.database.query(`select venomqa.checkpoint('x', true, false)`)).rejects.toMatchObject({
        code: 'VQ000',
      })
      await expect(opened.system.rollback({ id: 999, name: 'never taken' })).rejects.toMatchObject({
        code: 'STALE_MARK',
      })
    })

    test('no message holds the password', async () => {
      const { host } = new URL(server)
      const database = await makeDatabase(server)
      const first = postgres(database.url)
      await first.open(worker)
      const urls = [
        `postgres://postgres:p%40ss%2Fw%3Ard%25@${host}/${database.name}`, // leased
        `postgres://postgres:p%40ss%2Fw%3Ard%25@${host}/not_there_test`,
        `postgres://nobody_here:p%40ss%2Fw%3Ard%25@${host}/shop_test`,
        `postgres://postgres:p%40ss%2Fw%3Ard%25@127.0.0.1:1/shop_test`,
        `postgres://postgres:p%40ss%2Fw%3Ard%25@${host}/postgres`,
        `postgres://postgres:p@ss/w:rd%@${host}/shop_test`,
        `postgres://postgres:p@ss@${host}/not_there_test`,
        `postgres://postgres:p@ssw:rd%@${host}:port/shop_test`,
        `postgres://postgres:p@ss%zz@${host}/shop_test`,
        `postgres://${host}/not_there_test?user=postgres&password=p@ss/w:rd%25`,
      ]
      for (const url of urls) {
        const error = await refusal(url, { settle: 0 })
        expect(error.message).not.toBe('not refused')
        expect(inspect(error, { depth: 9, showHidden: true }), url).not.toMatch(/p(@|%40)ss/)
        expect(error.code).toMatch(/^(LEASED|NOT_FOUND|CONNECTION_REFUSED|NOT_A_TEST_DATABASE|BAD_ARGUMENT)$/)
      }
      await first.close()
      await database.drop()
    })
  })
}

test('a host that is not this machine is refused before anything connects', async () => {
  const url = 'postgres://ada:secret@db.internal:5432/shop_test'
  expect(await refusal(url)).toMatchObject({
    code: 'NOT_A_TEST_DATABASE',
    message: expect.stringContaining(`allowHosts: ['db.internal']`),
  })
  vi.stubEnv('PGHOST', 'db.internal')
  expect(await refusal('postgres:///shop_test')).toMatchObject({ code: 'NOT_A_TEST_DATABASE' })
})

test('a URL that is not there is said to be so', async () => {
  for (const url of ['', undefined as unknown as string]) {
    expect(await refusal(url)).toMatchObject({ code: 'BAD_ARGUMENT', message: expect.stringContaining('postgres(') })
  }
  expect(() => postgres('postgres://localhost/shop_test').handle).toThrow('not open')
})

test('without its driver it says what to install', () => {
  const folder = mkdtempSync(join(tmpdir(), 'venomqa-no-driver-'))
  try {
    mkdirSync(join(folder, 'src/systems'), { recursive: true })
    for (const part of ['errors.ts', 'safety.ts', 'rollbackable.ts', 'systems/postgres', 'systems/shared']) {
      cpSync(join('src', part), join(folder, 'src', part), { recursive: true })
    }
    const code = `
      import { postgres } from './src/systems/postgres/index.ts'
      await postgres('postgres://localhost/shop_test').open({ id: '1' }).catch((error) => console.log(error.code, error.message))`
    const out = execFileSync(process.execPath, ['--input-type=module', '-e', code], { cwd: folder, encoding: 'utf8' })
    expect(out).toContain('DRIVER_MISSING postgres: the driver "pg" is not installed.')
    expect(out).toContain('npm install -D pg')
  } finally {
    rmSync(folder, { recursive: true })
  }
})
