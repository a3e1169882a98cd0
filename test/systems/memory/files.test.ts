import { execFileSync } from 'node:child_process'
import {
  appendFileSync,
  chmodSync,
  existsSync,
  lstatSync,
  mkdirSync,
  mkdtempSync,
  openSync,
  readdirSync,
  readFileSync,
  readlinkSync,
  renameSync,
  rmSync,
  symlinkSync,
  truncateSync,
  utimesSync,
  writeFileSync,
  writeSync,
} from 'node:fs'
import { homedir, tmpdir } from 'node:os'
import { join } from 'node:path'
import { describe, expect, onTestFinished, test } from 'vitest'
import { conformance } from '../../../src/kit/index.ts'
import { files, type FilesOptions } from '../../../src/systems/memory/index.ts'
import { World } from '../../../src/world.ts'

function folder(): string {
  const path = mkdtempSync(join(tmpdir(), 'uploads-'))
  onTestFinished(() => rmSync(path, { recursive: true, force: true }))
  return path
}

async function open(path: string, options?: FilesOptions) {
  const world = await World.open({ systems: { uploads: files(path, options) } })
  onTestFinished(() => world.close())
  return world
}

/** Everything in a folder that a program can see, as text. */
function contents(root: string, at = ''): string[] {
  return readdirSync(join(root, at)).flatMap((name) => {
    const path = join(at, name)
    const stats = lstatSync(join(root, path))
    const mode = (stats.mode & 0o7777).toString(8)
    if (stats.isSymbolicLink()) return [`${path} -> ${readlinkSync(join(root, path))}`]
    if (stats.isDirectory()) return [`${path}/ ${mode}`, ...contents(root, path)]
    return [`${path} ${mode} ${Math.floor(stats.mtimeMs)} ${readFileSync(join(root, path)).toString('base64')}`]
  })
}

describe('files', () => {
  conformance(
    test,
    () => {
      const root = mkdtempSync(join(tmpdir(), 'uploads-'))
      // A name of a file has 255 bytes and no slash.
      const keys = new Map<string, string>()
      const nameOf = (key: string): string => {
        const plain = encodeURIComponent(key).replaceAll('.', '%2E')
        const name = /^[\w%-]{1,200}$/.test(plain)
          ? key.replaceAll(/[/%]|^\.+$/g, encodeURIComponent)
          : `long ${plain.length} ${plain.slice(-150)}`
        keys.set(name, key)
        return join(root, name)
      }
      const put = (key: string, value: string): void => writeFileSync(nameOf(key), value)
      const remove = (key: string): void => rmSync(nameOf(key), { force: true })
      return {
        system: files(root),
        put,
        remove,
        other: {
          put: (key, value) => {
            execFileSync('tee', [nameOf(key)], { input: value })
          },
          remove,
        },
        all: () =>
          Object.fromEntries(
            readdirSync(root).map((name) => [keys.get(name)!, readFileSync(join(root, name), 'utf8')]),
          ),
        dispose: () => rmSync(root, { recursive: true, force: true }),
      }
    },
    { runs: 40 },
  )

  test('brings back contents, modes, times, links and folders', async () => {
    const root = folder()
    mkdirSync(join(root, 'a/b/empty'), { recursive: true })
    writeFileSync(join(root, 'a/one.txt'), 'one')
    writeFileSync(join(root, 'a/b/two.bin'), Buffer.from([0, 255, 10, 13]))
    writeFileSync(join(root, 'run.sh'), '#!/bin/sh\n', { mode: 0o755 })
    utimesSync(join(root, 'run.sh'), 1_700_000_000, 1_700_000_000)
    symlinkSync('a/one.txt', join(root, 'link'))
    symlinkSync('nowhere', join(root, 'dangling'))
    const world = await open(root)
    const before = contents(root)
    const mark = await world.checkpoint('filled')
    for (const change of [
      () => writeFileSync(join(root, 'a/one.txt'), 'ONE'),
      () => appendFileSync(join(root, 'a/b/two.bin'), 'more'),
      () => truncateSync(join(root, 'run.sh')),
      () => chmodSync(join(root, 'run.sh'), 0o600),
      () => chmodSync(join(root, 'a'), 0o700),
      () => renameSync(join(root, 'a/one.txt'), join(root, 'moved.txt')),
      () => renameSync(join(root, 'a'), join(root, 'z')),
      () => rmSync(join(root, 'a'), { recursive: true }),
      () => (rmSync(join(root, 'link')), writeFileSync(join(root, 'link'), 'no link any more')),
      () => (rmSync(join(root, 'link')), symlinkSync('run.sh', join(root, 'link'))),
      () => (rmSync(join(root, 'run.sh')), mkdirSync(join(root, 'run.sh/deep'), { recursive: true })),
      () => (rmSync(join(root, 'a'), { recursive: true }), writeFileSync(join(root, 'a'), 'now a file')),
      () => mkdirSync(join(root, 'a/b/new/deep'), { recursive: true }),
    ]) {
      change()
      expect(contents(root)).not.toEqual(before)
      expect((await world.changes(mark)).uploads).not.toEqual([])
      await world.rollback(mark)
      expect(contents(root)).toEqual(before)
      expect((await world.changes(mark)).uploads).toEqual([])
    }
    utimesSync(join(root, 'a/one.txt'), 1, 1)
    await world.rollback(mark)
    expect(contents(root)).toEqual(before)
  })

  test('sees a write that leaves size and time as they were', async () => {
    const root = folder()
    const path = join(root, 'state.json')
    const world = await open(root)
    for (let round = 0; round < 40; round++) {
      writeFileSync(path, 'old')
      utimesSync(path, 1_700_000_000, 1_700_000_000)
      const mark = await world.checkpoint('old')
      writeFileSync(path, 'new')
      utimesSync(path, 1_700_000_000, 1_700_000_000)
      await world.rollback(mark)
      expect(readFileSync(path, 'utf8')).toBe('old')
      await world.release(mark)
    }
  })

  test('a program that has a file open goes on with it', async () => {
    const root = folder()
    writeFileSync(join(root, 'log'), 'first\n')
    const world = await open(root)
    const log = openSync(join(root, 'log'), 'a')
    writeSync(log, 'second\n')
    await world.rollback(world.start)
    writeSync(log, 'third\n')
    expect(readFileSync(join(root, 'log'), 'utf8')).toBe('first\nthird\n')
  })

  test('lists changes by path', async () => {
    const root = folder()
    writeFileSync(join(root, 'a.txt'), 'a')
    writeFileSync(join(root, 'gone.txt'), 'gone')
    const world = await open(root)
    writeFileSync(join(root, 'a.txt'), 'b')
    writeFileSync(join(root, 'new.bin'), Buffer.from([255]))
    rmSync(join(root, 'gone.txt'))
    expect((await world.changes()).uploads).toMatchObject([
      { key: 'a.txt', updated: [{ before: { content: 'a' }, after: { content: 'b' } }] },
      { key: 'gone.txt', deleted: [{ kind: 'file', content: 'gone' }] },
      { key: 'new.bin', inserted: [{ content: expect.stringMatching(/^sha256:[0-9a-f]{64}$/) }] },
    ])
  })

  test('an observation knows nothing of when files were written', async () => {
    const root = folder()
    writeFileSync(join(root, 'a.txt'), 'a')
    const world = await open(root)
    const before = await world.observe()
    utimesSync(join(root, 'a.txt'), 5, 5)
    expect(await world.observe()).toEqual(before)
    chmodSync(join(root, 'a.txt'), 0o600)
    expect(await world.observe()).not.toEqual(before)
  })

  test('reset removes files by pattern, and folders that are empty then', async () => {
    const root = folder()
    mkdirSync(join(root, 'avatars/old'), { recursive: true })
    for (const name of ['avatars/ada.png', 'avatars/old/ada.png', 'avatars/keep.txt', 'readme.txt']) {
      writeFileSync(join(root, name), name)
    }
    const world = await open(root)
    await world.reset({ only: ['avatars/**'], except: ['**/keep.txt'] })
    expect(contents(root).map((line) => line.split(' ')[0])).toEqual(['avatars/', 'avatars/keep.txt', 'readme.txt'])
    await world.rollback(world.start)
    await world.reset()
    expect(readdirSync(root)).toEqual([])
  })

  test('leaves nothing of its own behind', async () => {
    const root = folder()
    writeFileSync(join(root, 'a'), 'a')
    const mine = (): string[] => readdirSync(tmpdir()).filter((name) => name.startsWith('venomqa-files-'))
    const before = mine()
    const world = await World.open({ systems: { uploads: files(root) } })
    expect(mine()).toHaveLength(before.length + 1)
    await world.close()
    expect(mine()).toEqual(before)
  })

  test("an application's own folder with a package.json in it is taken when it is vouched for", async () => {
    const root = folder()
    writeFileSync(join(root, 'package.json'), '{}')
    await expect(World.open({ systems: { data: files(root) } })).rejects.toMatchObject({
      code: 'NOT_A_TEST_DATABASE',
      message: expect.stringContaining(`allowDatabase: '${root}'`),
    })
    await using world = await World.open({ systems: { data: files(root, { allowDatabase: root }) } })
    writeFileSync(join(root, 'package.json'), '{ "dependencies": {} }')
    await world.rollback(world.start)
    expect(readFileSync(join(root, 'package.json'), 'utf8')).toBe('{}')
  })

  test('refuses folders that are not for tests, and touches nothing', async () => {
    const place = folder()
    mkdirSync(join(place, 'project/.git'), { recursive: true })
    mkdirSync(join(place, 'big'))
    writeFileSync(join(place, 'big/file'), 'x'.repeat(2000))
    for (const [path, code] of [
      [process.cwd(), 'NOT_A_TEST_DATABASE'],
      ['/', 'NOT_A_TEST_DATABASE'],
      [homedir(), 'NOT_A_TEST_DATABASE'],
      ['/usr/share', 'NOT_A_TEST_DATABASE'],
      [join(place, 'project'), 'NOT_A_TEST_DATABASE'],
      [join(place, 'missing'), 'NOT_FOUND'],
    ] as const) {
      await expect(World.open({ systems: { uploads: files(path) } })).rejects.toMatchObject({ code })
    }
    const large = World.open({ systems: { uploads: files(join(place, 'big'), { maxBytes: 1000 }) } })
    await expect(large).rejects.toMatchObject({ code: 'TOO_LARGE' })
    for (const path of [process.cwd(), join(place, 'project')]) {
      const vouched = World.open({ systems: { uploads: files(path, { allowDatabase: path }) } })
      await expect(vouched).rejects.toMatchObject({ code: 'NOT_A_TEST_DATABASE' })
    }
    expect(existsSync(join(place, 'project/.git'))).toBe(true)
  })

  test('gives each worker a folder of its own', async () => {
    const root = folder()
    mkdirSync(join(root, 'w1'))
    const world = await World.open({ systems: { uploads: files(({ id }) => join(root, `w${id}`)) } })
    expect(world.systems.uploads).toBe(join(root, 'w1'))
    await world.close()
  })
})
