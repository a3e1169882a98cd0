// way: 'snapshot', which brings back what the other ways refuse.
import assert from 'node:assert/strict'
import { describe, test } from 'vitest'
import { describeServer } from '../../servers/server.ts'
import { comesBack } from './comes-back.ts'
import { assertSame, contentsOf } from './contents.ts'
import { kill, runner } from './killed.ts'
import { Place } from './place.ts'

const REPOSITORY = '/_snapshot/venomqa-snapshots'

describeServer('elasticsearch', (url) => {
  const options = { way: 'snapshot' } as const
  const aPlace = async (): Promise<Place> => {
    const place = await Place.stocked(url)
    await place.stream()
    return place
  }
  const snapshots = async (place: Place, token = ''): Promise<string[]> => {
    const { body } = await place.wire.send('GET', `${REPOSITORY}/_all?verbose=false`)
    const all = (body['snapshots'] ?? []) as { snapshot: string }[]
    return all.map(({ snapshot }) => snapshot).filter((name) => name.startsWith(`venomqa-${token}`))
  }

  describe('a data stream', { timeout: 60_000 }, () => {
    const branches: Readonly<Record<string, (place: Place) => Promise<unknown>>> = {
      'got events': (place) => place.event('sold'),
      'rolled over': async (place) => {
        await place.wire.ask('POST', `/${place.of('events')}/_rollover`)
        await place.event('sold')
      },
      'learned a field': (place) => place.event('sold', { price: 1.5 }),
      'lost events': async (place) => {
        await place.wire.ask('POST', `/${place.of('events')}/_refresh`)
        const query = { query: { term: { what: 'bought' } } }
        await place.wire.ask('POST', `/${place.of('events')}/_delete_by_query?refresh=true`, query)
      },
      'was deleted': (place) => place.wire.ask('DELETE', `/_data_stream/${place.of('events')}`),
      'was deleted, and an index has its name': async (place) => {
        await place.wire.ask('DELETE', `/_data_stream/${place.of('events')}`)
        await place.wire.ask('DELETE', `/_index_template/${place.of('events')}`)
        await place.wire.ask('PUT', `/${place.of('events')}/_doc/1`, { what: 'else' })
      },
      'lost its first index': async (place) => {
        const found = await place.wire.ask('GET', `/_data_stream/${place.of('events')}`)
        const [stream] = found['data_streams'] as { indices: { index_name: string }[] }[]
        await place.wire.ask('DELETE', `/${stream?.indices[0]?.index_name}`)
      },
      'lost its alias, and has another one': async (place) => {
        const remove = { index: place.of('events'), alias: place.of('all-events') }
        const add = { index: place.of('events'), alias: place.of('other-events') }
        const { status } = await place.wire.send('POST', '/_aliases', { actions: [{ remove }, { add }] })
        if (status >= 400) await place.event('sold')
      },
      'was closed in part, and blocked': async (place) => {
        const found = await place.wire.ask('GET', `/_data_stream/${place.of('events')}`)
        const [stream] = found['data_streams'] as { indices: { index_name: string }[] }[]
        await place.event('sold')
        await place.wire.ask('POST', `/${stream?.indices[0]?.index_name}/_close`)
        await place.wire.ask('PUT', `/${place.of('events')}/_settings`, { 'index.blocks.read_only': true })
      },
      'was made': async (place) => {
        await place.wire.ask('POST', `/${place.of('events-new')}/_doc`, { '@timestamp': '2026-01-01T00:00:00Z' })
      },
    }
    test(`comes back when it ${Object.keys(branches).join('; ')}`, { timeout: 240_000 }, async () => {
      await using place = await aPlace()
      const system = await place.open(options)
      const mark = await system.checkpoint('mark')
      const before = await contentsOf(place.wire, place.name)
      for (const [what, branch] of Object.entries(branches)) {
        await branch(place)
        assert.notDeepEqual(await contentsOf(place.wire, place.name), before, what)
        await system.rollback(mark)
        assertSame(await contentsOf(place.wire, place.name), before)
        assert.deepEqual(await system.changes(mark), [], what)
      }
      await system.close?.()
      assert.deepEqual(await place.leftovers(), [])
    })

    test('leaves nothing of ours behind', async () => {
      await using place = await aPlace()
      await comesBack(place, () => place.event('sold'), options)
      assert.deepEqual(await snapshots(place), [])
    })

    test('with a closed index is so again, at any mark', async () => {
      await using place = await aPlace()
      const found = await place.wire.ask('GET', `/_data_stream/${place.of('events')}`)
      const [stream] = found['data_streams'] as { indices: { index_name: string }[] }[]
      await place.wire.ask('POST', `/${stream?.indices[0]?.index_name}/_close`)
      const system = await place.open(options)
      const outer = await system.checkpoint('outer')
      const first = await contentsOf(place.wire, place.name)
      await place.event('sold')
      await place.put('stock', 'lamp', { left: 4 })
      const inner = await system.checkpoint('inner')
      const second = await contentsOf(place.wire, place.name)
      await place.wire.ask('POST', `/${place.of('events')}/_rollover`)
      await place.delete('stock', 'lamp')
      for (const [mark, expected] of [
        [outer, first],
        [inner, second],
      ] as const) {
        await system.rollback(mark)
        assertSame(await contentsOf(place.wire, place.name), expected)
        assert.deepEqual(await system.changes(mark), [])
      }
      await system.release?.(inner)
      await system.rollback(outer)
      assertSame(await contentsOf(place.wire, place.name), first)
    })

    test('is told by changes(), observed, and emptied by reset()', async () => {
      await using place = await aPlace()
      const system = await place.open(options)
      const mark = await system.checkpoint('mark')
      const before = await system.observe()
      await place.event('sold')
      const [change] = await system.changes(mark)
      assert.match(change?.index ?? '', /^\.ds-.+-events-.*000002$/)
      assert.equal(change?.inserted[0]?.['what'], 'sold')
      assert.notDeepEqual(await system.observe(), before)
      await system.rollback(mark)
      assert.deepEqual(await system.observe(), before)
      await system.reset?.({ only: [place.of('events')] })
      await place.wire.ask('POST', `/${place.of('events')}/_refresh`)
      assert.equal((await place.wire.ask('GET', `/${place.of('events')}/_count`))['count'], 0)
      assert.equal(Object.keys(await place.sources('stock')).length, 2)
      await system.rollback(mark)
      assert.deepEqual(await system.observe(), before)
    })
  })

  test('indices that are deleted, made anew, altered and without _source come back', { timeout: 60_000 }, async () => {
    await using place = await aPlace()
    await place.create('other', { _source: { enabled: false }, properties: { n: { type: 'long' } } })
    await place.put('other', '1', { n: 1 })
    const branches = [
      () => place.wire.ask('DELETE', `/${place.of('stock')}`),
      async () => {
        await place.wire.ask('DELETE', `/${place.of('stock')}`)
        await place.create('stock', { properties: { left: { type: 'keyword' } } }, { number_of_shards: 2 })
      },
      async () => {
        await place.wire.ask('POST', `/${place.of('stock')}/_close`)
        const analysis = { 'index.analysis.analyzer.mine.type': 'keyword' }
        await place.wire.ask('PUT', `/${place.of('stock')}/_settings`, analysis)
        await place.wire.ask('POST', `/${place.of('stock')}/_open`)
        await place.put('stock', 'lamp', { left: 1 })
      },
    ]
    const sum = async (): Promise<unknown> => {
      await place.wire.ask('POST', `/${place.of('other')}/_refresh`)
      const aggs = { sum: { sum: { field: 'n' } } }
      return (await place.wire.ask('POST', `/${place.of('other')}/_search`, { size: 0, aggs }))['aggregations']
    }
    const system = await place.open(options)
    const mark = await system.checkpoint('mark')
    const before = await Promise.all(['stock', 'orders'].map(() => place.sources('stock')))
    for (const branch of branches) {
      await branch()
      await place.put('other', '1', { n: 5 })
      await system.rollback(mark)
      assert.deepEqual(await Promise.all(['stock', 'orders'].map(() => place.sources('stock'))), before)
      assert.deepEqual(await sum(), { sum: { value: 1 } })
      assert.deepEqual(await system.changes(mark), [])
    }
  })

  test('a snapshot has only what changed, and what did not change is not touched', { timeout: 60_000 }, async () => {
    await using place = await aPlace()
    const system = await place.open(options)
    const [token] = await place.leftovers()
    const first = await system.checkpoint('first')
    await system.checkpoint('second')
    assert.equal((await snapshots(place, token)).length, 1)
    await place.put('stock', 'lamp', { left: 1 })
    const third = await system.checkpoint('third')
    const [, latest] = await snapshots(place, token)
    const { body } = await place.wire.send('GET', `${REPOSITORY}/${latest}`)
    assert.deepEqual((body['snapshots'] as { indices: string[] }[])[0]?.indices, [place.of('stock')])
    await system.release?.(third)
    assert.equal((await snapshots(place, token)).length, 1)
    const uuids = (): Promise<object> => place.wire.ask('GET', `/${place.name}-*/_settings?filter_path=*.*.index.uuid`)
    const before = await uuids()
    await system.rollback(first)
    assert.deepEqual(await uuids(), before)
  })

  test('without its snapshot a stream is refused before anything is touched', { timeout: 60_000 }, async () => {
    await using place = await aPlace()
    const system = await place.open(options)
    const [token] = await place.leftovers()
    const mark = await system.checkpoint('mark')
    await place.event('sold')
    await place.put('stock', 'lamp', { left: 1 })
    await place.create('later', {})
    const before = await contentsOf(place.wire, place.name)
    for (const name of await snapshots(place, token)) await place.wire.ask('DELETE', `${REPOSITORY}/${name}`)
    await assert.rejects(async () => system.rollback(mark), {
      code: 'MARK_LOST',
      message: /snapshot "venomqa-[^]*gone/,
    })
    assertSame(await contentsOf(place.wire, place.name), before)
  })

  test('what a killed runner did to a stream is undone, and its snapshots are gone', { timeout: 60_000 }, async () => {
    await using place = await aPlace()
    const before = await contentsOf(place.wire, place.name)
    await kill(await runner(place, options, 'roll over'))
    const [token] = await place.leftovers()
    assert.notDeepEqual(await snapshots(place, token), [])
    // Whatever way the next one has.
    const next = await place.open({ indices: [place.of('stock')] })
    assertSame(await contentsOf(place.wire, place.name), before)
    assert.match(place.notices.join(), /put back to its first mark/)
    assert.deepEqual(await snapshots(place, token), [])
    await next.close?.()
    assert.deepEqual(await place.leftovers(), [])
  })

  test('snapshots that belong to nobody are deleted, those of others stay', { timeout: 60_000 }, async () => {
    await using place = await aPlace()
    await using other = await aPlace()
    const living = await other.open(options)
    const mark = await living.checkpoint('mark')
    const [token] = await other.leftovers()
    const body = { indices: [place.of('stock')], include_global_state: false }
    for (const name of ['venomqa-0badbeef-1', `${place.name}-mine`]) {
      await place.wire.ask('PUT', `${REPOSITORY}/${name}?wait_for_completion=true`, body)
    }
    await (await place.open(options)).close?.()
    const { body: all } = await place.wire.send('GET', `${REPOSITORY}/_all?verbose=false`)
    const names = (all['snapshots'] as { snapshot: string }[]).map(({ snapshot }) => snapshot)
    assert.ok(names.includes(`${place.name}-mine`) && !names.includes('venomqa-0badbeef-1'), names.join())
    await place.wire.ask('DELETE', `${REPOSITORY}/${place.name}-mine`)
    assert.equal((await snapshots(place, token)).length, 1)
    await other.event('sold')
    await living.rollback(mark)
    assert.deepEqual(await living.changes(mark), [])
  })
})
