import assert from 'node:assert/strict'
import { execFileSync } from 'node:child_process'
import { mkdtempSync, readFileSync } from 'node:fs'
import { hostname, tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { Redis } from 'ioredis'
import { describe, test, vi } from 'vitest'
import { World } from '../../../src/world.ts'
import { redis, type RedisOptions } from '../../../src/systems/redis/index.ts'
import { describeServer } from '../../servers/server.ts'
import { describeEach } from './each.ts'
import { canStartOwn, OwnServer } from './own-server.ts'

async function opened(url: string, options: RedisOptions = {}): Promise<readonly string[]> {
  const notices: string[] = []
  const notice = (message: string): void => void notices.push(message)
  const world = await World.open({ systems: { cache: redis(url, options) }, worker: { notice } })
  const mark = await world.checkpoint('mark')
  await world.systems.cache.set('written', '1')
  await world.rollback(mark)
  assert.equal(await world.systems.cache.exists('written'), 0)
  await world.close()
  return notices
}

describe('a server that is not there', () => {
  test('is named, without the password', async () => {
    const error = await opened('redis://ada:secret@127.0.0.1:1/2').catch((thrown: unknown) => thrown)
    assert.match(String(error), /cannot connect to 127\.0\.0\.1:1, database 2 \(ECONNREFUSED\)/)
    assert.doesNotMatch(JSON.stringify(error) + String(error), /secret/)
  })
})

describeServer('redis', (like) => {
  test('works in an environment like a browser’s, which takes setImmediate away', async () => {
    vi.resetModules()
    vi.stubGlobal('setImmediate', undefined)
    const there = await import('../../../src/systems/redis/index.ts')
    vi.unstubAllGlobals()
    const system = there.redis(like, { prefix: 'browser:' })
    await system.open?.({ id: '1', runner: 'none', runId: 'browser', notice: () => {} })
    const mark = await system.checkpoint('mark')
    await system.handle.set('browser:written', '1')
    await system.rollback(mark)
    assert.equal(await system.handle.exists('browser:written'), 0)
    await system.close?.()
  })

  describe('a server of its own', () => {
    test.beforeEach(async ({ skip }) => {
      if (!(await canStartOwn(like))) skip('the server runs elsewhere')
    })

    test('database 0 without a prefix needs proof that the server is for tests', async () => {
      await using server = await OwnServer.start(like, '--save', '3600', '1')
      await assert.rejects(async () => opened(server.url), {
        code: 'NOT_A_TEST_DATABASE',
        message:
          /nothing proves that .*, database 0, is for tests[^]*prefix[^]*venomqa:test-server[^]*allowDatabase: '0'/,
      })
      await opened(`${server.url}/1`)
      await opened(server.url, { allowDatabase: '0' })
      await using client = connected(server.url)
      await client.set('venomqa:test-server', 'yes')
      await opened(server.url)
      assert.equal(await client.get('venomqa:test-server'), 'yes')
    })

    test('a server that keeps nothing on disk is for tests', async () => {
      await using server = await OwnServer.start(like)
      await opened(server.url)
    })

    test('a prefix is enough', async () => {
      await using server = await OwnServer.start(like, '--save', '3600', '1')
      await using client = connected(server.url)
      const world = await World.open({ systems: { cache: redis(server.url, { prefix: 'test:' }) } })
      await client.set('test:a', '1')
      await client.set('b', '1')
      await world.rollback(world.start)
      assert.deepEqual(await client.keys('[a-z]'), ['b'])
      await world.close()
    })

    test('a server with replicas is refused, and so is a replica', async () => {
      await using master = await OwnServer.start(like)
      await using replica = await OwnServer.start(like, '--replicaof', '127.0.0.1', String(master.port))
      await using client = connected(master.url)
      while (!(await client.info('replication')).includes('state=online')) await sleep(20)
      await assert.rejects(async () => opened(`${master.url}/1`), {
        code: 'NOT_A_TEST_DATABASE',
        message: /1 connected replica/,
      })
      await assert.rejects(async () => opened(`${replica.url}/1`), { code: 'READ_ONLY' })
    })

    test('another host and a production environment are refused', async () => {
      await using server = await OwnServer.start(like, '--bind', '0.0.0.0', '--protected-mode', 'no')
      const elsewhere = `redis://${hostname()}:${server.port}/1`
      await assert.rejects(async () => opened(elsewhere), {
        code: 'NOT_A_TEST_DATABASE',
        message: new RegExp(`is on ${hostname()}, which is not this machine`),
      })
      await opened(elsewhere, { allowHosts: [hostname()] })
      process.env['APP_ENV'] = 'production'
      try {
        await assert.rejects(async () => opened(`${server.url}/1`), { code: 'NOT_A_TEST_DATABASE', message: /APP_ENV/ })
      } finally {
        delete process.env['APP_ENV']
      }
    })

    test('a wrong password is said to be one, and not shown', async () => {
      await using server = await OwnServer.start(like, '--requirepass', 'p@ss/word')
      for (const login of ['', ':wrong-secret@', 'ada:wrong-secret@']) {
        const url = server.url.replace('redis://', `redis://${login}`)
        const error = (await opened(`${url}/1`).catch((thrown: unknown) => thrown)) as Error & { code: string }
        assert.equal(error.code, 'CONNECTION_REFUSED', error.message)
        assert.match(error.message, /refused the login of user "(default|ada)"|NOAUTH/)
        assert.doesNotMatch(error.message + String(error.stack), /wrong-secret/)
      }
      await opened(`${server.url.replace('redis://', 'redis://:p%40ss%2Fword@')}/1`)
    })

    test('a user without the needed rights is told all of them, and the line that grants them', async () => {
      await using server = await OwnServer.start(like)
      await using client = connected(server.url)
      await client.call('acl', 'setuser', 'app', 'on', '>pw', '-@all', '+hello', '+select')
      const url = `${server.url.replace('redis://', 'redis://app:pw@')}/1`
      await assert.rejects(async () => opened(url), {
        code: 'MISSING_GRANT',
        message: /ACL SETUSER app \+exec \+multi \+unwatch \+watch ~\*\n/,
      })
      await client.call('acl', 'setuser', 'app', '+exec', '+multi', '+unwatch', '+watch')
      const error = (await opened(url).catch((thrown: unknown) => thrown)) as Error & { code: string }
      assert.equal(error.code, 'MISSING_GRANT')
      await client.call('acl', 'setuser', 'app', ...(/ACL SETUSER app (.+)/.exec(error.message)?.[1]?.split(' ') ?? []))
      await opened(url)
    })

    test('a user who may not choose a database is told so', async () => {
      await using server = await OwnServer.start(like)
      await using client = connected(server.url)
      await client.call('acl', 'setuser', 'app', 'on', '>pw', '~*', '+@all', '-select')
      const url = `${server.url.replace('redis://', 'redis://app:pw@')}/1`
      await assert.rejects(async () => opened(url), { code: 'MISSING_GRANT', message: /ACL SETUSER app \+select/ })
    })

    test('a user who may touch one prefix only is told which keys are lacking', async () => {
      await using server = await OwnServer.start(like)
      await using client = connected(server.url)
      await client.call('acl', 'setuser', 'app', 'on', '>pw', '~test:*', '+@all')
      const url = `${server.url.replace('redis://', 'redis://app:pw@')}/1`
      await assert.rejects(async () => opened(url, { prefix: 'test:' }), {
        code: 'MISSING_GRANT',
        message: /~venomqa:\*/,
      })
      await client.call('acl', 'setuser', 'app', '~venomqa:*')
      const world = await World.open({ systems: { cache: redis(url, { prefix: 'test:' }) } })
      await world.close()
    })

    test('exact asks for the rights of a replica', async () => {
      await using server = await OwnServer.start(like)
      await using client = connected(server.url)
      await client.call('acl', 'setuser', 'app', 'on', '>pw', '~*', '+@all', '-psync', '-replconf')
      const url = `${server.url.replace('redis://', 'redis://app:pw@')}/1`
      await assert.rejects(async () => opened(url, { way: 'exact' }), {
        code: 'MISSING_GRANT',
        message: /\+psync \+replconf/,
      })
      await client.call('acl', 'setuser', 'app', '+psync', '+replconf')
      await opened(url, { way: 'exact' })
    })

    test('a server that has reached its maxmemory gets room first, and says so when that is not enough', async () => {
      await using server = await OwnServer.start(like)
      const url = `${server.url}/1`
      await using client = connected(url)
      const world = await World.open({ systems: { cache: redis(url) } })
      await client.set('big', 'x'.repeat(1_000_000))
      const mark = await world.checkpoint('mark')
      await client.set('big', 'y'.repeat(3_000_000))
      const used = Number(/used_memory:(\d+)/.exec(await client.info('memory'))?.[1])
      await client.config('SET', 'maxmemory', used - 500_000)
      await world.rollback(mark)
      assert.equal(await client.strlen('big'), 1_000_000)
      await client.del('big')
      await client.config('SET', 'maxmemory', 1)
      await assert.rejects(async () => world.rollback(mark), { code: 'TOO_LARGE', message: /maxmemory/ })
      await client.config('SET', 'maxmemory', 0)
      await world.recover(mark)
      assert.equal(await client.strlen('big'), 1_000_000)
      await world.close()
    })

    test('after a rollback that failed half way every mark can be gone to', async () => {
      await using server = await OwnServer.start(like)
      const url = `${server.url}/1`
      await using client = connected(url)
      const world = await World.open({ systems: { cache: redis(url) } })
      await client.mset({ big: 'x'.repeat(1_000_000), small: '1' })
      const one = await world.checkpoint('one')
      await client.set('big', 'y'.repeat(1_000_000))
      const two = await world.checkpoint('two')
      await client.set('small', '2')
      await client.config('SET', 'maxmemory', 1)
      await assert.rejects(async () => world.rollback(one), { code: 'TOO_LARGE' })
      await client.config('SET', 'maxmemory', 0)
      await world.recover(two)
      assert.deepEqual([(await client.get('big'))?.[0], await client.get('small')], ['y', '1'])
      await world.close()
    })

    test('a server that may evict keys is told of', async () => {
      await using server = await OwnServer.start(like, '--maxmemory', '100mb', '--maxmemory-policy', 'allkeys-lru')
      assert.match((await opened(`${server.url}/1`)).join(), /allkeys-lru[^]*noeviction/)
    })

    test('a unix socket', async () => {
      await using server = await OwnServer.start(like, '--unixsocket', './s')
      await opened(`unix://${join(server.folder, 's')}?db=1`)
    })

    test('too many keys are refused with an estimate, before they are copied', async () => {
      await using server = await OwnServer.start(like)
      const url = `${server.url}/1`
      await using client = connected(url)
      await client.eval("for i = 1, 5000 do redis.call('set', 'k' .. i, string.rep('x', 1000)) end", 0)
      await assert.rejects(async () => opened(url, { maxKeys: 4000 }), {
        code: 'TOO_LARGE',
        message: /about 5000 keys and \d\.\d MB[^]*allowed are 4000 keys[^]*maxKeys: 5[56]00/,
      })
      await assert.rejects(async () => opened(url, { maxBytes: 10_000 }), {
        code: 'TOO_LARGE',
        message: /maxBytes: \d+/,
      })
      await assert.rejects(async () => opened(url, { maxKeys: 2000, prefix: 'k' }), { code: 'TOO_LARGE' })
      await opened(url, { maxKeys: 5000 })
    })

    test('TLS, with a certificate that is checked', async ({ skip }) => {
      const folder = certified()
      if (!folder) skip('openssl is not here')
      const files = ['--tls-cert-file', `${folder}/cert.pem`, '--tls-key-file', `${folder}/key.pem`]
      await using server = await OwnServer.start(like, '--tls-auth-clients', 'no', ...files)
      await using client = connected(server.url)
      const port = String(server.port + 1)
      const set = await client.config('SET', 'tls-port', port).catch((error: Error) => error.message)
      if (set !== 'OK') skip(`this server was built without TLS (${String(set)})`)
      const url = `rediss://localhost:${port}/1`
      await assert.rejects(async () => opened(url), { code: 'CONNECTION_REFUSED', message: /SELF_SIGNED/ })
      await opened(url, { tls: { ca: readFileSync(`${folder}/cert.pem`) } })
      await assert.rejects(async () => opened(`redis://localhost:${port}/1`), { code: 'CONNECTION_REFUSED' })
    })
  })
})

describeEach((like) => {
  test('an older or newer server is told by its own name', async () => {
    const system = redis(like, { prefix: 'named:' })
    await system.open?.({ id: '1', runner: 'none', runId: 'test', notice: () => {} })
    assert.match(
      system.way,
      /^tracked: .*; (Redis|Valkey) \d+\.\d+\.\d+ at .*, database 0, keys "named:\*"; expiry frozen$/,
    )
    await system.close?.()
  })
})

function connected(url: string): Redis & AsyncDisposable {
  const client = new Redis(url)
  return Object.assign(client, { [Symbol.asyncDispose]: async () => client.disconnect() })
}

/** A folder with a certificate for localhost that signed itself. */
function certified(): string | undefined {
  const folder = mkdtempSync(join(tmpdir(), 'venomqa-redis-tls-'))
  const subject = ['-subj', '/CN=localhost', '-addext', 'subjectAltName=DNS:localhost', '-days', '2', '-nodes']
  const out = ['-keyout', join(folder, 'key.pem'), '-out', join(folder, 'cert.pem')]
  try {
    execFileSync('openssl', ['req', '-x509', '-newkey', 'rsa:2048', ...subject, ...out], { stdio: 'ignore' })
    return folder
  } catch {
    return undefined
  }
}
