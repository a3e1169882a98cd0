import assert from 'node:assert/strict'
import { type ChildProcess, fork } from 'node:child_process'
import { once } from 'node:events'
import type { MongoClient } from 'mongodb'
import { test } from 'vitest'
import type { MongodbOptions } from '../../../src/systems/mongodb/index.ts'
import { describeServer } from '../../servers/server.ts'
import { assertSame, contentsOf } from './contents.ts'
import { Place } from './place.ts'

describeServer('mongodb', (server) => {
  test('what a killed runner changed is put back to its first mark', async () => {
    await using place = await filled(server)
    const before = await contents(place)
    await kill(await runner(place.url))
    assert.notDeepEqual(await contents(place), before)
    await place.open()
    assertSame(await contents(place), before)
    assert.match(place.notices.join(), /a script \(pid \d+ on .+\) was killed with .+ it is put back to its first mark/)
  })

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

  test('settings of the server are put back by the last world, also after one that was killed', async () => {
    await using place = await filled(server)
    await using other = await Place.make(server)
    const system = await other.open()
    await kill(await runner(place.url))
    assert.equal(await ttlMonitor(place.client), false)
    await place.open().then((it) => it.close?.())
    assert.equal(await ttlMonitor(place.client), false)
    const others = await place.client.db('venomqa').listCollections().toArray()
    await system.close?.()
    // Worlds of other tests on the same server keep it off for their time.
    if (others.length <= 1) assert.equal(await ttlMonitor(place.client), true)
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

async function runner(url: string, options: MongodbOptions = {}, ...more: string[]): Promise<ChildProcess> {
  const child = fork(new URL('runner.ts', import.meta.url), [url, JSON.stringify(options), ...more])
  await once(child, 'message')
  return child
}

async function kill(child: ChildProcess): Promise<void> {
  child.kill('SIGKILL')
  await once(child, 'exit')
}

async function ttlMonitor(client: MongoClient): Promise<boolean> {
  return (await client.db('admin').command({ getParameter: 1, ttlMonitorEnabled: 1 }))['ttlMonitorEnabled'] as boolean
}
