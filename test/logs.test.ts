import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { appendFileSync, mkdtempSync, renameSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { PassThrough } from 'node:stream'
import { afterAll, beforeEach, expect, test } from 'vitest'
import { Logs, type LogsOption } from '../src/logs.ts'
import { memory } from '../src/systems/memory/index.ts'
import { World } from '../src/world.ts'

const folder = mkdtempSync(join(tmpdir(), 'venomqa-logs-'))
const file = join(folder, 'app.log')

beforeEach(() => writeFileSync(file, 'from before\n'))
afterAll(() => rmSync(folder, { recursive: true }))

test('a file tells what was written since the step began', async () => {
  const logs = await Logs.open(file)
  appendFileSync(file, 'of the step before\n')
  logs.begin()
  appendFileSync(file, 'POST /orders\n\u001b[31mno such user\u001b[39m\n')
  expect(await logs.tails()).toEqual([{ log: 'app.log', lines: ['POST /orders', 'no such user'] }])
})

test('of many lines the last twenty are told, of a long line its beginning', async () => {
  const logs = await Logs.open(file)
  logs.begin()
  for (let i = 0; i < 5000; i++) appendFileSync(file, `line ${i} ${'x'.repeat(i === 4999 ? 70_000 : 20)}\n`)
  const [tail] = await logs.tails()
  expect(tail?.lines.at(-1)).toHaveLength(500)
  appendFileSync(file, 'the last\n')
  expect((await logs.tails())[0]?.lines.at(-1)).toBe('the last')
})

test('twenty lines of a file and no more', async () => {
  const logs = await Logs.open(file)
  logs.begin()
  appendFileSync(file, Array.from({ length: 30 }, (_, i) => `line ${i}\n`).join(''))
  expect((await logs.tails())[0]?.lines).toEqual(Array.from({ length: 20 }, (_, i) => `line ${i + 10}`))
})

test('a log that got nothing is not told', async () => {
  const logs = await Logs.open([file])
  logs.begin()
  expect(await logs.tails()).toEqual([])
})

test('a file may be rotated or begun anew', async () => {
  const logs = await Logs.open(file)
  appendFileSync(file, 'a long line of the step before\n')
  logs.begin()
  renameSync(file, `${file}.1`)
  expect(await logs.tails()).toEqual([])
  logs.begin()
  writeFileSync(file, 'anew\n')
  expect(await logs.tails()).toEqual([{ log: 'app.log', lines: ['anew'] }])
})

test('a child process and a stream tell what comes meanwhile, whole characters', async () => {
  const child = spawn(process.execPath, ['-e', `console.log('out'); console.error('err'); process.stdin.resume()`])
  const stream = new PassThrough()
  const logs = await Logs.open(() => [child, stream])
  logs.begin()
  const snowman = Buffer.from('☃\n')
  stream.write(snowman.subarray(0, 1))
  stream.write(snowman.subarray(1))
  await Promise.all([once(child.stdout, 'data'), once(child.stderr, 'data')])
  const [ofChild, ofStream] = await logs.tails()
  expect(ofChild?.lines.toSorted()).toEqual(['err', 'out'])
  expect(ofStream).toEqual({ log: 'output', lines: ['☃'] })
  logs.close()
  expect(stream.listenerCount('data')).toBe(0)
  child.stdin.end()
  await once(child, 'close')
})

test('passwords in addresses are not told', async () => {
  const logs = await Logs.open(file)
  logs.begin()
  appendFileSync(file, 'connecting to postgres://ada:s3cret@db/shop\n')
  expect((await logs.tails())[0]?.lines).toEqual(['connecting to postgres://ada:***@db/shop'])
})

test.each<[LogsOption, string, string]>([
  [join(folder, 'none.log'), 'NOT_FOUND', `The log ${join(folder, 'none.log')} is not there.`],
  [folder, 'NOT_FOUND', `The log ${folder} is a folder.`],
  [
    { stdout: null, stderr: null },
    'BAD_ARGUMENT',
    'logs has { stdout: null, stderr: null }, from which nothing can be',
  ],
])('%s is refused when the world opens', async (logs, code, message) => {
  const opening = World.open({ systems: { db: memory(new Map()) }, logs })
  await expect(opening).rejects.toMatchObject({ code, message: expect.stringContaining(message) })
})
