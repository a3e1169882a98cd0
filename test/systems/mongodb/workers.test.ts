import assert from 'node:assert/strict'
import { MongoClient } from 'mongodb'
import { test } from 'vitest'
import { describeServer } from '../../servers/server.ts'
import { assertSame, contentsOf } from './contents.ts'
import { Place } from './place.ts'

describeServer('mongodb', (server) => {
  test('perWorker gives each worker a copy of the database in the URL', async () => {
    await using place = await Place.make(server)
    const { db, client } = place
    await db.createCollection('series', { timeseries: { timeField: 'at' } })
    await db.collection('series').insertOne({ at: new Date(0), n: 1 })
    await db.createCollection('people', { collation: { locale: 'fr', strength: 1 } })
    await db.collection('people').createIndex({ name: 1 }, { unique: true })
    await db.collection('people').insertOne({ name: 'ada' })
    await db.createCollection('names', { viewOn: 'people', pipeline: [{ $project: { name: 1 } }] })
    const template = await contentsOf(client, [db.databaseName])

    const [one, two] = await Promise.all(['1', '2'].map((id) => place.open({ perWorker: true }, id)))
    assert.ok(one && two)
    const names = [one, two].map(({ handle }) => handle.databaseName)
    assert.deepEqual(names, [`${db.databaseName}_w1`, `${db.databaseName}_w2`])
    const application = await MongoClient.connect(one.url ?? '')
    assert.equal(application.options.appName, names[0])
    assert.equal(application.db().databaseName, names[0])
    const copy = await contentsOf(client, [names[0] ?? ''])
    const renamed = Object.entries(template).map(([ns, it]) => [ns.replace(db.databaseName, names[0] ?? ''), it])
    assertSame(copy, Object.fromEntries(renamed))

    const mark = await one.checkpoint('mark')
    await using session = application.startSession()
    session.startTransaction()
    await application.db().collection('people').insertOne({ name: 'bob' }, { session })
    // The other worker does not wait for what is not its own.
    await two.rollback(await two.checkpoint('mark'))
    await session.commitTransaction()
    await one.rollback(mark)
    assertSame(await contentsOf(client, [names[0] ?? '']), copy)
    await application.close()
    await Promise.all([one.close?.(), two.close?.()])
    const { databases } = await client.db('admin').admin().listDatabases({ nameOnly: true })
    assert.deepEqual(
      databases.map(({ name }) => name).filter((name) => names.includes(name)),
      [],
    )
    assertSame(await contentsOf(client, [db.databaseName]), template)
  })

  test('perWorker does not take a database that has something in it', async () => {
    await using place = await Place.make(server)
    const taken = place.client.db(`${place.db.databaseName}_w1`)
    await taken.collection('precious').insertOne({})
    await assert.rejects(async () => place.open({ perWorker: true }), {
      code: 'NOT_A_TEST_DATABASE',
      message: /"\w+_w1" would be this worker's, but there are 1 collections[^]*db\.dropDatabase\(\)/,
    })
    assert.equal(await taken.collection('precious').countDocuments(), 1)
    await taken.dropDatabase()
  })
})
