// What users are told, and what is refused when a system opens.
import assert from 'node:assert/strict'
import { Client } from '@elastic/elasticsearch'
import { test } from 'vitest'
import { Reader } from '../../../src/systems/elasticsearch/reader.ts'
import { elasticsearch, type ElasticsearchSystem } from '../../../src/systems/elasticsearch/index.ts'
import { World } from '../../../src/world.ts'
import { describeServer } from '../../servers/server.ts'
import { Place } from './place.ts'

const WORKER = { id: '1', runner: 'none', runId: 'test', notice: () => {} } as const

describeServer('elasticsearch', (url) => {
  test('only named indices are touched', async () => {
    for (const indices of [[], ['*'], ['_all'], ['**'], ['.kibana'], ['venomqa-leases'], ['a,b'], ['-a']]) {
      const system = elasticsearch(url, { indices })
      await assert.rejects(async () => system.open?.(WORKER), { code: 'BAD_ARGUMENT' }, indices.join())
    }
    await assert.rejects(async () => elasticsearch('nonsense', { indices: ['a_test'] }).open?.(WORKER), {
      code: 'BAD_ARGUMENT',
      message: /cannot be read/,
    })
  })

  test('an alias is no name of an index', async () => {
    await using place = await Place.stocked(url)
    const alias = place.of('alias')
    await place.wire.ask('POST', '/_aliases', { actions: [{ add: { index: place.of('stock'), alias } }] })
    await assert.rejects(async () => place.open({ indices: [alias] }), {
      code: 'BAD_ARGUMENT',
      message: new RegExp(`is an alias of ${place.of('stock')}`),
    })
  })

  test('a server elsewhere, and production, are refused', async () => {
    const elsewhere = elasticsearch('http://search.example:9200', { indices: ['shop_test'] })
    await assert.rejects(async () => elsewhere.open?.(WORKER), { code: 'NOT_A_TEST_DATABASE', message: /allowHosts/ })
  })

  test('a server that is not there is named', async () => {
    const nobody = elasticsearch('http://127.0.0.1:1', { indices: ['shop_test'] })
    await assert.rejects(async () => nobody.open?.(WORKER), { code: 'CONNECTION_REFUSED', retryable: true })
  })

  test('steps see a client of the newest version, whatever the server is', async () => {
    await using place = await Place.stocked(url)
    const system = elasticsearch(url, { indices: [`${place.name}-*`] })
    await using world = await World.open({ systems: { search: system } })
    const { search } = world.systems
    assert.ok(search instanceof Client)
    await search.bulk({ index: place.of('stock'), operations: [{ index: { _id: 'new' } }, { left: 1 }] })
    assert.equal((await search.count({ index: place.of('stock') })).count, 2)
    assert.deepEqual(await search.getSource({ index: place.of('stock'), id: 'new' }), { left: 1 })
    await world.rollback(world.start)
    assert.equal(await search.exists({ index: place.of('stock'), id: 'new' }), false)
  })

  test('a ping says which server answers', async () => {
    await using place = await Place.stocked(url)
    const system = await place.open()
    const { detail } = await system.ping!()
    assert.match(detail ?? '', /^(Elasticsearch|OpenSearch) \d+\./)
  })

  test('changes() lists documents, and what was made and altered', async () => {
    await using place = await Place.stocked(url)
    const system = await place.open()
    const mark = await system.checkpoint('mark')
    await place.put('stock', 'lamp', { left: 4, by: 'ada' }, 'routing=a')
    await place.put('stock', 'chair', { left: 5 })
    await place.put('stock', 'bed', { left: 1 })
    await place.wire.ask('PUT', `/${place.of('stock')}/_settings`, { 'index.max_result_window': 20_000 })
    await place.wire.ask('PUT', `/_scripts/${place.name}-s`, { script: { lang: 'painless', source: 'return 1' } })
    const stock = place.of('stock')
    const [documents, indices, scripts] = await system.changes(mark)
    assert.deepEqual(documents, {
      index: stock,
      inserted: [{ _id: 'bed', left: 1 }],
      updated: [{ key: { _id: 'lamp' }, before: { left: 5 }, after: { _routing: 'a', left: 4, by: 'ada' } }],
      deleted: [],
    })
    assert.equal(indices?.index, '(indices)')
    assert.deepEqual(indices?.updated[0]?.key, { name: stock })
    assert.equal(scripts?.index, '(scripts)')
    assert.deepEqual(scripts?.inserted, [{ name: `${place.name}-s`, lang: 'painless', source: 'return 1' }])
    await system.rollback(mark)
    assert.deepEqual(await system.changes(mark), [])
  })

  test('observe() gives many documents as a digest, and reads only what changed', async () => {
    await using place = await Place.stocked(url)
    const lines = Array.from({ length: 1200 }, (_, at) => `{"index":{"_id":"${at}"}}\n{"left":${at}}\n`)
    await place.wire.ask('POST', `/${place.of('stock')}/_bulk`, lines.join(''))
    const system = await place.open()
    const look = async (): Promise<{ documents: unknown; digest?: unknown }> => {
      const { indices } = (await system.observe()).data as { indices: Map<string, { documents: unknown }> }
      return indices.get(place.of('stock')) ?? assert.fail('the index is not observed')
    }
    const before = await look()
    assert.equal(before.documents, 1202)
    const { pages } = Reader.prototype
    let read = 0
    Reader.prototype.pages = async function* (...args) {
      for await (const page of pages.apply(this, args)) {
        read += page.length
        yield page
      }
    }
    try {
      await place.put('stock', '7', { left: -1 })
      assert.notDeepEqual(await look(), before)
      assert.ok(read < 10, `${read} documents were read`)
      await place.put('stock', '7', { left: 7 })
      assert.deepEqual(await look(), before)
    } finally {
      Reader.prototype.pages = pages
    }
    const gone = Array.from({ length: 1000 }, (_, at) => `{"delete":{"_id":"${at}"}}\n`)
    await place.wire.ask('POST', `/${place.of('stock')}/_bulk`, gone.join(''))
    assert.equal(((await look()).documents as string[]).length, 202)
  })

  test('observe() shows documents as data, and numbers as they are written', async () => {
    await using place = await Place.stocked(url)
    const look = async (system: ElasticsearchSystem<unknown>): Promise<unknown> => {
      const { indices } = (await system.observe()).data as { indices: Map<string, { documents: unknown }> }
      return indices.get(place.of('stock'))?.documents
    }
    await place.put('stock', 'lamp', '{"left":5.0, "big":12345678901234567890, "tags":["a",{"at":-0.0}]}', 'routing=r')
    const system = await place.open()
    assert.deepEqual(await look(system), [
      { _id: 'chair', left: 5 },
      {
        _id: 'lamp',
        _routing: 'r',
        left: { $number: '5.0' },
        big: { $number: '12345678901234567890' },
        tags: ['a', { at: { $number: '-0.0' } }],
      },
    ])
    const before = await look(system)
    await place.put('stock', 'lamp', '{"left":5,"big":12345678901234567890,"tags":["a",{"at":-0.0}]}', 'routing=r')
    assert.notDeepEqual(await look(system), before)
    await place.put('stock', 'chair', '{"note":{"$number":"5.0"}}')
    assert.deepEqual(((await look(system)) as object[])[0], { _id: 'chair', note: { $object: [['$number', '5.0']] } })
  })

  test('reset() takes names and patterns, and leaves what migrations noted', async () => {
    await using place = await Place.stocked(url)
    for (const index of ['orders', 'migrations']) await place.put(index, '1', {})
    const system = await place.open()
    const counts = async (): Promise<number[]> =>
      Promise.all(['stock', 'orders', 'migrations'].map(async (it) => Object.keys(await place.sources(it)).length))
    const mark = await system.checkpoint('mark')
    await system.reset?.({ only: [place.of('ord*')] })
    assert.deepEqual(await counts(), [2, 0, 1])
    await system.rollback(mark)
    await system.reset?.({ except: [place.of('orders')] })
    assert.deepEqual(await counts(), [0, 1, 1])
    await system.rollback(mark)
    await system.reset?.()
    assert.deepEqual(await counts(), [0, 0, 1])
    await assert.rejects(async () => system.reset?.({ only: ['nothing'] }), {
      code: 'BAD_ARGUMENT',
      message: /no index "nothing"/,
    })
  })
})
