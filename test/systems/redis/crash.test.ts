import assert from 'node:assert/strict'
import { type ChildProcess, fork } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync, readdirSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { Redis } from 'ioredis'
import { afterAll, beforeAll, test, vi } from 'vitest'
import { describeServer } from '../../servers/server.ts'
import { redis, type RedisOptions, type RedisSystem } from '../../../src/systems/redis/index.ts'
import { assertSame, contentsOf } from './contents.ts'
import { describeEach } from './each.ts'
import { canStartOwn, OwnServer } from './own-server.ts'

const DATABASE = 13

// The files of first marks are looked for below: other tests must not make some meanwhile.
const files = mkdtempSync(join(tmpdir(), 'venomqa-crash-'))
beforeAll(() => vi.stubEnv('TMPDIR', files))
afterAll(() => {
  vi.unstubAllEnvs()
  rmSync(files, { recursive: true })
})

describeServer('redis', (server) => {
  const url = `${server}/${DATABASE}`

  for (const change of ['set', 'flush']) {
    test(`what a killed runner changed is put back to its first mark (${change})`, async () => {
      await using client = await freshly(url)
      await fill(client)
      const before = await contentsOf(client)
      await kill(await runner(url, {}, change))
      assert.notDeepEqual(await contentsOf(client), before)
      const { notices } = await opened(url)
      assertSame(await contentsOf(client), before, 5000)
      assert.match(notices.join(), /a script \(pid \d+ on .+\) was killed .+ keys were put back to its first mark/)
      assert.deepEqual(await leftovers(client), [])
    })
  }

  test('with a prefix, only those keys are put back', async () => {
    await using client = await freshly(url)
    await client.set('shop:stock', '5')
    await kill(await runner(url, { prefix: 'shop:' }))
    await client.set('elsewhere', 'kept')
    await opened(url, { prefix: 'shop:' })
    assert.deepEqual(await client.mget('shop:stock', 'shop:later', 'elsewhere'), ['5', null, 'kept'])
  })

  test('whoever takes the whole database mends the prefixes in it', async () => {
    await using client = await freshly(url)
    await client.set('shop:stock', '5')
    await kill(await runner(url, { prefix: 'shop:' }))
    const { notices } = await opened(url)
    assert.equal(await client.get('shop:stock'), '5')
    assert.match(notices.join(), /was killed/)
    assert.deepEqual(await leftovers(client), [])
  })

  test('a runner that lives keeps its lease, also against a part or the whole of its keys', async () => {
    await using client = await freshly(url)
    const child = await runner(url, { prefix: 'shop:' })
    const held = { code: 'LEASED', retryable: true, message: new RegExp(`in use by a script \\(pid ${child.pid} on `) }
    for (const prefix of ['shop:', 'shop:carts:', 'sh', '']) {
      await assert.rejects(async () => opened(url, prefix ? { prefix } : {}), held)
    }
    await opened(url, { prefix: 'other:' })
    await kill(child)
    await opened(url)
    assert.equal(await client.exists('shop:stock'), 0)
  })

  test('a lease holds though the application flushed the database', async () => {
    await using _client = await freshly(url)
    const child = await runner(url, {}, 'flush')
    await assert.rejects(async () => opened(url), { code: 'LEASED' })
    await kill(child)
    await opened(url)
  })

  test('a runner that was killed before it changed anything leaves nothing to do', async () => {
    await using client = await freshly(url)
    await client.set('stock', '5')
    await kill(await runner(url, {}, 'set', 'nothing'))
    await client.set('stock', '6')
    await opened(url)
    assert.equal(await client.get('stock'), '5')
    assert.deepEqual(await leftovers(client), [])
  })

  test('a first mark that cannot be read is refused, unless the keys are to be taken as they are', async () => {
    await using client = await freshly(url)
    await client.set('stock', '5')
    await kill(await runner(url))
    for (const file of baseFiles()) rmSync(join(files, file))
    await assert.rejects(async () => opened(url), {
      code: 'CRASHED',
      message: /its first mark cannot be read: .*\nThe keys are in the middle of some test.*\n.*recover: 'keep'/,
    })
    await opened(url, { recover: 'keep' })
    assert.equal(await client.get('stock'), '0')
    assert.deepEqual(await leftovers(client), [])
  })

  test('recover: keep takes the keys as they are, and says so', async () => {
    await using client = await freshly(url)
    await kill(await runner(url))
    const { notices } = await opened(url, { recover: 'keep' })
    assert.match(notices.join(), /taken as it is/)
    assert.equal(await client.get('stock'), '0')
    assert.deepEqual(baseFiles(), [])
  })

  test('a recovery that is killed half way is begun again', async () => {
    await using client = await freshly(url)
    await fill(client)
    const before = await contentsOf(client)
    await kill(await runner(url))
    // It stops at the first key it would write.
    await client.call('acl', 'setuser', 'half', 'on', '>half', '~*', '+@all', '-restore')
    const limited = url.replace('redis://', 'redis://half:half@')
    await assert.rejects(async () => opened(limited), { code: 'MISSING_GRANT' })
    await client.call('acl', 'deluser', 'half')
    await opened(url)
    assertSame(await contentsOf(client), before, 5000)
  })
})

describeEach((like) => {
  test('a mark of a server that is no more is not put into its successor', async ({ skip }) => {
    if (!(await canStartOwn(like))) skip('the server runs elsewhere')
    await using server = await OwnServer.start(like)
    const url = `${server.url}/1`
    await kill(await runner(url))
    await server.restart()
    await using client = await freshly(url)
    await client.set('stock', 'of the new server')
    const { notices } = await opened(url)
    assert.equal(await client.get('stock'), 'of the new server')
    assert.deepEqual(notices, [])
    assert.deepEqual(baseFiles(), [])
  })
})

/** Opens a system as the next run would, and closes it again. */
async function opened(url: string, options: RedisOptions = {}): Promise<{ notices: string[] }> {
  const notices: string[] = []
  const system: RedisSystem = redis(url, options)
  await system.open?.({ id: '1', runner: 'none', runId: 'next', notice: (message) => notices.push(message) })
  await system.close?.()
  return { notices }
}

async function runner(url: string, options: RedisOptions = {}, ...more: string[]): Promise<ChildProcess> {
  const child = fork(new URL('runner.ts', import.meta.url), [url, JSON.stringify(options), ...more])
  await once(child, 'message')
  return child
}

async function kill(child: ChildProcess): Promise<void> {
  child.kill('SIGKILL')
  await once(child, 'exit')
}

async function freshly(url: string): Promise<Redis & AsyncDisposable> {
  const client = new Redis(url)
  await client.flushdb()
  return Object.assign(client, {
    [Symbol.asyncDispose]: async () => {
      await client.flushdb()
      client.disconnect()
    },
  })
}

async function fill(client: Redis): Promise<void> {
  await client.set('stock', '5')
  await client.set(Buffer.from('\xff\x00', 'latin1'), Buffer.from('\x80\xfe', 'latin1'))
  await client.set('session', 'ada', 'EX', 100)
  await client.zadd('scores', 1.5, 'ada')
  await client.xadd('events', '1-1', 'n', '1')
}

async function leftovers(client: Redis): Promise<string[]> {
  return [...(await client.keys('venomqa:*')), ...baseFiles()]
}

function baseFiles(): string[] {
  return readdirSync(files).filter((file) => file.endsWith('.base'))
}
