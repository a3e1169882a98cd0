// Each of these went wrong once in some way of putting collections back.
import assert from 'node:assert/strict'
import { Readable } from 'node:stream'
import { finished } from 'node:stream/promises'
import { type Collection, type Document, Double, GridFSBucket, Int32, Long } from 'mongodb'
import { test } from 'vitest'
import { describeServer } from '../../servers/server.ts'
import type { MongodbMark, MongodbOptions, MongodbSystem } from '../../../src/systems/mongodb/index.ts'
import { assertSame, contentsOf } from './contents.ts'
import { Place } from './place.ts'
import { documents, embedded, int32, text, undefinedIn, Wire, yes, zeroTimestamp } from './wire.ts'

type Numbered = Document & { readonly _id: number }

describeServer('mongodb', (server) => {
  /** Checks that everything is as at the mark, after `change` was rolled back, twice. */
  async function undone(place: Place, change: () => Promise<unknown>, options: MongodbOptions = {}): Promise<void> {
    const system = await place.open(options)
    const name = place.db.databaseName
    const mark = await system.checkpoint('mark')
    const before = await contentsOf(place.client, [name], options.order === 'exact')
    for (const _ of [1, 2]) {
      await change()
      await system.rollback(mark)
      assertSame(await contentsOf(place.client, [name], options.order === 'exact'), before)
    }
    await system.close?.()
  }

  test('unique values that documents swapped', async () => {
    await using place = await Place.make(server)
    const users = place.db.collection<Numbered>('users')
    await users.createIndex({ email: 1 }, { unique: true })
    await users.insertMany(['a', 'b', 'c'].map((email, _id) => ({ _id, email })))
    await undone(place, async () => {
      await users.updateOne({ _id: 0 }, { $set: { email: 'aside' } })
      await users.updateOne({ _id: 1 }, { $set: { email: 'a' } })
      await users.updateOne({ _id: 0 }, { $set: { email: 'b' } })
      await users.deleteOne({ _id: 2 })
      await users.insertOne({ _id: 3, email: 'c' })
    })
  })

  test('documents that no driver writes any more: keys twice, undefined, names with $ and dots, a zero timestamp', async () => {
    await using place = await Place.make(server)
    const wire = await Wire.open(server)
    const strange = [int32('d', 1), int32('d', 2), undefinedIn('u'), int32('$dollar', 1), int32('a.b', 2)]
    const ids = [int32('_id', 1), embedded('_id', int32('a', 1), int32('a', 2)), embedded('_id', undefinedIn('u'))]
    const target = [text('insert', 'strange'), yes('bypassEmptyTsReplacement'), text('$db', place.db.databaseName)]
    await wire.send(...target, documents('documents', ...ids.map((id) => [id, ...strange, zeroTimestamp('ts')])))
    wire.close()
    assert.equal(await place.db.collection('strange').countDocuments(), 3)
    await undone(place, () => place.db.collection('strange').updateMany({}, { $set: { changed: 1 } }))
    await undone(place, () => place.db.collection('strange').deleteMany({}))
    await undone(place, () => place.db.collection('strange').drop())
  })

  test('an _id that became another type, and one whose keys look like numbers', async () => {
    await using place = await Place.make(server)
    const things = place.db.collection('things') as unknown as Collection<{ _id: unknown; n?: number }>
    const odd = new Map([
      ['2', 1],
      ['1', 2],
    ])
    await things.insertMany([{ _id: 2 }, { _id: odd }])
    await undone(place, async () => {
      await things.deleteOne({ _id: 2 as never })
      await things.insertOne({ _id: Long.fromNumber(2) })
      await things.updateOne({ _id: odd as never }, { $set: { n: 1 } })
    })
  })

  test('a collection whose name is that of a time series or of a view by now, and the other way round', async () => {
    const others = {
      'time series': { timeseries: { timeField: 't' } },
      view: { viewOn: 'goods', pipeline: [] },
      'view with a pipeline': { viewOn: 'goods', pipeline: [{ $match: { n: 1 } }] },
    }
    for (const options of Object.values(others)) {
      await using place = await Place.make(server)
      const { db } = place
      await db.collection('goods').insertOne({ n: 1 })
      await db.collection('things').insertOne({ n: 2 })
      await db.createCollection('other', options)
      await undone(place, async () => {
        await db.collection('things').drop()
        await db.createCollection('things', options)
      })
      await undone(place, async () => {
        await db.collection('other').drop()
        await db.collection('other').insertOne({ n: 3 })
      })
      await undone(place, async () => {
        await db.dropDatabase()
        await db.collection('goods').insertOne({ n: 4 })
        await db.createCollection('things', options)
        await db.collection('other').insertOne({ n: 5 })
      })
    }
  })

  test('values that were set back, and values that differ but are compared as equal', async () => {
    await using place = await Place.make(server)
    await place.db.createCollection('names', { collation: { locale: 'en', strength: 1 } })
    const names = place.db.collection<Numbered>('names')
    await names.insertMany([1, 2, 3].map((_id) => ({ _id, name: 'ada', n: new Int32(1), m: new Double(0) })))
    await undone(place, async () => {
      await names.updateMany({}, { $set: { name: 'bob' } })
      await names.updateMany({ _id: { $lt: 3 } }, { $set: { name: 'ada' } })
    })
    await undone(place, () => names.updateOne({ _id: 1 }, { $set: { name: 'Ada' } }))
    await undone(place, () => names.updateOne({ _id: 1 }, { $set: { n: new Double(1) } }))
    await undone(place, () => names.updateOne({ _id: 1 }, { $set: { m: new Double(-0) } }))
    await undone(place, () => names.replaceOne({ _id: 1 }, { m: 0, n: 1, name: 'ada' }))
  })

  test('an insert of a zero timestamp among others, in order', async () => {
    await using place = await Place.make(server)
    const wire = await Wire.open(server)
    const target = [text('insert', 'stamped'), yes('bypassEmptyTsReplacement'), text('$db', place.db.databaseName)]
    const zero = [7, 150].flatMap((id) => [[int32('_id', id), zeroTimestamp('ts')]])
    const stamped = place.db.collection<Numbered>('stamped')
    await stamped.insertMany(Array.from({ length: 300 }, (_, _id) => ({ _id })).filter(({ _id }) => _id % 143 !== 7))
    await wire.send(...target, documents('documents', ...zero))
    wire.close()
    await undone(place, () => stamped.deleteMany({ _id: { $gt: 5 } }))
    await undone(place, () => stamped.deleteMany({}), { order: 'exact' })
    await undone(place, () => stamped.drop(), { order: 'exact' })
  })

  test('a document that its validator refuses by now', async () => {
    await using place = await Place.make(server)
    await place.db.collection('people').insertOne({ name: 1 })
    await place.db.command({ collMod: 'people', validator: { name: { $type: 'string' } } })
    await undone(place, () => place.db.collection('people').updateMany({}, { $set: { name: 'ada' } }))
    await undone(place, () => place.db.collection('people').deleteMany({}))
  })

  test('an index without collation on a collection that has one, and an index that was hidden', async () => {
    await using place = await Place.make(server)
    await place.db.createCollection('names', { collation: { locale: 'fr', strength: 1 } })
    await place.db.collection('names').createIndex({ a: 1 }, { collation: { locale: 'simple' } })
    await place.db.collection('names').createIndex({ b: 1 }, { expireAfterSeconds: 86_400 })
    await undone(place, () => place.db.collection('names').dropIndexes())
    await undone(place, () => place.db.command({ collMod: 'names', index: { keyPattern: { a: 1 }, hidden: true } }))
    await undone(place, () => place.db.collection('names').drop())
    const expiry = { keyPattern: { b: 1 }, expireAfterSeconds: 90_000 }
    await undone(place, () => place.db.command({ collMod: 'names', index: expiry }))
  })

  test('a capped collection keeps its order, also when documents fell out of it', async () => {
    await using place = await Place.make(server)
    await place.db.createCollection('log', { capped: true, size: 4096, max: 4 })
    const log = place.db.collection('log')
    await log.insertMany([1, 2, 3].map((n) => ({ n })))
    await undone(place, () => log.insertMany([4, 5, 6].map((n) => ({ n }))))
    await undone(place, () => log.insertOne({ n: 4 }))
  })

  test('natural order, when it is asked for', async () => {
    await using place = await Place.make(server)
    const list = place.db.collection<Numbered>('list')
    await list.insertMany([3, 1, 2].map((_id) => ({ _id })))
    await undone(place, () => list.deleteOne({ _id: 3 }), { order: 'exact' })
  })

  test('names that went round, collections that were replaced, dropped and made again as something else', async () => {
    await using place = await Place.make(server)
    const { db } = place
    for (const name of ['a', 'b', 'c']) await db.collection(name).insertOne({ of: name })
    await db.createCollection('view', { viewOn: 'a', pipeline: [] })
    await undone(place, async () => {
      await db.collection('a').rename('aside')
      await db.collection('b').rename('a')
      await db.collection('aside').rename('b')
      await db.collection('a').insertOne({ late: 1 })
      await db
        .collection('a')
        .aggregate([{ $out: 'c' }])
        .toArray()
      await db.collection('view').drop()
      await db.createCollection('view', { capped: true, size: 4096 })
    })
    await undone(place, () => db.dropDatabase())
    await undone(place, () => db.command({ convertToCapped: 'a', size: 4096 }))
  })

  test('time series and files', async () => {
    await using place = await Place.make(server)
    const { db } = place
    await db.createCollection('series', { timeseries: { timeField: 'at', metaField: 'of' } })
    const at = (second: number): Date => new Date(1_700_000_000_000 + second * 1000)
    await db.collection('series').insertMany([1, 2, 3].map((n) => ({ at: at(n), of: n % 2, n })))
    const store = (): Promise<void> =>
      finished(Readable.from([Buffer.alloc(600_000, 'x')]).pipe(new GridFSBucket(db).openUploadStream('file')))
    await store()
    await undone(place, async () => {
      await db.collection('series').insertMany([4, 5].map((n) => ({ at: at(n), of: n % 2, n })))
      await db.collection('series').deleteMany({ of: 1 })
      await store()
    })
    await undone(place, () => db.collection('series').drop())
    await db.collection('series').insertOne({ at: at(9), of: 1, n: 9 })
    assert.equal(await db.collection('series').countDocuments({ of: 1 }), 3)
  })

  test('a transaction larger than one entry of the log, and thousands of documents in one command', async () => {
    await using place = await Place.make(server)
    const blobs = place.db.collection<Numbered>('blobs')
    await blobs.insertMany(Array.from({ length: 3000 }, (_, _id) => ({ _id, n: 0 })))
    await undone(place, async () => {
      await place.client.withSession((session) =>
        session.withTransaction(async () => {
          const blob = 'x'.repeat(6_000_000)
          for (const _id of [1, 2, 3]) await blobs.updateOne({ _id }, { $set: { blob } }, { session })
          await blobs.deleteMany({ _id: { $gt: 100 } }, { session })
        }),
      )
      await blobs.updateMany({}, { $inc: { n: 1 } })
    })
  })

  test('a change stream of the application lives on, and sees the rollback as changes', async () => {
    await using place = await Place.make(server)
    const stock = place.db.collection<Numbered>('stock')
    await stock.insertOne({ _id: 1, left: 5 })
    const stream = stock.watch()
    await stream.tryNext()
    await undone(place, () => stock.updateOne({ _id: 1 }, { $inc: { left: -1 } }))
    const seen: string[] = []
    for (let event = await stream.tryNext(); event; event = await stream.tryNext()) seen.push(event.operationType)
    await stream.close()
    assert.equal(seen.length, 4)
  })

  test('a state that was gone from can be gone to again: forward, and to another branch', async () => {
    await using place = await Place.make(server)
    const system: MongodbSystem = await place.open()
    const list = place.db.collection<Numbered>('list')
    const marks: { mark: MongodbMark; list: unknown }[] = []
    const look = (): Promise<unknown> => list.find().sort({ _id: 1 }).toArray()
    const take = async (): Promise<void> =>
      void marks.push({ mark: await system.checkpoint('mark'), list: await look() })
    await list.insertOne({ _id: 0 })
    await take()
    for (const _id of [1, 2, 3]) {
      await list.insertOne({ _id })
      await list.deleteOne({ _id: _id - 1 })
      await take()
    }
    await list.deleteOne({ _id: 3 })
    await list.insertMany([0, 3].map((_id) => ({ _id, again: true })))
    await take()
    await system.rollback(marks[1]?.mark as MongodbMark)
    await list.insertOne({ _id: 9 })
    await take()
    for (const index of [4, 0, 4, 5, 2, 1, 5, 3, 4]) {
      await system.rollback(marks[index]?.mark as MongodbMark)
      assert.deepEqual(await look(), marks[index]?.list)
    }
  })
})
