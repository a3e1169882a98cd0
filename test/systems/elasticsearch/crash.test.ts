import assert from 'node:assert/strict'
import { once } from 'node:events'
import { test } from 'vitest'
import { describeServer } from '../../servers/server.ts'
import { assertSame, contentsOf } from './contents.ts'
import { kill, runner, runnerThatDies } from './killed.ts'
import { Place } from './place.ts'

describeServer('elasticsearch', (url) => {
  for (const opens of ['change', 'go back']) {
    test(`what a killed runner changed is put back to its first mark: ${opens}`, async () => {
      await using place = await Place.stocked(url)
      const before = await contentsOf(place.wire, place.name)
      await kill(await runner(place, {}, opens))
      assert.notDeepEqual(await contentsOf(place.wire, place.name), before)
      const system = await place.open()
      assertSame(await contentsOf(place.wire, place.name), before)
      assert.match(place.notices.join(), /a script \(pid \d+ on .+\) was killed with .+ put back to its first mark/)
      await system.close?.()
      assert.deepEqual(await place.leftovers(), [])
    })
  }

  for (const [when, request] of [
    ['that is noted', '^PUT /venomqa-leases/_doc/first'],
    ['the index is deleted', '^DELETE /[^/]*-stock$'],
    ['another one took its place', '/_clone/'],
    ['all is done but cleaning up', '^DELETE /venomqa-[^/]*-rebuilt-[^/]*$'],
  ] as const) {
    test(`a runner may be killed while a rollback makes an index anew: after ${when}`, async () => {
      await using place = await Place.stocked(url)
      const before = await contentsOf(place.wire, place.name)
      const child = runnerThatDies(place, 'grow and go back', request)
      assert.deepEqual(await once(child, 'exit'), [null, 'SIGKILL'])
      const system = await place.open()
      assertSame(await contentsOf(place.wire, place.name), before)
      await system.close?.()
      assert.deepEqual(await place.leftovers(), [])
    })
  }

  test('clones of a killed runner are deleted', async () => {
    await using place = await Place.stocked(url)
    const before = await contentsOf(place.wire, place.name)
    await kill(await runner(place, { way: 'copies' }))
    // What only a clone brings back.
    await place.wire.ask('DELETE', `/${place.of('stock')}`)
    const [token] = await place.leftovers()
    const clones = (): Promise<object> =>
      place.wire.ask('GET', `/venomqa-${token}-*?expand_wildcards=all&filter_path=*.aliases`)
    assert.notDeepEqual(await clones(), {})
    const system = await place.open()
    assertSame(await contentsOf(place.wire, place.name), before)
    await system.close?.()
    assert.deepEqual([await place.leftovers(), await clones()], [[], {}])
  })

  test('a runner that lives keeps its lease', async () => {
    await using place = await Place.stocked(url)
    const child = await runner(place)
    await assert.rejects(async () => place.open({ settle: 100 }), {
      code: 'LEASED',
      retryable: true,
      message: new RegExp(`in use by a script \\(pid ${child.pid} on [^]*perWorker: true`),
    })
    // A pattern that could mean one of its indices is in its way too; other names are not.
    await assert.rejects(async () => place.open({ indices: [`${place.name}-sto*`], settle: 100 }), { code: 'LEASED' })
    await place.open({ indices: [`${place.name}_other-*`], settle: 100 })
    await kill(child)
    await place.open()
  })

  test('a runner that was killed before it changed anything leaves nothing to do', async () => {
    await using place = await Place.stocked(url)
    const before = await contentsOf(place.wire, place.name)
    await kill(await runner(place, {}, 'nothing'))
    await place.open()
    assertSame(await contentsOf(place.wire, place.name), before)
  })

  test('recover: keep takes the indices as they are, and says so', async () => {
    await using place = await Place.stocked(url)
    await kill(await runner(place))
    await place.open({ recover: 'keep' })
    assert.match(place.notices.join(), /taken as they are/)
    assert.deepEqual(Object.keys(await place.sources('orders')), ['1'])
  })

  test('what cannot be undone is refused until the indices are made anew', async () => {
    await using place = await Place.stocked(url)
    await kill(await runner(place))
    await place.wire.ask('DELETE', `/${place.of('stock')}`)
    await assert.rejects(async () => place.open(), {
      code: 'CRASHED',
      message: /was deleted since the mark[^]*recover: 'keep'/,
    })
    await place.create('stock', {})
    await place.open({ recover: 'keep' })
  })
})
