import { join } from 'node:path'
import Database from 'better-sqlite3'
import { MongoClient } from 'mongodb'
import { createConnection } from 'mysql2/promise'
import { describe, expect, test } from 'vitest'
import { loadConfig, type NamedSystems, systemsFromConfig } from '../../src/config/index.ts'
import { logged } from '../../src/config/logged.ts'
import { requireWorker } from '../../src/config/open.ts'
import { World } from '../../src/world.ts'
import { describeServer } from '../servers/server.ts'
import { onServer } from '../systems/postgres/subject.ts'
import { Folder } from './folder.ts'

const KIT = new URL('../../src/kit/index.ts', import.meta.url).href

/** Opens the world of a project's configuration, and closes it after `body`. */
async function inWorld(
  folder: Folder,
  env: Record<string, string>,
  body: (world: World<NamedSystems>, notices: string[]) => Promise<void>,
): Promise<void> {
  const notices: string[] = []
  const systems = await systemsFromConfig(await loadConfig({ cwd: folder.path, env }))
  const worker = { notice: (message: string) => notices.push(message) }
  const world = await World.open({ systems, worker: worker as never })
  try {
    await body(world, notices)
  } finally {
    await world.close()
  }
}

async function refused(folder: Folder, env: Record<string, string> = {}): Promise<string> {
  const made = loadConfig({ cwd: folder.path, env }).then((config) => systemsFromConfig(config))
  const error: unknown = await made.catch((thrown: unknown) => thrown)
  expect(error).toMatchObject({ code: expect.stringMatching(/BAD_CONFIG|NO_SYSTEMS/) })
  expect((error as Error).message.split('\n')).toHaveLength(3)
  return (error as Error).message
}

describe('a SQLite file', () => {
  test.each([
    ['shop_test.db'],
    ['./shop_test.db'],
    ['file:shop_test.db'],
    ['sqlite:shop_test.db'],
    ['sqlite:data/../shop_test.db'],
    ['sqlite://FOLDER/shop_test.db'],
    ['file:FOLDER/shop_test.db'],
  ])('%s is found from the folder of the configuration, and rolled back', async (url) => {
    using folder = new Folder({ 'packages/a/test.ts': '' })
    const db = new Database(join(folder.path, 'shop_test.db'))
    db.exec('create table t (n int)')
    folder.write('venomqa.config.json', { dbUrl: url.replace('FOLDER', folder.path) })
    const systems = await systemsFromConfig(await loadConfig({ cwd: join(folder.path, 'packages/a'), env: {} }))
    await using world = await World.open({ systems })
    db.exec('insert into t values (1)')
    await world.rollback(world.start)
    expect(db.prepare('select * from t').all()).toEqual([])
    db.close()
  })

  test('of a variable starts where the process runs', async () => {
    using folder = new Folder()
    new Database(join(folder.path, 'shop_test.db')).exec('create table t (n int)').close()
    await inWorld(folder, { VENOMQA_DB_URL: 'sqlite:shop_test.db' }, async ({ ways }) => {
      expect(ways['db']).toMatch(/^wal/)
    })
  })
})

describe('options', () => {
  test('reach the system', async () => {
    using folder = new Folder()
    new Database(join(folder.path, 'shop_test.db')).exec('create table t (n int)').close()
    folder.write('venomqa.config.yaml', 'systems:\n  db:\n    url: shop_test.db\n    options: { way: backup }\n')
    await inWorld(folder, {}, async ({ ways }) => expect(ways['db']).toMatch(/^backup/))
  })

  test('that the system does not know are refused, with the one that was meant', async () => {
    using folder = new Folder({
      'venomqa.config.json': { systems: { db: { url: 'mysql://localhost/a_test', options: { setle: 1 } } } },
    })
    expect(await refused(folder)).toMatch(/^systems\.db\.options \(mysql\) has no "setle"\.\n.*\nDid you mean settle\?/)
  })
})

describe('backends of package.json', () => {
  const files = {
    'package.json': {
      type: 'module',
      venomqa: {
        backends: {
          mysql: './state.js#MySQLStateManager',
          notes: './notes.ts#notes',
          cockroach: './notes.ts#notes',
          gone: './gone.js#Manager',
          typo: './state.js#MySQLStateManger',
          nothing: './notes.ts#nothing',
          elsewhere: 'not-installed/state#Manager',
          shared: 'shop-state#notes',
        },
      },
    },
    'state.js': `import { BaseStateManager } from '${KIT}'
      export class MySQLStateManager extends BaseStateManager {
        entries = new Set()
        constructor(url, options) { super(url); this.options = options }
        open() { if (this.options.refuse) throw new Error('refused by ' + this.connectionUrl) }
        close() {}
        take() { return [...this.entries] }
        putBack(mark) { this.entries = new Set(mark) }
        empty() { this.entries.clear() }
      }`,
    'notes.ts': `export const notes = async (url: string, options: object) => {
        const data = { url, options, list: [] as string[] }
        return { handle: data, checkpoint: () => [...data.list], rollback: (mark: string[]) => void (data.list = [...mark]) }
      }
      export const nothing = () => ({})`,
    'node_modules/shop-state/package.json': { name: 'shop-state', type: 'module', exports: './index.js' },
    'node_modules/shop-state/index.js': `export const notes = (url) => ({ handle: url, checkpoint() {}, rollback() {} })`,
  }

  test('a state manager comes before our own backend of that name, is constructed, and rolled back', async () => {
    using folder = new Folder({
      ...files,
      'venomqa.config.yaml': 'dbBackend: mysql\ndbUrl: mysql://user:secret@localhost:3306/qa_test\n',
    })
    await inWorld(folder, {}, async (world) => {
      const db = world.systems['db'] as { connectionUrl: string; entries: Set<string> }
      expect(db.connectionUrl).toBe('mysql://user:secret@localhost:3306/qa_test')
      db.entries.add('a')
      await world.rollback(world.start)
      expect([...db.entries]).toEqual([])
      expect(world.ways['db']).toBe('MySQLStateManager: marks by name')
    })
  })

  test('a function is called with the URL and the options, from a file, a package, or by the beginning of the URL', async () => {
    using folder = new Folder({
      ...files,
      'venomqa.config.json': {
        systems: {
          a: { url: 'notes:a', backend: 'notes', options: { b: 1 } },
          b: { url: 'any', backend: 'shared' },
          c: 'cockroach://c',
        },
      },
    })
    await inWorld(folder, {}, async (world) => {
      const { a, b, c } = world.systems as Record<string, { url?: string; list: string[] }>
      expect([a, b, c]).toEqual([
        { url: 'notes:a', options: { b: 1 }, list: [] },
        'any',
        { url: 'cockroach://c', options: {}, list: [] },
      ])
      a!.list.push('x')
      await world.rollback(world.start)
      expect(a!.list).toEqual([])
    })
  })

  test('is not loaded before it is used', async () => {
    using folder = new Folder({ ...files, 'state.js': `throw new Error('loaded')`, 'venomqa.config.json': {} })
    new Database(join(folder.path, 'shop_test.db')).exec('create table t (n int)').close()
    await inWorld(folder, { VENOMQA_DB_URL: 'file:shop_test.db' }, async () => {})
    expect(await refused(folder, { VENOMQA_DB_URL: 'x://y', VENOMQA_DB_BACKEND: 'mysql' })).toContain(
      'state.js could not be loaded: loaded',
    )
  })

  test.each([
    ['gone', /is "\.\/gone\.js#Manager", and there is no file .*gone\.js\.\n/],
    [
      'typo',
      /exports no class or function "MySQLStateManger"\.\nIt exports: MySQLStateManager\.\nDid you mean "\.\/state\.js#MySQLStateManager"\?$/,
    ],
    ['nothing', /nothing\(url, options\), made no system/],
    ['elsewhere', /there is no package of that name: /],
    ['note', /^There is no backend "note", .*\n.*\nDid you mean notes\?$/],
    ['oracle', /^There is no backend "oracle", .*\n.*\nThese are known: mysql, notes, .*, postgres, /],
  ])('%s is refused, by its file and its export', async (backend, message) => {
    using folder = new Folder({ ...files, 'venomqa.config.json': { dbUrl: 'any://place', dbBackend: backend } })
    const said = await refused(folder)
    expect(said).toMatch(message)
    if (!['note', 'oracle'].includes(backend)) expect(said).toContain(join(folder.path, 'package.json'))
  })

  test.each([
    [{ backend: {} }, /"venomqa" in .*package\.json has no "backend"\.\n.*\nDid you mean backends\?/],
    [{ backends: { a: './a.js' } }, /"a" in .* is "\.\/a\.js", which is no file and export\./],
    [{ backends: ['a'] }, /"backends" in .* is a list/],
  ])('%j is refused', async (venomqa, message) => {
    using folder = new Folder({
      'package.json': { venomqa },
      'venomqa.config.json': { dbUrl: 'a://b', dbBackend: 'a' },
    })
    expect(await refused(folder)).toMatch(message)
  })

  test('a manager that cannot connect says so without its password', async () => {
    using folder = new Folder({
      ...files,
      'venomqa.config.json': {
        systems: { db: { url: 'mysql://me:secret@localhost/a', backend: 'mysql', options: { refuse: true } } },
      },
    })
    const error = await inWorld(folder, {}, async () => {}).catch((thrown: unknown) => thrown as Error)
    expect(error).toMatchObject({
      code: 'CONNECTION_REFUSED',
      message: expect.stringContaining('mysql://me:***@localhost/a'),
    })
    expect((error as Error).message).not.toContain('secret')
  })
})

describe('a place and a backend', () => {
  test('of two kinds are refused', async () => {
    using folder = new Folder({
      'venomqa.config.json': { dbUrl: 'mysql://me:secret@localhost/a', dbBackend: 'postgresql' },
    })
    const message = await refused(folder)
    expect(message).toMatch(/^The system "db" has the backend "postgresql", but dbUrl in .* begins with "mysql:"\./)
    expect(message).not.toContain('secret')
    expect(await refused(folder, { VENOMQA_DB_URL: 'redis://x' })).toContain('but VENOMQA_DB_URL begins with "redis:"')
  })

  test('of no known kind are refused', async () => {
    using folder = new Folder({ 'venomqa.config.json': { dbUrl: 'ftp://me:secret@localhost/a' } })
    const message = await refused(folder)
    expect(message).toMatch(/begins with "ftp:", and no backend is known for that\.\n.*\nName the backend .*postgres/)
    expect(message).not.toContain('secret')
  })
})

test('no systems at all are refused, with where they were looked for', async () => {
  using folder = new Folder()
  expect(await refused(folder)).toMatch(
    new RegExp(
      `^The world has no systems: none are given, and there is no venomqa\\.config\\.ts in ${folder.path} or above it\\.`,
    ),
  )
  folder.write('venomqa.config.json', { baseUrl: 'http://x' })
  expect(await refused(folder)).toContain('venomqa.config.json names none.')
})

test('verbose tells each checkpoint and rollback, with its time', async () => {
  using folder = new Folder({ 'venomqa.config.yaml': 'verbose: true\ndbUrl: shop_test.db\n' })
  new Database(join(folder.path, 'shop_test.db')).exec('create table t (n int)').close()
  await inWorld(folder, {}, async (world, notices) => {
    const mark = await world.checkpoint('order created')
    ;(world.systems['db'] as Database.Database).exec('insert into t values (1)')
    await world.rollback(mark)
    expect(await world.changes(mark)).toEqual({ db: [] })
    const lines = notices.map((line) => line.replace(/ \([\d.]+ ms\)$/, ' (ms)'))
    expect(lines).toEqual([
      'db: Connected (ms)',
      'db: Created checkpoint: start (ms)',
      'db: Created checkpoint: order created (ms)',
      'db: Rolled back to checkpoint: order created (ms)',
    ])
  })
})

test('verbose leaves what steps see as it is, also a function', () => {
  const sql = (): void => {}
  expect(logged('db', { handle: sql, checkpoint() {}, rollback() {} }).handle).toBe(sql)
})

describe('parallelPaths', () => {
  test('refuses what is one place for all workers', async () => {
    using folder = new Folder({
      'package.json': { venomqa: { backends: { notes: './notes.cjs#notes' } } },
      'notes.cjs': `exports.notes = () => ({ checkpoint() {}, rollback() {} })`,
      'venomqa.config.json': { dbUrl: 'shop_test.db', parallelPaths: 2 },
    })
    expect(await refused(folder)).toMatch(/^parallelPaths is 2, but "db" \(sqlite\) is one place for all workers\.\n/)
    folder.write('venomqa.config.json', { dbUrl: 'notes:x', dbBackend: 'notes', parallelPaths: 2 })
    expect(await refused(folder)).toContain('"db" (notes) is one place')
    const own = { url: 'notes:x', backend: 'notes', options: { perWorker: true } }
    folder.write('venomqa.config.json', { systems: { db: own }, parallelPaths: 2 })
    expect(Object.keys(await systemsFromConfig(await loadConfig({ cwd: folder.path, env: {} })))).toEqual(['db'])
  })
})

test('a worker beyond those that were allowed is refused', async () => {
  const worker = (id: string) => ({ id, runner: 'vitest', runId: 'a', notice: () => {} }) as const
  const config = async (parallelPaths: number) => {
    using folder = new Folder({ 'venomqa.config.json': { parallelPaths } })
    return await loadConfig({ cwd: folder.path, env: {} })
  }
  const two = await config(2)
  requireWorker(two, worker('2'))
  requireWorker(await config(1), worker('7')) // it does not say how many
  expect(() => requireWorker(two, worker('3'))).toThrow(
    /^This is worker 3 of vitest, but parallelPaths is 2\.\n.*\nStart the runner with --maxWorkers=2/,
  )
})

describeServer('postgres', (server) => {
  test('a URL is enough, and parallelPaths gives each worker a database of its own', async () => {
    using folder = new Folder()
    const name = `config_${process.pid}_test`
    await onServer(server, `create database ${name}`)
    const url = Object.assign(new URL(server), { pathname: `/${name}` }).href
    try {
      await onServer(url, 'create table t (n int)')
      await inWorld(folder, { VENOMQA_DB_URL: url }, async (world) => {
        expect(world.ways['db']).toMatch(/^undo/)
        expect(() => world.url('db')).toThrow('made no place of its own')
      })
      await inWorld(folder, { VENOMQA_DB_URL: url, VENOMQA_PARALLEL_PATHS: '2' }, async (world) => {
        expect(new URL(world.url('db')).pathname).toBe(`/${name}_vq_1`)
      })
    } finally {
      await onServer(server, `drop database if exists ${name}_vq_1 with (force)`)
      await onServer(server, `drop database ${name} with (force)`)
    }
  })
})

describeServer('mysql', (server) => {
  test('a URL is enough', async () => {
    using folder = new Folder()
    const name = `config_${process.pid}_test`
    const admin = await createConnection(server)
    await admin.query(`create database ${name}`)
    try {
      const url = Object.assign(new URL(server), { pathname: `/${name}` }).href
      await inWorld(folder, { VENOMQA_DB_URL: url, VENOMQA_DB_BACKEND: 'mariadb' }, async ({ ways }) => {
        expect(ways['db']).toMatch(/^undo/)
      })
    } finally {
      await admin.query(`drop database ${name}`)
      await admin.end()
    }
  })
})

describeServer('redis', (server) => {
  test('a URL is enough', async () => {
    const systems = { cache: { url: `${server}/13`, options: { prefix: `config-${process.pid}-test:` } } }
    using folder = new Folder({ 'venomqa.config.json': { systems } })
    await inWorld(folder, {}, async ({ ways }) => expect(ways['cache']).toMatch(/^tracked/))
  })
})

describeServer('elasticsearch', (server) => {
  test('a URL and its indices are enough', async () => {
    const index = `config_${process.pid}_test`
    const systems = { search: { url: server, options: { indices: [index] } } }
    using folder = new Folder({ 'venomqa.config.json': { systems } })
    await fetch(`${server}/${index}`, { method: 'PUT' })
    try {
      await inWorld(folder, {}, async ({ ways }) => expect(ways['search']).toMatch(/^pit/))
    } finally {
      await fetch(`${server}/${index}`, { method: 'DELETE' })
    }
  })
})

describeServer('mongodb', (server) => {
  test('a URL is enough', async () => {
    using folder = new Folder()
    const url = Object.assign(new URL(server), { pathname: `/config_${process.pid}_test` }).href
    await inWorld(folder, { VENOMQA_DB_URL: url }, async ({ ways }) => expect(ways['db']).toMatch(/^past/))
    const client = await MongoClient.connect(server)
    await client.db(`config_${process.pid}_test`).dropDatabase()
    await client.close()
  })
})
