import assert from 'node:assert/strict'
import { Redis } from 'ioredis'
import { describe, test } from 'vitest'
import { redis, type RedisOptions, type RedisSystem } from '../../../src/systems/redis/index.ts'
import { describeServer } from '../../servers/server.ts'
import { canStartOwn, OwnServer } from './own-server.ts'

async function open(url: string, id: string, options: RedisOptions): Promise<RedisSystem> {
  const system = redis(url, options)
  await system.open?.({ id, runner: 'vitest', runId: 'run', notice: () => {} })
  return system
}

describeServer('redis', (like) => {
  describe('a server of its own', () => {
    test.beforeEach(async ({ skip }) => {
      if (!(await canStartOwn(like))) skip('the server runs elsewhere')
    })

    test('perWorker gives each worker a database with the keys of the one in the URL', async () => {
      await using server = await OwnServer.start(like)
      const template = new Redis(`${server.url}/2`)
      await template.set('seed', '1')
      await template.set('session', 'ada', 'EX', 100)
      const [one, two] = await Promise.all(['1', '2'].map((id) => open(`${server.url}/2`, id, { perWorker: true })))
      assert.deepEqual([one?.url, two?.url], [`${server.url}/3`, `${server.url}/4`])
      const application = new Redis(one?.url ?? '')
      const mark = await one?.checkpoint('mark')
      assert.equal(await application.get('seed'), '1')
      assert.equal(await application.ttl('session'), 100)
      await application.set('seed', 'changed')
      assert.equal(await two?.handle.get('seed'), '1')
      assert.equal(await template.get('seed'), '1')
      await one?.rollback(mark as never)
      assert.equal(await application.get('seed'), '1')
      await one?.close?.()
      await two?.close?.()
      assert.equal(await application.dbsize(), 0)
      assert.equal(await template.dbsize(), 2)
      template.disconnect()
      application.disconnect()
    })

    test('two worlds are not in one database, also where there is no other client', async () => {
      await using server = await OwnServer.start(like)
      for (const options of [{}, { prefix: 'shop-test:' }]) {
        const one = await open(`${server.url}/1`, '1', options)
        const refused = { code: 'LEASED', message: /is in use by vitest worker 1|are in use by vitest worker 1/ }
        await assert.rejects(async () => open(`${server.url}/1`, '2', options), refused)
        await one.close?.()
        await (await open(`${server.url}/1`, '2', options)).close?.()
      }
    })

    test('perWorker does not take a database that has keys in it', async () => {
      await using server = await OwnServer.start(like)
      const taken = new Redis(`${server.url}/3`)
      await taken.set('precious', '1')
      await assert.rejects(async () => open(`${server.url}/2`, '1', { perWorker: true }), {
        code: 'NOT_A_TEST_DATABASE',
        message: /worker 1 would get .*, database 3, but 1 keys[^]*redis-cli -n 3 flushdb/,
      })
      assert.equal(await taken.get('precious'), '1')
      taken.disconnect()
    })

    test('a worker beyond the last database is told how to have more', async () => {
      await using server = await OwnServer.start(like, '--databases', '4')
      await assert.rejects(async () => open(`${server.url}/2`, '2', { perWorker: true }), {
        code: 'NOT_FOUND',
        message: /database 4[^]*--databases 64/,
      })
    })
  })

  test('a prefix for each worker keeps them apart in one database', async () => {
    const url = `${like}/14`
    const application = new Redis(url)
    await application.flushdb()
    const prefix = (worker: { readonly id: string }): string => `w${worker.id}:`
    const [one, two] = await Promise.all(['1', '2'].map((id) => open(url, id, { prefix })))
    const mark = await one?.checkpoint('mark')
    await application.mset({ 'w1:a': '1', 'w2:a': '1' })
    await one?.rollback(mark as never)
    assert.deepEqual(await application.keys('w*'), ['w2:a'])
    await assert.rejects(async () => open(url, '1', { prefix }), { code: 'LEASED' })
    await one?.close?.()
    await two?.close?.()
    await application.flushdb()
    application.disconnect()
  })
})
