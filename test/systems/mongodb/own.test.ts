// What takes a server of its own: to kill it, to shorten its past, to have users on it.
import assert from 'node:assert/strict'
import { setTimeout as sleep } from 'node:timers/promises'
import { runInNewContext } from 'node:vm'
import { type Db, MongoClient } from 'mongodb'
import { describe, test } from 'vitest'
import { mongodb, type MongodbOptions, type MongodbSystem } from '../../../src/systems/mongodb/index.ts'
import { World } from '../../../src/world.ts'
import { describeServer } from '../../servers/server.ts'
import { kill, runner } from './killed.ts'
import { canStartOwn, OwnServer } from './own-server.ts'

describeServer('mongodb', (like) => {
  describe('a server of its own', { timeout: 120_000 }, () => {
    test.beforeEach(async ({ skip }) => {
      if (!(await canStartOwn(like))) skip('the server runs elsewhere')
    })

    test('marks outlive a server that is killed, and its settings are ours again', async () => {
      await using server = await OwnServer.start(like, [])
      const { db, client } = await connected(server.url('shop_test'))
      const orders = db.collection<{ _id: number; n: number }>('orders')
      await orders.insertMany(
        [1, 2, 3].map((_id) => ({ _id, n: 0 })),
        { writeConcern: { w: 'majority' } },
      )
      const system = await open(server.url('shop_test'))
      const mark = await system.checkpoint('mark')
      await orders.updateMany({}, { $inc: { n: 1 } }, { writeConcern: { w: 'majority' } })
      await db.createCollection('later')
      await orders.drop()
      await server.restart()
      await system.rollback(mark)
      assert.deepEqual(await orders.distinct('n'), [0])
      assert.equal(await orders.countDocuments(), 3)
      await orders.updateMany({}, { $inc: { n: 1 } })
      await system.rollback(mark)
      assert.deepEqual(await orders.distinct('n'), [0])
      const { ttlMonitorEnabled } = await db.admin().command({ getParameter: 1, ttlMonitorEnabled: 1 })
      assert.equal(ttlMonitorEnabled, false)
      await system.close?.()
      await client.close()
    })

    test('no document goes by itself while a world is open', async () => {
      await using server = await OwnServer.start(like, ['--setParameter', 'ttlMonitorSleepSecs=1'])
      const { db, client } = await connected(server.url('shop_test'))
      const system = await open(server.url('shop_test'))
      await db.collection('sessions').createIndex({ at: 1 }, { expireAfterSeconds: 0 })
      await db.collection('sessions').insertOne({ at: new Date(0) })
      await sleep(2500)
      assert.equal(await db.collection('sessions').countDocuments(), 1)
      await system.close?.()
      for (let tries = 0; tries < 100 && (await db.collection('sessions').countDocuments()) > 0; tries += 1)
        await sleep(100)
      assert.equal(await db.collection('sessions').countDocuments(), 0)
      await client.close()
    })

    test('a mark past the window is refused with what makes it last', async () => {
      const settings = ['--setParameter', 'minSnapshotHistoryWindowInSeconds=1']
      await using server = await OwnServer.start(like, settings)
      const { db, client } = await connected(server.url('shop_test'))
      await db.collection('orders').insertOne({ n: 1 })
      const system = await open(server.url('shop_test'))
      const mark = await system.checkpoint('mark')
      await db.collection('orders').updateMany({}, { $inc: { n: 1 } })
      // What is forgotten moves on with what is written.
      for (const wait of [2500, 500, 500]) {
        await sleep(wait)
        await db.collection('orders').updateMany({}, { $inc: { n: 1 } }, { writeConcern: { w: 'majority' } })
      }
      await assert.rejects(async () => system.rollback(mark), {
        code: 'MARK_LOST',
        message: /no longer knows how the data was[^]*--setParameter minSnapshotHistoryWindowInSeconds=3600/,
      })
      await system.close?.()
      await client.close()
    })

    test('a mark that becomes old stays readable: the window is widened, and narrowed again', async () => {
      await using server = await OwnServer.start(like, ['--setParameter', 'minSnapshotHistoryWindowInSeconds=6'])
      const { db, client } = await connected(server.url('shop_test'))
      const window = async (): Promise<number> =>
        Number((await db.admin().command({ getParameter: 1, [WINDOW]: 1 }))[WINDOW])
      await db.collection('orders').insertOne({ n: 1 })
      const system = await open(server.url('shop_test'))
      const mark = await system.checkpoint('mark')
      await sleep(3200)
      // Time goes by what is written, here as in the server.
      await db.collection('orders').insertOne({ n: 1 })
      await system.checkpoint('another')
      assert.ok((await window()) > 6)
      await sleep(3500)
      await db.collection('orders').updateMany({}, { $inc: { n: 1 } })
      await system.rollback(mark)
      assert.deepEqual(await db.collection('orders').distinct('n'), [1])
      await system.close?.()
      assert.equal(await window(), 6)
      await client.close()
    })

    test('settings of the server are put back by the last world, also after one that was killed', async () => {
      await using server = await OwnServer.start(like, [])
      const { db, client } = await connected(server.url('shop_test'))
      const monitor = async (): Promise<unknown> =>
        (await db.admin().command({ getParameter: 1, ttlMonitorEnabled: 1 }))['ttlMonitorEnabled']
      const other = await open(server.url('other_test'))
      await kill(await runner(server.url('shop_test')))
      assert.equal(await monitor(), false)
      const system = await open(server.url('shop_test'), { settle: 10_000 })
      await system.close?.()
      assert.equal(await monitor(), false)
      await other.close?.()
      assert.equal(await monitor(), true)
      const several = await Promise.all([1, 2, 3].map((number) => open(server.url(`shop_${number}_test`))))
      await Promise.all(several.map(async (one) => one.close?.()))
      assert.equal(await monitor(), true)
      const { databases } = await db.admin().listDatabases({ nameOnly: true })
      assert.ok(!databases.some(({ name }) => name === 'venomqa'))
      await client.close()
    })

    for (const way of ['past', 'stream'] as const) {
      test(`the role that a refusal prints is enough: ${way}`, async () => {
        await using server = await OwnServer.start(like, [], { users: true })
        const { db, client } = await connected(server.url('shop_test', 'root'))
        await db.collection('orders').insertOne({ _id: 1 as never, n: 1 })
        await db.admin().command({ createUser: 'owner', pwd: 'owner', roles: [] })
        const url = server.url('shop_test', 'owner')
        const refusal = await refusedTo(url, { way })
        assert.equal(/oplog\.rs", *\}|collection: "oplog\.rs"/.test(refusal), way === 'past')
        await runInShell(client, refusal)
        await using world = await World.open({ systems: { db: mongodb(url, { way }) }, verify: 'always' })
        const mark = await world.checkpoint('mark')
        await db.collection('orders').updateOne({}, { $set: { n: 2 } })
        await db.collection('orders').createIndex({ n: 1 })
        await db.collection('more').insertOne({})
        await db.createCollection('view', { viewOn: 'orders', pipeline: [] })
        await world.rollback(mark)
        assert.deepEqual(await db.collection('orders').find().toArray(), [{ _id: 1, n: 1 }])
        assert.deepEqual(
          (await db.listCollections().toArray()).map(({ name }) => name),
          ['orders'],
        )
        await client.close()
      })
    }

    test('less than that is refused by name', async () => {
      await using server = await OwnServer.start(like, [], { users: true })
      const { db, client } = await connected(server.url('shop_test', 'root'))
      await db.collection('orders').insertOne({ _id: 1 as never, n: 1 })
      const admin = client.db('admin')
      const roles = {
        application: [{ role: 'readWrite', db: 'shop_test' }],
        owner: [{ role: 'dbOwner', db: 'shop_test' }],
      }
      for (const [name, granted] of Object.entries(roles)) {
        await admin.command({ createUser: name, pwd: name, roles: granted })
      }
      const refusal = await refusedTo(server.url('shop_test', 'owner'))
      assert.match(refusal, /the user "owner" may not do what a rollback needs: .*find on local\.oplog\.rs/)
      assert.match(await refusedTo(server.url('shop_test', 'application')), /bypassDocumentValidation on shop_test/)
      await client.close()
    })
  })
})

const WINDOW = 'minSnapshotHistoryWindowInSeconds'

async function connected(url: string): Promise<{ client: MongoClient; db: Db }> {
  const client = await MongoClient.connect(url)
  return { client, db: client.db() }
}

async function open(url: string, options: MongodbOptions = {}): Promise<MongodbSystem> {
  const system = mongodb(url, options)
  await system.open?.({ id: '1', runner: 'none', runId: 'run', notice: () => {} })
  return system
}

async function refusedTo(url: string, options: MongodbOptions = {}): Promise<string> {
  const error = await open(url, options).then(
    () => assert.fail('it was let in'),
    (refused: Error & { code?: string }) => refused,
  )
  assert.equal(error.code, 'MISSING_GRANT', error.message)
  return error.message
}

/** Runs the statements of a message, which are for mongosh: what we need of its `db` is little. */
async function runInShell(client: MongoClient, message: string): Promise<void> {
  const statements = message.slice(message.indexOf('db.getSiblingDB'))
  const calls: Promise<unknown>[] = []
  const db = {
    getSiblingDB: (name: string) => ({
      createRole: ({ role, ...rest }: { role: string }) =>
        calls.push(client.db(name).command({ createRole: role, ...rest })),
      grantRolesToUser: (user: string, roles: string[]) =>
        calls.push(Promise.all(calls).then(() => client.db(name).command({ grantRolesToUser: user, roles }))),
    }),
  }
  runInNewContext(statements, { db })
  await Promise.all(calls)
}
