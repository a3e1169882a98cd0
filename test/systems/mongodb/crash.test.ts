import assert from 'node:assert/strict'
import { test } from 'vitest'
import { describeServer } from '../../servers/server.ts'
import { assertSame, contentsOf } from './contents.ts'
import { kill, runner } from './killed.ts'
import { Place } from './place.ts'

for (const [name, options] of [['mongodb', {}] as const, ['mongodb-standalone', { way: 'copy' }] as const]) {
  describeServer(name, (server) => {
    test('what a killed runner changed is put back to its first mark', async () => {
      await using place = await filled(server)
      const before = await contents(place)
      await kill(await runner(place.url, options))
      assert.notDeepEqual(await contents(place), before)
      const system = await place.open(options)
      assertSame(await contents(place), before)
      assert.match(place.notices.join(), /a script \(pid \d+ on .+\) was killed with .+ is put back to its first mark/)
      await system.close?.()
      const left = await place.client.db('venomqa').listCollections().toArray()
      assert.deepEqual(
        left.filter(({ name: it }) => it.endsWith(place.db.databaseName)),
        [],
      )
    })
  })
}

describeServer('mongodb', (server) => {
  test('only the collections that the killed runner looked after are put back', async () => {
    await using place = await filled(server)
    await kill(await runner(place.url, { collections: ['stock'] }))
    await place.open()
    assert.equal(await place.db.collection('stock').countDocuments({ left: 5 }), 2)
    assert.equal(await place.db.collection('orders').countDocuments(), 1)
  })

  test('a runner that lives keeps its lease', async () => {
    await using place = await filled(server)
    const child = await runner(place.url)
    await assert.rejects(async () => place.open({ settle: 100 }), {
      code: 'LEASED',
      retryable: true,
      message: new RegExp(`in use by a script \\(pid ${child.pid} on [^]*perWorker: true`),
    })
    await kill(child)
    await place.open()
  })

  test('a runner that was killed before it changed anything leaves nothing to do', async () => {
    await using place = await filled(server)
    const before = await contents(place)
    await kill(await runner(place.url, {}, 'nothing'))
    await place.open()
    assertSame(await contents(place), before)
  })

  test('recover: keep takes the database as it is, and says so', async () => {
    await using place = await filled(server)
    await kill(await runner(place.url))
    await place.open({ recover: 'keep' })
    assert.match(place.notices.join(), /taken as it is/)
    assert.equal(await place.db.collection('orders').countDocuments(), 1)
  })

  test('a recovery that is killed half way is begun again', async () => {
    await using place = await filled(server)
    const before = await contents(place)
    await kill(await runner(place.url))
    // A transaction in the way: the recovery is refused, as if it had been killed there.
    await using session = place.client.startSession()
    session.startTransaction()
    await place.db.collection('stock').updateOne({ left: 0 }, { $set: { left: 1 } }, { session })
    await assert.rejects(async () => place.open({ settle: 50 }), { code: 'CRASHED', message: /a transaction is open/ })
    await session.abortTransaction()
    await place.open()
    assertSame(await contents(place), before)
  })
})

async function filled(server: string): Promise<Place> {
  const place = await Place.make(server)
  const stock = ['lamp', 'chair'].map((_id) => ({ _id: _id as never, left: 5 }))
  await place.db.collection('stock').insertMany(stock)
  return place
}

function contents(place: Place): ReturnType<typeof contentsOf> {
  return contentsOf(place.client, [place.db.databaseName])
}
