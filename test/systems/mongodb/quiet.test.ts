import assert from 'node:assert/strict'
import { setTimeout as sleep } from 'node:timers/promises'
import type { Collection } from 'mongodb'
import { test } from 'vitest'
import { World } from '../../../src/world.ts'
import { mongodb, type MongodbMark, type MongodbSystem } from '../../../src/systems/mongodb/index.ts'
import { describeServer } from '../../servers/server.ts'
import { Application } from './application.ts'
import { Place } from './place.ts'

describeServer('mongodb', (server) => {
  test('a transaction that stays open is named, at a checkpoint and at a rollback', async () => {
    await using place = await Place.make(server)
    await using application = await Application.start(place.url, 'orders-api')
    await place.db.createCollection('orders')
    const system = await place.open({ settle: 100 })
    const mark = await system.checkpoint('mark')
    const transaction = await application.begin(place.db.databaseName)
    await transaction.run({ insert: 'orders', documents: [{ _id: 1 }] })
    const named =
      /a transaction is open, and was after 100 ms too: application "orders-api", at 127\.0\.0\.1:\d+, session [-0-9a-f]{36}, for \d+ ms/
    const refusal = { code: 'NOT_QUIET', retryable: true, message: named }
    await assert.rejects(async () => system.checkpoint('another'), refusal)
    await assert.rejects(async () => system.rollback(mark), refusal)
    await transaction.end('commit')
    await system.rollback(mark)
    assert.equal(await place.db.collection('orders').countDocuments(), 0)
  })

  test('a transaction that ends soon is waited for', async () => {
    await using place = await Place.make(server)
    await using application = await Application.start(place.url)
    await place.db.createCollection('orders')
    const system = await place.open({ settle: 20_000 })
    const mark = await system.checkpoint('mark')
    const transaction = await application.begin(place.db.databaseName)
    await transaction.run({ insert: 'orders', documents: [{ _id: 1 }] })
    const rolledBack = system.rollback(mark)
    await sleep(50)
    await transaction.end('commit')
    await rolledBack
    assert.equal(await place.db.collection('orders').countDocuments(), 0)
  })

  test('an application that calls itself by the name of a database that another world has is not waited for', async () => {
    await using place = await Place.make(server)
    await using other = await Place.make(server)
    await other.db.createCollection('orders')
    const [system] = [await place.open({ settle: 100 }), await other.open()]
    await using application = await Application.start(other.url, other.db.databaseName)
    const transaction = await application.begin(other.db.databaseName)
    await transaction.run({ insert: 'orders', documents: [{ _id: 1 }] })
    await system.rollback(await system.checkpoint('mark'))
    await transaction.end('abort')
  })

  test('a write to many documents in flight at the checkpoint is kept or undone as a whole', async () => {
    await using place = await Place.make(server)
    await using application = await Application.start(place.url)
    const counters = place.db.collection<{ _id: number; n: number }>('counters')
    await counters.insertMany(Array.from({ length: 20_000 }, (_, _id) => ({ _id, n: 0 })))
    const system = await place.open({ settle: 60_000 })
    for (const delay of [1, 10, 30]) {
      const update = { update: 'counters', updates: [{ q: {}, u: { $inc: { n: 1 } }, multi: true }] }
      const writing = application.run(place.db.databaseName, update)
      await sleep(delay)
      const mark = await system.checkpoint('in flight')
      await writing
      await counters.updateOne({ _id: 1 }, { $inc: { n: 5 } })
      await system.rollback(mark)
      assert.equal((await counters.distinct('n')).length, 1)
      system.release?.(mark)
    }
  })

  test('no write that was acknowledged before a mark is lost, none that was sent after it stays', async () => {
    await using place = await Place.make(server)
    await using application = await Application.start(place.url)
    const name = place.db.databaseName
    await place.db.createCollection('log')
    const system = await place.open({ settle: 10_000 })
    for (let round = 0; round < 5; round += 1) {
      let stop = false
      const acknowledged = [-1, -1, -1]
      const sent = [-1, -1, -1]
      const writers = acknowledged.map(async (_, writer) => {
        for (let n = 0; !stop; n += 1) {
          sent[writer] = n
          await application.run(name, { insert: 'log', documents: [{ round, writer, n }] })
          acknowledged[writer] = n
        }
      })
      await sleep(20)
      const before = [...acknowledged]
      const mark = await system.checkpoint('among writers')
      const after = [...sent]
      await sleep(20)
      stop = true
      await Promise.all(writers)
      await system.rollback(mark)
      for (const writer of [0, 1, 2]) {
        const kept = (await place.db.collection('log').find({ round, writer }).toArray()).map(({ n }) => Number(n))
        assert.deepEqual(
          kept.toSorted((a, b) => a - b),
          kept.map((_, n) => n),
          'nothing is missing in between',
        )
        assert.ok(kept.length > (before[writer] ?? 0), `${kept.length} kept of ${before[writer]} acknowledged`)
        assert.ok(kept.length <= (after[writer] ?? 0) + 1, `${kept.length} kept of ${after[writer]} sent`)
      }
    }
  })

  test('what is written while a rollback runs is undone too, or the rollback is refused', async () => {
    await using place = await Place.make(server)
    await using application = await Application.start(place.url)
    const name = place.db.databaseName
    const counters = place.db.collection<{ _id: number; n: number }>('counters')
    await counters.insertMany(Array.from({ length: 400 }, (_, _id) => ({ _id, n: 0 })))
    const system = await place.open({ settle: 10_000 })
    const mark = await system.checkpoint('mark')
    for (let round = 0; round < 10; round += 1) {
      await counters.updateMany({}, { $inc: { n: 1 } })
      const update = { update: 'counters', updates: [{ q: { _id: 7 }, u: { $inc: { n: 1 } } }] }
      const writing = (async () => {
        for (let count = 0; count < 6; count += 1) await application.run(name, update)
      })()
      await undoneOrTold(system, mark, counters, writing)
    }
  })

  test('a stray write to another document while one document is put back is undone too, or told', async () => {
    await using place = await Place.make(server)
    await using application = await Application.start(place.url)
    const name = place.db.databaseName
    const counters = place.db.collection<{ _id: number; n: number }>('counters')
    await counters.insertMany([1, 2, 3].map((_id) => ({ _id, n: 0 })))
    const system = await place.open({ settle: 10_000 })
    const mark = await system.checkpoint('mark')
    const update = { update: 'counters', updates: [{ q: { _id: 2 }, u: { $inc: { n: 1 } } }] }
    for (let round = 0; round < 40; round += 1) {
      await counters.updateOne({ _id: 1 }, { $inc: { n: 1 } })
      // Every second time it was set back already, so that putting it back writes nothing.
      if (round % 2 === 1) await counters.updateOne({ _id: 1 }, { $inc: { n: -1 } })
      const writing = (async () => {
        await sleep(round % 4)
        for (let count = 0; count < 2; count += 1) await application.run(name, update)
      })()
      await undoneOrTold(system, mark, counters, writing)
    }
  })

  test('a document that a transaction of this moment holds does not block a rollback for ever', async () => {
    await using place = await Place.make(server)
    await place.db.collection('stock').insertOne({ _id: 'lamp' as never, left: 5 })
    await using world = await World.open({ systems: { db: mongodb(place.url, { settle: 50 }) } })
    const mark = await world.checkpoint('mark')
    await place.db.collection('stock').updateOne({}, { $set: { left: 4 } })
    await using session = place.client.startSession()
    session.startTransaction()
    await place.db.collection('stock').updateOne({}, { $set: { left: 3 } }, { session })
    await assert.rejects(async () => world.rollback(mark), { code: 'NOT_QUIET' })
    await session.abortTransaction()
    await world.recover(mark)
    assert.deepEqual(await place.db.collection('stock').distinct('left'), [5])
  })
})

/** Goes back while somebody writes: whatever is left of that must be told, else nobody would undo it. */
async function undoneOrTold(
  system: MongodbSystem,
  mark: MongodbMark,
  counters: Collection<{ _id: number; n: number }>,
  writing: Promise<void>,
): Promise<void> {
  const [back] = await Promise.allSettled([system.rollback(mark), writing])
  if (back.status === 'rejected') assert.match(String(back.reason), /kept writing/)
  const left = await counters.find({ n: { $ne: 0 } }).toArray()
  const told = (await system.changes(mark)).flatMap(({ updated }) => updated.map(({ after }) => after['n']))
  assert.deepEqual(
    told,
    left.map(({ n }) => n),
  )
  await system.rollback(mark)
  assert.deepEqual(await counters.distinct('n'), [0])
}
