import assert from 'node:assert/strict'
import * as mongo from 'mongodb'
import {
  Binary,
  Code,
  Decimal128,
  Double,
  Int32,
  Long,
  MaxKey,
  MinKey,
  MongoClient,
  ObjectId,
  Timestamp,
  UUID,
} from 'mongodb'
import { test } from 'vitest'
import { canonical } from '../../../src/explore/canonical.ts'
import { explore, from, ids, reportText, time } from '../../../src/explore/index.ts'
import { mongodb, type MongodbOptions } from '../../../src/systems/mongodb/index.ts'
import { Oplog } from '../../../src/systems/mongodb/oplog.ts'
import { Scope } from '../../../src/systems/mongodb/scope.ts'
import { Store } from '../../../src/systems/mongodb/store.ts'
import { World } from '../../../src/world.ts'
import { describeServer } from '../../servers/server.ts'
import { Place } from './place.ts'

describeServer('mongodb', (server) => {
  test('changes() shows documents as the driver does, of updated ones the fields that differ', async () => {
    await using place = await Place.make(server)
    const orders = place.db.collection<{ _id: ObjectId; status: string; at: Date }>('orders')
    const [first, second] = [new ObjectId(), new ObjectId()]
    await orders.insertMany([
      { _id: first, status: 'paid', at: new Date(0) },
      { _id: second, status: 'paid', at: new Date(1) },
    ])
    const system = await place.open()
    const mark = await system.checkpoint('mark')
    await orders.updateOne({ _id: first }, { $set: { status: 'refunded' } })
    await orders.deleteOne({ _id: second })
    assert.deepEqual(await system.changes(mark), [
      {
        collection: 'orders',
        inserted: [],
        updated: [{ key: { _id: first }, before: { status: 'paid' }, after: { status: 'refunded' } }],
        deleted: [{ _id: second, status: 'paid', at: new Date(1) }],
      },
    ])
    await orders.updateOne({ _id: first }, { $set: { status: 'paid' } })
    await orders.insertOne({ _id: second, status: 'paid', at: new Date(1) })
    assert.deepEqual(await system.changes(mark), [])
  })

  test('changes() and observe() tell of collections, indexes, options and views', async () => {
    await using place = await Place.make(server)
    await place.db.createCollection('orders')
    await place.db.createCollection('gone')
    const system = await place.open()
    const before = await system.observe()
    const mark = await system.checkpoint('mark')
    await place.db.collection('orders').createIndex({ n: 1 })
    await place.db.collection('gone').rename('moved')
    await place.db.createCollection('made', { capped: true, size: 4096 })
    await place.db.createCollection('view', { viewOn: 'orders', pipeline: [] })
    const [collections, views] = await system.changes(mark)
    assert.deepEqual(
      collections?.inserted.map(({ collection }) => collection),
      ['made'],
    )
    assert.deepEqual(
      collections?.updated.map(({ after }) => String(after['collection'])).toSorted((a, b) => a.localeCompare(b)),
      ['moved', 'orders'],
    )
    assert.deepEqual(
      views?.inserted.map(({ viewOn }) => viewOn),
      ['orders'],
    )
    assert.notDeepEqual(await system.observe(), before)
    await system.rollback(mark)
    assert.deepEqual(await system.observe(), before)
    assert.deepEqual(await system.changes(mark), [])
  })

  test('observe() shows documents as data, so that normalisers and people find their way in them', async () => {
    await using place = await Place.make(server)
    const [_id, of] = [new ObjectId(), new ObjectId()]
    const at = new Date(0)
    await place.db.collection('orders').insertOne({ _id, of, at, lines: [{ n: 1, price: 1.5 }], paid: true, by: null })
    const { data } = await (await place.open()).observe()
    const { collections } = data as { collections: Map<string, { documents: unknown }> }
    assert.deepEqual(collections.get('orders')?.documents, [
      { _id: String(_id), of: String(of), at, lines: [{ n: 1, price: 1.5 }], paid: true, by: null },
    ])
  })

  test('observe() tells values of different types and many documents apart', async () => {
    await using place = await Place.make(server)
    const values = place.db.collection<{ _id: number; v?: unknown }>('values')
    await values.insertOne({ _id: 1 })
    const system = await place.open()
    const seen = new Set<string>()
    const look = async (): Promise<void> => void seen.add(canonical((await system.observe()).data))
    const id = new ObjectId()
    const uuid = '0190a4b6-0000-7000-8000-000000000000'
    const numbers = [new Int32(1), new Double(1), new Int32(0), new Double(-0), NaN, Infinity, 2 ** 40, 1.5]
    const large = [
      Long.fromNumber(1),
      Long.fromNumber(2 ** 40),
      Decimal128.fromString('1'),
      Decimal128.fromString('1.0'),
    ]
    const texts = [
      '1',
      'a',
      /a/,
      /a/i,
      id,
      id.toHexString(),
      new Binary(id.id),
      new UUID(uuid),
      uuid,
      Buffer.from(uuid),
    ]
    const others = [true, null, undefined, new Date(1), new Timestamp({ t: 1, i: 0 }), new MinKey(), new MaxKey()]
    const nested = [[], {}, [[]], [{}], { a: 1 }, new Map([['__proto__', 1]]), new Code('a'), new Code('a', { b: 1 })]
    const dollars = [{ $a: 1 }, { $numberDouble: '1.0' }, { $string: id.toHexString() }, { $document: [['$a', 1]] }]
    const alike: readonly unknown[] = [...numbers, ...large, ...texts, ...others, ...nested, ...dollars]
    for (const v of alike) {
      await values.replaceOne({ _id: 1 }, { v }, { ignoreUndefined: true })
      await look()
    }
    assert.equal(seen.size, alike.length)
    await values.insertMany(Array.from({ length: 1200 }, (_, n) => ({ _id: n + 2, v: n })))
    await look()
    await values.updateOne({ _id: 700 }, { $set: { v: 'changed' } })
    await look()
    assert.equal(seen.size, alike.length + 2)
    await values.deleteMany({ _id: { $gt: 1 } })
    await look()
    assert.equal(seen.size, alike.length + 2)
  })

  test('an exploration takes ids that the application draws by the names that normalize gives them', async () => {
    await using place = await Place.make(server)
    const orders = place.db.collection('orders')
    await place.db.createCollection('orders')
    const context = (): { made: string[] } => ({ made: [] })
    await using world = await World.open({ systems: { db: mongodb(place.url) }, context })
    const report = await explore(
      world,
      {
        actions: {
          order: {
            when: ({ ctx }) => ctx.made.length < 2,
            run: async ({ ctx }) => {
              const { insertedId } = await orders.insertOne({ at: new Date(), paid: false })
              ctx.made.push(insertedId.toHexString())
            },
          },
          pay: {
            params: { order: from(({ ctx }: { ctx: { made: string[] } }) => ctx.made) },
            run: (_, { order }) => orders.updateOne({ _id: new ObjectId(String(order)) }, { $set: { paid: true } }),
          },
        },
      },
      {
        strategy: 'bfs',
        normalize: [ids({ order: ['db.collections.orders.documents.*._id', 'ctx.made.*'] }), time({ keep: 'nothing' })],
      },
    )
    assert.equal(report.verdict, 'exhausted', reportText(report))
    assert.equal(report.coverage.states, 7)
  })

  test('reset() empties all but migrations, or what it is told, and keeps indexes', async () => {
    await using place = await Place.make(server)
    const names = ['orders', 'people', 'migrations']
    const fill = (): Promise<unknown> => Promise.all(names.map((name) => place.db.collection(name).insertOne({})))
    const counts = (): Promise<number[]> => Promise.all(names.map((name) => place.db.collection(name).countDocuments()))
    await place.db.collection('orders').createIndex({ n: 1 })
    await place.db.createCollection('view', { viewOn: 'orders', pipeline: [] })
    const system = await place.open()
    await fill()
    await system.reset()
    assert.deepEqual(await counts(), [0, 0, 1])
    await fill()
    await system.reset({ only: ['orders', `${place.db.databaseName}.migrations`], except: ['migrations'] })
    assert.deepEqual(await counts(), [0, 1, 2])
    assert.equal((await place.db.collection('orders').indexes()).length, 2)
    await assert.rejects(async () => system.reset({ only: ['order'] }), {
      code: 'BAD_ARGUMENT',
      message: /There are: migrations, orders, people/,
    })
  })

  test('only the named databases and collections are touched', async () => {
    await using place = await Place.make(server)
    await using other = await Place.make(server)
    const { db } = place
    const system = await place.open({ collections: ['orders', 'series'] })
    const mark = await system.checkpoint('mark')
    for (const name of ['orders', 'people']) await db.collection(name).insertOne({})
    await other.db.collection('orders').insertOne({})
    await db.createCollection('series', { timeseries: { timeField: 'at' } })
    await db.createCollection('view', { viewOn: 'orders', pipeline: [] })
    await db
      .collection('people')
      .aggregate([{ $out: 'orders' }])
      .toArray()
    await system.rollback(mark)
    const left = (await db.listCollections().toArray()).map(({ name }) => name)
    assert.deepEqual(left.filter((name) => !name.startsWith('system.')).toSorted(), ['people', 'view'])
    assert.equal(await other.db.collection('orders').countDocuments(), 1)
    await db.collection('people').rename('orders')
    await assert.rejects(async () => system.rollback(mark), {
      code: 'SCHEMA_CHANGED',
      message: /people was renamed to .*orders/,
    })
    await db.collection('orders').rename('people')
  })

  test('except leaves collections alone', async () => {
    await using place = await Place.make(server)
    const system = await place.open({ except: ['log'] })
    const mark = await system.checkpoint('mark')
    for (const name of ['orders', 'log']) await place.db.collection(name).insertOne({})
    await system.rollback(mark)
    assert.deepEqual(
      (await place.db.listCollections().toArray()).map(({ name }) => name),
      ['log'],
    )
  })

  const refusals: readonly (readonly [string, string, string, RegExp, MongodbOptions?])[] = [
    ['no database', '/', 'BAD_ARGUMENT', /neither the URL nor the options name a database/],
    ['a database of the server', '/admin', 'BAD_ARGUMENT', /"admin" is the server's/],
    ['a name that is not of tests', '/shop', 'NOT_A_TEST_DATABASE', /nothing proves that "shop" is a test database/],
    [
      'several templates',
      '/',
      'BAD_ARGUMENT',
      /perWorker copies one/,
      { perWorker: true, databases: ['a_test', 'b_test'] },
    ],
  ]
  for (const [what, path, code, message, options] of refusals) {
    test(`refused before anything is written: ${what}`, async () => {
      const url = new URL(server)
      url.pathname = path
      const system = mongodb(url.href, options)
      await assert.rejects(async () => system.open?.(worker), { code, message })
    })
  }

  test('a URL that cannot be read is not shown, for its password', async () => {
    const system = mongodb('mongodb://user:secret/word@localhost/shop_test')
    await assert.rejects(
      async () => system.open?.(worker),
      (error: Error & { code?: string }) => {
        assert.equal(error.code, 'BAD_ARGUMENT')
        assert.doesNotMatch(`${error.message}${error.stack}`, /secret/)
        return true
      },
    )
  })

  test('a server that is not there is named', { timeout: 60_000 }, async () => {
    const system = mongodb('mongodb://127.0.0.1:1/shop_test')
    await assert.rejects(async () => system.open?.(worker), { code: 'CONNECTION_REFUSED', retryable: true })
  })

  test('the handle is a Db of the driver, and the way says what it does', async () => {
    await using place = await Place.make(server)
    const system = await place.open()
    assert.equal(system.handle.databaseName, place.db.databaseName)
    assert.match(system.way, /^past: .* at 127\.0\.0\.1$/)
    const health = await system.ping?.()
    assert.equal(health?.ok, true)
    assert.match(String(health?.detail), /^MongoDB \d+\./)
    await system.close?.()
    assert.throws(() => system.handle, { code: 'NOT_OPEN' })
    const client = await MongoClient.connect(server)
    const left = await client
      .db('venomqa')
      .listCollections({ name: `lease.${place.db.databaseName}` })
      .toArray()
    assert.deepEqual(left, [])
    await client.close()
  })
})

describeServer('mongodb', (server) => {
  test('a mark before the oldest entry of the oplog is refused with what makes it longer', async () => {
    await using place = await Place.make(server)
    const store = await Store.open(mongo, server, 'a reader')
    const log = new Oplog(store, new Scope([place.db.databaseName], undefined), (uuid) => uuid)
    const { operationTime } = await store.ask('admin', { ping: 1 })
    await log.read(operationTime as Timestamp)
    await assert.rejects(async () => log.read(new Timestamp({ t: 1, i: 1 })), {
      code: 'MARK_LOST',
      message: /the oplog no longer reaches back to the mark[^]*replSetResizeOplog/,
    })
    await store.close()
  })

  test('stream refuses time series, which it would not see', async () => {
    await using place = await Place.make(server)
    const series = { timeseries: { timeField: 'at' } }
    const system = await place.open({ way: 'stream' })
    const mark = await system.checkpoint('mark')
    await place.db.createCollection('series', series)
    await assert.rejects(async () => system.rollback(mark), {
      code: 'UNSUPPORTED',
      message: /"series" is a time series/,
    })
    await system.close?.()
    await assert.rejects(async () => place.open({ way: 'stream' }), {
      code: 'UNSUPPORTED',
      message: /except: \['series'\]/,
    })
  })
})

describeServer('mongodb-standalone', (server) => {
  test('a standalone server is refused with both ways out', async () => {
    await using place = await Place.make(server)
    await assert.rejects(async () => place.open(), { code: 'UNSUPPORTED', message: /--replSet rs0[^]*way: 'copy'/ })
    await assert.rejects(async () => place.open({ way: 'copy', order: 'exact' }), { code: 'BAD_ARGUMENT' })
    assert.match((await place.open({ way: 'copy' })).way, /^copy: each mark copies/)
  })
})

const worker = { id: '1', runner: 'none', runId: 'run', notice: () => {} } as const
