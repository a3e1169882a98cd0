import assert from 'node:assert/strict'
import { setTimeout as sleep } from 'node:timers/promises'
import { Cluster, Redis } from 'ioredis'
import { test } from 'vitest'
import { redis, type RedisMark } from '../../../src/systems/redis/index.ts'
import { describeEach } from './each.ts'
import { canStartOwn, OwnServer } from './own-server.ts'

const SLOTS = 16_384
const MASTERS = 3

describeEach((like) => {
  for (const way of ['tracked', 'full'] as const) {
    test(`${way}: the keys of every master of a Cluster come back`, async ({ skip }) => {
      if (!(await canStartOwn(like))) skip('the server runs elsewhere')
      await using servers = new AsyncDisposableStack()
      const nodes: OwnServer[] = []
      for (let node = 0; node < MASTERS; node += 1) {
        const own = await OwnServer.start(like, '--databases', '1', '--cluster-enabled', 'yes')
        nodes.push(servers.use(own))
      }
      await formed(nodes)
      const [first] = nodes as [OwnServer]
      const client = new Cluster([{ host: '127.0.0.1', port: first.port }])
      servers.defer(() => client.disconnect())
      const system = redis(first.url, { way })
      await system.open?.({ id: '1', runner: 'none', runId: 'test', notice: () => {} })
      for (let key = 0; key < 60; key += 1) await client.set(`k${key}`, 'old')
      const mark = (await system.checkpoint('mark')) as RedisMark
      for (let key = 0; key < 60; key += 2) await client.set(`k${key}`, 'new')
      await client.del('k1', 'k3').catch(() => Promise.all([client.del('k1'), client.del('k3')]))
      await client.set('fresh', '1')
      const changed = (await system.changes(mark)).map(({ key }) => key)
      assert.equal(changed.length, 33)
      assert.ok(['k0', 'k1', 'k3', 'fresh'].every((key) => changed.includes(key)))
      await system.rollback(mark)
      assert.deepEqual(await system.changes(mark), [])
      for (let key = 0; key < 60; key += 1) assert.equal(await client.get(`k${key}`), 'old')
      assert.equal(await client.exists('fresh'), 0)
      await system.close?.()
      for (const { url } of nodes) {
        const node = new Redis(url)
        assert.deepEqual(await node.keys('venomqa*'), [])
        node.disconnect()
      }
    })
  }

  test('what a Cluster cannot do is refused by name', async ({ skip }) => {
    if (!(await canStartOwn(like))) skip('the server runs elsewhere')
    await using node = await OwnServer.start(like, '--databases', '1', '--cluster-enabled', 'yes')
    await formed([node])
    const system = redis(node.url, { way: 'exact' })
    const opening = async (): Promise<void> =>
      system.open?.({ id: '1', runner: 'none', runId: 'test', notice: () => {} })
    await assert.rejects(opening, { code: 'UNSUPPORTED', message: /way: 'exact' does not work in a Cluster/ })
  })
})

/** Makes a Cluster of single servers, each with its share of the slots. */
async function formed(nodes: readonly OwnServer[]): Promise<void> {
  const clients = nodes.map(({ url }) => new Redis(url, { enableReadyCheck: false }))
  const share = Math.ceil(SLOTS / nodes.length)
  for (const [index, client] of clients.entries()) {
    const last = Math.min(SLOTS, (index + 1) * share) - 1
    const slots = Array.from({ length: last + 1 - index * share }, (_, slot) => index * share + slot)
    await client.cluster('ADDSLOTS', ...slots)
    await client.call('cluster', 'set-config-epoch', String(index + 1))
  }
  for (const { port } of nodes.slice(1)) await clients[0]?.call('cluster', 'meet', '127.0.0.1', String(port))
  const ready = async (client: Redis): Promise<boolean> => {
    const info = String(await client.call('cluster', 'info'))
    return info.includes('cluster_state:ok') && info.includes(`cluster_known_nodes:${nodes.length}`)
  }
  for (const client of clients) while (!(await ready(client))) await sleep(50)
  for (const client of clients) client.disconnect()
}
