import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { inspect } from 'node:util'
import Database from 'better-sqlite3'
import mysql2 from 'mysql2/promise'
import pg from 'pg'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { backendErrorOf, ConnectionConfig, isBackendError } from '../../../src/kit/index.ts'
import type { Rollbackable, Worker } from '../../../src/rollbackable.ts'
import { mysql } from '../../../src/systems/mysql/index.ts'
import { postgres } from '../../../src/systems/postgres/index.ts'
import { sqlite } from '../../../src/systems/sqlite/index.ts'
import { World } from '../../../src/world.ts'
import { describeServer } from '../../servers/server.ts'

const worker: Partial<Worker> = { notice: () => undefined }
const NAME = `vq_causes_test_t${process.pid}`

/** What any of them says when `trouble` happens, and what it is by the kit. */
const CAUSES = {
  'nothing listens': { family: 'connection', code: 'CONNECTION_REFUSED', retryable: true },
  'a login that is refused': { family: 'connection', code: 'CONNECTION_REFUSED', retryable: false },
  'a database that is not there': { family: 'connection', code: 'NOT_FOUND', retryable: false },
  'a database that takes no connections': { family: 'connection', code: 'CONNECTION_REFUSED', retryable: true },
  'a right to connect that was not given': { family: 'operational', code: 'MISSING_GRANT', retryable: false },
  'a lock that is not given': { family: 'lock', code: 'LOCKED', retryable: true },
  'a connection that is lost': { family: 'connection', code: 'CONNECTION_REFUSED', retryable: true },
} as const
type Trouble = keyof typeof CAUSES

interface Subject {
  readonly backend: string
  provoke: Readonly<Partial<Record<Trouble, () => Promise<unknown>>>>
}

function toldAlike({ backend, provoke }: Subject): void {
  test.each(Object.entries(provoke))('%s', async (trouble, work) => {
    const thrown = await work().then(
      () => undefined,
      (error: unknown) => error,
    )
    expect(thrown).toMatchObject({ name: 'VenomError', message: expect.stringMatching(new RegExp(`^${backend}: `)) })
    const { cause } = thrown as Error
    expect(isBackendError(cause)).toBe(true)
    expect(cause).toMatchObject({ ...CAUSES[trouble as Trouble], backend })
    expect(thrown).toMatchObject({ retryable: CAUSES[trouble as Trouble].retryable })
    expect(backendErrorOf(new AggregateError([new Error('another'), thrown]))).toBe(cause)
  })
}

/** What a world throws that opens on the system. */
async function opening(system: Rollbackable): Promise<void> {
  const world = await World.open({ systems: { db: system }, worker })
  await world.close()
}

/** What a checkpoint of a world throws while `meddle` is done to its database. */
async function meanwhile(system: Rollbackable, meddle: () => Promise<() => Promise<unknown>>): Promise<unknown> {
  const world = await World.open({ systems: { db: system }, worker })
  const undo = await meddle()
  try {
    return await world.checkpoint('taken')
  } finally {
    await undo()
    await world.close().catch(() => undefined)
  }
}

/** The systems take the settings themselves, as they take a URL. */
const place = (from: string | ConnectionConfig, changes: object): ConnectionConfig =>
  ConnectionConfig.of(from).clone(changes)

describeServer('postgres', (server) => {
  const admin = new pg.Client({ connectionString: server })
  const url = place(server, { database: NAME })
  const isOpen = (yes: boolean): Promise<unknown> => admin.query(`alter database ${NAME} allow_connections ${yes}`)
  beforeAll(async () => {
    await admin.connect()
    await admin.query(`create database ${NAME}`)
    await admin.query(`revoke connect on database ${NAME} from public; create role ${NAME} login`)
    await withApp((app) => app.query('create table orders (id serial primary key)'))
  })
  afterAll(async () => {
    await admin.query(`drop database ${NAME} with (force)`)
    await admin.query(`drop role ${NAME}`)
    await admin.end()
  })
  const withApp = async (work: (app: pg.Client) => Promise<unknown>): Promise<pg.Client> => {
    const app = new pg.Client({ connectionString: url.url() })
    app.on('error', () => undefined)
    await app.connect()
    await work(app)
    return app
  }
  toldAlike({
    backend: 'postgres',
    provoke: {
      'nothing listens': () => opening(postgres(place(url, { host: 'localhost', port: 9 }))),
      'a login that is refused': () => opening(postgres(place(url, { user: 'nobody_here' }))),
      'a database that is not there': () => opening(postgres(place(url, { database: 'not_there_test' }))),
      'a database that takes no connections': async () => {
        await isOpen(false)
        try {
          await opening(postgres(url))
        } finally {
          await isOpen(true)
        }
      },
      'a right to connect that was not given': () => opening(postgres(place(url, { user: NAME }))),
      'a lock that is not given': () =>
        meanwhile(postgres(url, { settle: 200 }), async () => {
          const app = await withApp((client) => client.query('begin; insert into orders default values'))
          return () => app.end()
        }),
      'a connection that is lost': () =>
        meanwhile(postgres(url), async () => {
          // Until the next one is refused too: a connection that broke is made anew.
          await isOpen(false)
          await admin.query(`select pg_terminate_backend(pid) from pg_stat_activity where datname = $1`, [NAME])
          return () => isOpen(true)
        }),
    },
  })
})

for (const name of ['mysql', 'mariadb']) {
  describeServer(name, (server) => {
    const at: { admin?: mysql2.Connection } = {}
    const url = place(server, { database: NAME })
    beforeAll(async () => {
      at.admin = await mysql2.createConnection({ uri: server, multipleStatements: true })
      await at.admin.query(`create database ${NAME}; create table ${NAME}.orders (id int auto_increment primary key)`)
    })
    afterAll(async () => {
      await at.admin?.query(`drop database ${NAME}`)
      await at.admin?.end()
    })
    toldAlike({
      backend: 'mysql',
      provoke: {
        'nothing listens': () => opening(mysql(place(url, { port: 9 }))),
        'a login that is refused': () => opening(mysql(place(url, { user: 'nobody_here', password: 'x' }))),
        'a database that is not there': () => opening(mysql(place(url, { database: 'not_there_test' }))),
        'a lock that is not given': () =>
          meanwhile(mysql(url, { settle: 200 }), async () => {
            const app = await mysql2.createConnection({ uri: url.url(), multipleStatements: true })
            await app.query('begin; insert into orders values ()')
            return () => app.end()
          }),
        'a connection that is lost': () =>
          meanwhile(mysql(url), async () => {
            const [rows] = await at.admin!.query(`select id from information_schema.processlist where db = '${NAME}'`)
            for (const { id, ID = id } of rows as { id?: number; ID?: number }[]) await at.admin!.query(`kill ${ID}`)
            return async () => undefined
          }),
      },
    })
  })
}

describe('sqlite', () => {
  const folder = mkdtempSync(join(tmpdir(), 'causes-'))
  afterAll(() => rmSync(folder, { recursive: true }))
  // Two copies of SQLite in one process do not see each other's locks, so the application has the same one.
  const apps = { 'better-sqlite3': Database, 'node:sqlite': DatabaseSync }
  for (const driver of ['better-sqlite3', 'node:sqlite'] as const) {
    for (const way of ['wal', 'backup'] as const) {
      describe(`${driver}, ${way}`, () => {
        const path = join(folder, `${driver.replace(':', '_')}-${way}.db`)
        const app = new apps[driver](path)
        app.exec('pragma journal_mode = wal; create table orders (id integer primary key)')
        afterAll(() => app.close())
        toldAlike({
          backend: 'sqlite',
          provoke: {
            'a database that is not there': () => opening(sqlite(join(folder, 'missing.db'), { driver, way })),
            'a lock that is not given': () =>
              meanwhile(sqlite(path, { settle: 100, driver, way }), async () => {
                app.exec('begin immediate; insert into orders default values')
                return async () => app.exec('rollback')
              }),
          },
        })
      })
    }
  }
})

test('a file is found by its settings, and what is neither a URL nor settings is refused as it is', async () => {
  const file = ConnectionConfig.fromUrl('file:/tmp/not_there/shop_test.db')
  await expect(opening(sqlite(file))).rejects.toMatchObject({ code: 'NOT_FOUND' })
  await expect(opening(sqlite(ConnectionConfig.fromUrl(':memory:')))).rejects.toMatchObject({ code: 'BAD_ARGUMENT' })
  for (const given of [undefined, null, ''] as unknown as string[]) {
    expect(() => mysql(given)).toThrow(expect.objectContaining({ code: 'BAD_ARGUMENT' }))
    await expect(opening(postgres(given))).rejects.toMatchObject({ code: 'BAD_ARGUMENT' })
    expect(() => sqlite(given).way).not.toThrow(TypeError)
  }
})

test('a unix socket is a host to pg, and a path to mysql2; neither shows the password', async () => {
  const config = new ConnectionConfig({
    socketPath: '/tmp/no.socket',
    database: 'shop_test',
    user: 'ann',
    password: 's3cret',
  })
  for (const system of [postgres(config), mysql(config)]) {
    const thrown = await opening(system).catch((error: unknown) => error)
    expect(thrown).toMatchObject({ code: 'CONNECTION_REFUSED', message: expect.stringContaining('no.socket') })
    expect(inspect(thrown, { depth: 9 })).not.toContain('s3cret')
  }
})
