import { spawnSync } from 'node:child_process'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import Database from 'better-sqlite3'
import { Redis } from 'ioredis'
import { createConnection } from 'mysql2/promise'
import { expect, test } from 'vitest'
import { describeServer } from '../servers/server.ts'
import { leftovers, makeDatabase, onServer } from '../systems/postgres/subject.ts'

const main = fileURLToPath(new URL('../../cli/main.ts', import.meta.url))

type Said = { status: number | null; stdout: string; stderr: string }

function venomqa(...args: string[]): Said {
  return venomqaIn(process.cwd(), {}, ...args)
}

function venomqaIn(cwd: string, env: Record<string, string>, ...args: string[]): Said {
  const { status, stdout, stderr } = spawnSync(process.execPath, [main, ...args], {
    cwd,
    encoding: 'utf8',
    env: { ...process.env, NO_COLOR: '1', ...env },
  })
  return { status, stdout, stderr }
}

test('without a command it shows its help', () => {
  expect(venomqa()).toMatchObject({ status: 1, stderr: expect.stringMatching(/Usage: venomqa/) })
  expect(venomqa('--help')).toMatchObject({ status: 0, stdout: expect.stringMatching(/doctor[^]*mark/) })
  expect(venomqa('doktor')).toMatchObject({ status: 1, stderr: expect.stringMatching(/Did you mean doctor/) })
})

test('doctor proves a file, and goes on after a place that cannot be used', () => {
  const folder = mkdtempSync(join(tmpdir(), 'venomqa-cli-'))
  try {
    const file = join(folder, 'shop.db')
    new Database(file).exec('create table t (n int)').close()
    const { status, stdout } = venomqa('doctor', join(folder, 'missing.db'), file)
    expect(status).toBe(1)
    expect(stdout).toMatch(/✗ sqlite: there is no file/)
    expect(stdout).toMatch(
      /sqlite\n {2}server +SQLite .*\n {2}way +wal: .*\n {2}brings back +data, .*\n {2}open +[\d.]+ ms/,
    )
    expect(stdout).toMatch(
      /self-test +passed, [\d.]+ ms\n {2}checkpoint +[\d.]+ ms, nothing changed, median of 20\n {2}rollback/,
    )
    expect(venomqa('doctor', file).status).toBe(0)
  } finally {
    rmSync(folder, { recursive: true })
  }
})

test('doctor without a place proves the systems of the configuration, and goes on after one that cannot be used', () => {
  const folder = mkdtempSync(join(tmpdir(), 'venomqa-cli-'))
  try {
    expect(venomqaIn(folder, {}, 'doctor')).toMatchObject({
      status: 1,
      stdout: expect.stringContaining(`there is no venomqa.config.ts in ${folder} or above it`),
    })
    new Database(join(folder, 'shop.db')).exec('create table t (n int)').close()
    const file = join(folder, 'venomqa.config.yaml')
    writeFileSync(file, 'systems: { gone: "sqlite:gone.db", db: "file:shop.db" }')
    const { status, stdout } = venomqaIn(folder, {}, 'doctor')
    expect(status).toBe(1)
    expect(stdout).toMatch(new RegExp(`^The systems of ${file}\\ngone \\(sqlite\\)\\n  ✗ sqlite: there is no file`))
    expect(stdout).toMatch(/\ndb \(sqlite\)\n {2}server +SQLite .*\n {2}way +wal: /)
    expect(venomqaIn(folder, { VENOMQA_GONE_URL: 'sqlite:shop.db' }, 'doctor').status).toBe(0)
    expect(venomqaIn(folder, {}, 'doctor', '--allow-database', 'shop')).toMatchObject({
      status: 1,
      stdout: expect.stringContaining(`Write allowDatabase or allowHosts into systems.NAME.options in ${file}.`),
    })
    expect(venomqaIn(folder, { VENOMQA_VERBOS: '1' }, 'doctor').stdout).toContain('Did you mean VENOMQA_VERBOSE?')
  } finally {
    rmSync(folder, { recursive: true })
  }
})

test('a place of no known kind is refused without being printed whole', () => {
  const { status, stdout } = venomqa('doctor', 'ftp://me:secret@host/db')
  expect(status).toBe(1)
  expect(stdout).toContain('There is no system for "ftp://…"')
  expect(stdout).not.toContain('secret')
  expect(venomqa('mark', 'shop.db')).toMatchObject({
    status: 1,
    stderr: expect.stringMatching(/cannot be marked from here/),
  })
})

describeServer('postgres', (server) => {
  test('doctor shows the way, the size and the cost, and leaves nothing behind', async () => {
    const database = await makeDatabase(server, 'create table t (n int)')
    const { status, stdout } = venomqa('doctor', database.url)
    expect(stdout).toMatch(/postgres\n {2}server +PostgreSQL 15.* kB\n {2}way +undo: triggers on 1 tables/)
    expect(status).toBe(0)
    expect((await leftovers(database)).filter((name) => !name.startsWith('connection'))).toEqual([])
    await database.drop()
  })

  test('mark says in the comment that a database is for tests, and keeps what it said before', async () => {
    const name = `shop_${process.pid}`
    await onServer(server, `create database ${name}`)
    const url = Object.assign(new URL(server), { pathname: `/${name}` }).href
    try {
      await onServer(url, `comment on database ${name} is 'The shop'`)
      expect(venomqa('doctor', url).stdout).toContain('mark this one once (npx venomqa mark <its URL>)')
      expect(venomqa('mark', url)).toMatchObject({
        status: 0,
        stdout: expect.stringContaining('is marked as a test database now'),
      })
      expect(venomqa('mark', url).stdout).toContain('already')
      const { rows } = await onServer(
        url,
        `select shobj_description(oid, 'pg_database') as comment from pg_database where datname = '${name}'`,
      )
      expect(rows).toEqual([{ comment: 'The shop (venomqa test database)' }])
      expect(venomqa('doctor', url).status).toBe(0)
    } finally {
      await onServer(server, `drop database ${name} with (force)`)
    }
  })
})

describeServer('mysql', (server) => {
  test('mark makes a table that says so', async () => {
    const name = `shop_${process.pid}`
    const admin = await createConnection(server)
    await admin.query(`create database ${name}`)
    const url = Object.assign(new URL(server), { pathname: `/${name}` }).href
    try {
      expect(venomqa('doctor', url)).toMatchObject({ status: 1, stdout: expect.stringContaining('mark this one once') })
      expect(venomqa('mark', url)).toMatchObject({
        status: 0,
        stdout: expect.stringContaining('is marked as a test database now'),
      })
      expect(venomqa('mark', url).stdout).toContain('already')
      expect(venomqa('doctor', url)).toMatchObject({ status: 0, stdout: expect.stringMatching(/way +undo/) })
    } finally {
      await admin.query(`drop database ${name}`)
      await admin.end()
    }
  })
})

describeServer('redis', (server) => {
  test('mark sets a key that says so', async () => {
    const url = new URL('/11', server).href
    const redis = new Redis(url)
    try {
      expect(venomqa('mark', url)).toMatchObject({
        status: 0,
        stdout: expect.stringContaining('is marked as for tests now'),
      })
      expect(venomqa('mark', url).stdout).toContain('already')
      expect(await redis.get('venomqa:test-server')).toBe('yes')
      expect(venomqa('doctor', url)).toMatchObject({
        status: 0,
        stdout: expect.stringMatching(/server +Redis \d.*\n +way +tracked/),
      })
    } finally {
      await redis.del('venomqa:test-server')
      redis.disconnect()
    }
  })
})
