import { spawn } from 'node:child_process'
import { chmodSync, existsSync, mkdirSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import BetterSqlite3 from 'better-sqlite3'
import { afterAll, expect, test } from 'vitest'
import type { Worker } from '../../../src/rollbackable.ts'
import { sqlite } from '../../../src/systems/sqlite/index.ts'
import { scratchFolder } from './app.ts'

const folder = scratchFolder()
const worker: Worker = { id: '1', runner: 'none', runId: 'test', notice: () => undefined }
afterAll(() => rmSync(folder, { recursive: true, force: true }))

function make(name: string): string {
  const path = join(folder, name)
  const db = new BetterSqlite3(path)
  db.exec('create table t (a)')
  db.close()
  return path
}

const opening = (path: string, options = {}): Promise<void> => sqlite(path, options).open(worker)

test('a missing file says what to do first', async () => {
  await expect(opening(join(folder, 'missing.db'))).rejects.toMatchObject({
    code: 'NOT_FOUND',
    message: expect.stringContaining('Run the migrations before the world opens'),
  })
  expect(existsSync(join(folder, 'missing.db'))).toBe(false)
})

test('a folder is not a database', async () => {
  await expect(opening(folder)).rejects.toMatchObject({ code: 'NOT_FOUND' })
})

test.each([':memory:', '', 'file:test.db'])('%j is not a path', async (path) => {
  await expect(opening(path)).rejects.toMatchObject({ code: 'BAD_ARGUMENT' })
})

test.each(['wal', 'backup'] as const)('another kind of file is not a database (%s)', async (way) => {
  const path = join(folder, 'text.db')
  writeFileSync(path, 'this is text, and long enough to be looked at as a header of one hundred bytes '.repeat(9))
  await expect(opening(path, { way })).rejects.toMatchObject({ code: 'BAD_ARGUMENT' })
  expect(existsSync(`${path}-venomqa`)).toBe(false)
})

test('a path that nothing proves to be a test database is not touched', async () => {
  const real = make('prod-link-target.db')
  const named = join(folder, '..', 'venomq-shop.db')
  expect(real).toContain(folder)
  await expect(opening('/etc/hostname')).rejects.toMatchObject({ code: 'NOT_A_TEST_DATABASE' })
  expect(existsSync(named)).toBe(false)
})

test('a link is judged by the file that it leads to', async () => {
  const link = join(folder, 'test.db')
  symlinkSync('/etc/hostname', link)
  await expect(opening(link)).rejects.toMatchObject({ code: 'NOT_A_TEST_DATABASE' })
})

test('an argument that is no path and no database', () => {
  expect(() => sqlite(undefined as unknown as string)).toThrow('not a path or a database')
  expect(() => sqlite({ query: () => [] } as never)).toThrow('neither a path nor a database')
})

test('a way that is not one for what was given', () => {
  expect(() => sqlite('test.db', { way: 'savepoint' as never })).toThrow("'wal', 'backup'")
  expect(() => sqlite(new BetterSqlite3(':memory:'), { way: 'wal' })).toThrow("'serialize', 'savepoint'")
})

test('a driver that is not there', async () => {
  await expect(opening(make('driver.db'), { driver: 'no-such-driver' as never })).rejects.toMatchObject({
    code: 'BAD_ARGUMENT',
  })
})

test('a second world on one file is told whose it is', async () => {
  const path = make('leased.db')
  const first = sqlite(path)
  await first.open(worker)
  await expect(opening(path)).rejects.toMatchObject({
    code: 'LEASED',
    message: expect.stringMatching(new RegExp(`pid ${process.pid}[^]*VITEST_POOL_ID`)),
  })
  await first.close()
  const second = sqlite(path)
  await second.open(worker)
  await second.close()
  expect(existsSync(`${path}-venomqa`)).toBe(false)
})

// The owner of everything may write everything, so another user is needed.
test.skipIf(process.getuid?.() !== 0).each(['file', 'folder'])('a read-only %s', async (what) => {
  const place = join(folder, `read-only-${what}`)
  mkdirSync(place)
  chmodSync(folder, 0o755)
  const path = make(join(`read-only-${what}`, 'app.db'))
  chmodSync(path, what === 'file' ? 0o444 : 0o666)
  chmodSync(place, what === 'folder' ? 0o555 : 0o777)
  const script = `
    process.setgid(65534); process.setuid(65534)
    const { sqlite } = await import(${JSON.stringify(new URL('../../../src/systems/sqlite/index.ts', import.meta.url).href)})
    const worker = { id: '1', runner: 'none', runId: 'x', notice() {} }
    await sqlite(${JSON.stringify(path)}).open(worker).then(() => console.log('opened'), (error) => console.log(error.code, error.message))`
  const child = spawn(process.execPath, ['--input-type=module', '-e', script], { stdio: ['ignore', 'pipe', 'inherit'] })
  let printed = ''
  child.stdout.on('data', (text) => (printed += String(text)))
  await new Promise((resolve) => child.once('close', resolve))
  expect(printed).toMatch(/^READ_ONLY .* cannot be written by this user/)
})
