// What is easily lost, changed or left behind by a rollback that writes documents back.
import assert from 'node:assert/strict'
import { describe, test } from 'vitest'
import { Reader } from '../../../src/systems/elasticsearch/reader.ts'
import { chance } from '../../chance.ts'
import { describeServer } from '../../servers/server.ts'
import { comesBack } from './comes-back.ts'
import { assertSame, contentsOf } from './contents.ts'
import { Place } from './place.ts'

/** Texts that a program which parses and prints JSON would change. */
const TEXTS = {
  numbers: '{"a":1.0,"b":1.50e2,"c":9007199254740993,"d":123456789012345678901234567890,"e":-0.0}',
  order: '{"z":1, "a" : 2,\t"é":"\\u00e9","_source":{"_source":{}}}',
  lines: '{\n  "pretty": [\r\n    1.0\n  ]\n}',
  quotes: '{"t":"a\\"_source\\":{ \\\\\\" }"}',
  empty: '{}',
}

describeServer('elasticsearch', (url) => {
  const aPlace = (): Promise<Place> => Place.stocked(url)

  test('documents come back to the character', async () => {
    await using place = await aPlace()
    await place.create('texts', { enabled: false })
    for (const [id, text] of Object.entries(TEXTS)) await place.put('texts', id, text)
    const sources = await place.sources('texts')
    assert.deepEqual(sources, Object.fromEntries(Object.entries(TEXTS).toSorted(([a], [b]) => (a < b ? -1 : 1))))
    await comesBack(place, async () => {
      for (const id of ['numbers', 'order', 'lines']) await place.put('texts', id, '{}')
      for (const id of ['quotes', 'empty']) await place.delete('texts', id)
    })
    assert.deepEqual(await place.sources('texts'), sources)
  })

  test('one id on two shards is two documents', async () => {
    await using place = await aPlace()
    await place.create('routed', { dynamic: false }, { number_of_shards: 3 })
    for (const routing of ['a', 'b', 'c', 'd']) await place.put('routed', 'same', { routing }, `routing=${routing}`)
    await comesBack(place, async () => {
      await place.put('routed', 'same', { changed: 1 }, 'routing=a')
      await place.wire.send('DELETE', `/${place.of('routed')}/_doc/same?routing=b`)
    })
  })

  test('a thousand deletions here and there are found, and those of a whole range', async () => {
    await using place = await aPlace()
    const lines = Array.from({ length: 3000 }, (_, at) => `{"index":{"_id":"${at}"}}\n{"left":${at}}\n`)
    await place.wire.ask('POST', `/${place.of('stock')}/_bulk?refresh=true`, lines.join(''))
    await comesBack(place, async () => {
      const gone = Array.from({ length: 1000 }, (_, at) => `{"delete":{"_id":"${at < 300 ? at : (at * 7) % 3000}"}}\n`)
      await place.wire.ask('POST', `/${place.of('stock')}/_bulk`, gone.join(''))
    })
  })

  test('what was deleted is found after any number of rollbacks, and the past is counted once', async () => {
    await using place = await aPlace()
    await place.create('routed', { dynamic: false }, { number_of_shards: 2 })
    const write = async (lines: readonly string[]): Promise<void> => {
      const { errors } = await place.wire.ask('POST', `/${place.of('routed')}/_bulk`, lines.join(''))
      assert.equal(errors, false)
    }
    const put = (id: number, n: number): string => `{"index":{"_id":"${id}"}}\n{"n":${n}}\n`
    const remove = (id: number): string => `{"delete":{"_id":"${id}"}}\n`
    await write(Array.from({ length: 3000 }, (_, id) => put(id, id)))
    const system = await place.open()
    const outer = await system.checkpoint('outer')
    const before = await contentsOf(place.wire, place.name)
    const counts: object[] = []
    const { buckets } = Reader.prototype
    Reader.prototype.buckets = function (query, width) {
      if (JSON.stringify(query).includes('"gte":0')) counts.push(this)
      return buckets.call(this, query, width)
    }
    try {
      const below = chance(7)
      for (let round = 0; round < 8; round += 1) {
        const some = (count: number): number[] => Array.from({ length: count }, () => below(3000))
        // Also what the last round wrote again, a whole stretch, and documents that come and go.
        await write([...some(60), ...Array.from({ length: 40 }, (_, at) => at * 50)].map(remove))
        await write(some(60).map((id) => put(id, -1)))
        await write(Array.from({ length: 30 }, (_, at) => remove(round * 100 + at)))
        await write([put(9000 + round, 1), put(9100, 1), remove(9100), remove(9200)])
        const inner = round === 3 ? await system.checkpoint('inner') : undefined
        await write(some(20).map(remove))
        if (inner) await system.rollback(inner)
        await system.rollback(outer)
        assertSame(await contentsOf(place.wire, place.name), before)
      }
    } finally {
      Reader.prototype.buckets = buckets
    }
    // Each time the present of two shards, and twice more the past: at the first time, and with the inner mark.
    assert.ok(counts.length <= 2 * (9 + 3), `${counts.length} looks at all numbers`)
  })

  test('pipelines do not touch what comes back', async () => {
    await using place = await aPlace()
    const pipeline = `${place.name}-stamp`
    await place.wire.ask('PUT', `/_ingest/pipeline/${pipeline}`, { processors: [{ set: { field: 'z', value: 1 } }] })
    const settings = { 'index.final_pipeline': pipeline, 'index.default_pipeline': pipeline }
    await place.wire.ask('PUT', `/${place.of('stock')}/_settings`, settings)
    await comesBack(place, async () => {
      await place.put('stock', 'lamp', { left: 1 })
      await place.delete('stock', 'chair')
    })
    assert.equal((await place.sources('stock'))['lamp'], '{"left":5}')
    const none = { 'index.final_pipeline': null, 'index.default_pipeline': null }
    await place.wire.ask('PUT', `/${place.of('stock')}/_settings`, none)
    await place.wire.ask('DELETE', `/_ingest/pipeline/${pipeline}`)
  })

  for (const block of ['write', 'read', 'read_only', 'metadata']) {
    test(`an index that a branch blocked comes back: ${block}`, async () => {
      await using place = await aPlace()
      await comesBack(place, async () => {
        await place.put('stock', 'lamp', { left: 1 })
        await place.wire.ask('PUT', `/${place.of('stock')}/_settings`, { [`index.blocks.${block}`]: true })
      })
    })
  }

  test('an index that was blocked at the mark is so again', async () => {
    await using place = await aPlace()
    const set = (value: boolean | null): Promise<unknown> =>
      place.wire.ask('PUT', `/${place.of('stock')}/_settings`, { 'index.blocks.write': value })
    await set(true)
    await comesBack(place, async () => {
      await set(null)
      await place.put('stock', 'lamp', { left: 1 })
    })
  })

  test('a mapping that grew is small again, a notice says so, and other marks hold', async () => {
    await using place = await aPlace()
    await place.create('growing', {})
    await place.put('growing', '1', '{"a":1.0}')
    await place.put('growing', '2', { a: 2 })
    const system = await place.open()
    const outer = await system.checkpoint('outer')
    const first = await contentsOf(place.wire, place.name)
    await place.put('growing', '1', { a: 3 })
    await place.delete('growing', '2')
    await place.put('growing', '3', { a: 3 })
    const inner = await system.checkpoint('inner')
    const second = await contentsOf(place.wire, place.name)
    await place.put('growing', '4', { b: 'text' })
    const deep = await system.checkpoint('deep')
    const third = await contentsOf(place.wire, place.name)
    await place.put('growing', '1', { a: 'no number' }).catch(() => undefined)
    await place.put('growing', '5', { c: { d: 1 } })
    for (const [mark, expected] of [
      [inner, second],
      [outer, first],
      [deep, third],
      [outer, first],
      [inner, second],
      [deep, third],
    ] as const) {
      await system.rollback(mark)
      assertSame(await contentsOf(place.wire, place.name), expected)
    }
    assert.match(place.notices.join(), /the mapping of index "[^"]+-growing" grew in a branch/)
    assert.equal(place.notices.length, 1)
  })

  test('a template that fits every name is named before anything is touched', async () => {
    await using place = await aPlace()
    await place.create('growing', {})
    await place.put('growing', '1', { a: 1 })
    const system = await place.open()
    const mark = await system.checkpoint('mark')
    await place.put('growing', '2', { b: 1 })
    const before = await contentsOf(place.wire, place.name)
    const template = { mappings: { properties: { foreign: { type: 'keyword' } } } }
    const all = { index_patterns: ['*'], priority: 900, template }
    await place.wire.ask('PUT', `/_index_template/everything-${place.name}`, all)
    try {
      await assert.rejects(async () => system.rollback(mark), { code: 'SCHEMA_CHANGED', message: /fits every name/ })
      assertSame(await contentsOf(place.wire, place.name), before)
    } finally {
      await place.wire.ask('DELETE', `/_index_template/everything-${place.name}`)
    }
    await system.rollback(mark)
  })

  describe('what cannot be put back is refused before anything is touched', () => {
    const refuses = async (branch: (place: Place) => Promise<unknown>, expected: object): Promise<void> => {
      await using place = await aPlace()
      const system = await place.open()
      const mark = await system.checkpoint('mark')
      await place.create('later', {})
      await branch(place)
      const before = await contentsOf(place.wire, place.name)
      await assert.rejects(async () => system.rollback(mark), expected)
      assertSame(await contentsOf(place.wire, place.name), before)
    }

    test('an index that was deleted', () =>
      refuses((place) => place.wire.ask('DELETE', `/${place.of('stock')}`), {
        code: 'MARK_LOST',
        message: /was deleted/,
      }))

    test('an index that was made anew', () =>
      refuses(
        async (place) => {
          await place.wire.ask('DELETE', `/${place.of('stock')}`)
          await place.create('stock', {})
        },
        { code: 'MARK_LOST', message: /deleted and made anew/ },
      ))

    test('an index that was closed and written to', () =>
      refuses(
        async (place) => {
          await place.put('stock', 'lamp', { left: 1 })
          await place.wire.ask('POST', `/${place.of('stock')}/_close`)
        },
        { code: 'MARK_LOST', message: /was closed since the mark/ },
      ))

    test('an index that was closed, opened and written to', () =>
      refuses(
        async (place) => {
          await place.wire.ask('POST', `/${place.of('stock')}/_close`)
          await place.wire.ask('POST', `/${place.of('stock')}/_open`)
          await place.put('stock', 'lamp', { left: 1 })
        },
        { code: 'MARK_LOST', message: /point in time of index/ },
      ))

    test('an analyzer', () =>
      refuses(
        async (place) => {
          await place.wire.ask('POST', `/${place.of('stock')}/_close`)
          const analysis = { 'index.analysis.analyzer.mine.type': 'keyword' }
          await place.wire.ask('PUT', `/${place.of('stock')}/_settings`, analysis)
          await place.wire.ask('POST', `/${place.of('stock')}/_open`)
        },
        { code: 'SCHEMA_CHANGED', message: /index\.analysis\.analyzer\.mine\.type/ },
      ))
  })

  test('an index that was closed and not written to is open again', async () => {
    await using place = await aPlace()
    await comesBack(place, async () => {
      await place.wire.ask('POST', `/${place.of('stock')}/_close`)
    })
  })

  test('indices whose documents cannot be written back are refused by name', async () => {
    const refused: readonly (readonly [object, object])[] = [
      [{ _source: { enabled: false } }, {}],
      [{ _source: { excludes: ['secret'] } }, {}],
      [{ _source: { mode: 'synthetic' } }, {}],
    ]
    for (const [mappings, settings] of refused) {
      await using place = await aPlace()
      await place.create('other', mappings, settings)
      const system = await place.open()
      const error = { code: 'UNSUPPORTED', message: new RegExp(`${place.of('other')}[^]*way: 'copies'`) }
      await assert.rejects(async () => system.checkpoint('mark'), error)
      const without = await place.open({ indices: [`${place.name}-stock`], settle: 100 }).catch((it: unknown) => it)
      assert.equal((without as { code: string }).code, 'LEASED')
    }
  })

  test('a data stream is refused, and one that a branch made is gone again', async () => {
    await using place = await aPlace()
    const template = { index_patterns: [place.of('events')], data_stream: {} }
    await place.wire.ask('PUT', `/_index_template/${place.of('events')}`, template)
    const event = { '@timestamp': '2026-01-01T00:00:00Z' }
    try {
      await comesBack(place, () => place.wire.ask('POST', `/${place.of('events')}/_doc`, event))
      await place.wire.ask('POST', `/${place.of('events')}/_doc`, event)
      const system = await place.open()
      await assert.rejects(async () => system.checkpoint('mark'), { code: 'UNSUPPORTED', message: /is a data stream/ })
    } finally {
      await place.wire.send('DELETE', `/_data_stream/${place.of('events')}`)
      await place.wire.send('DELETE', `/_index_template/${place.of('events')}`)
    }
  })

  describe("way: 'copies'", () => {
    test('brings back what was deleted, made anew, closed and altered', async () => {
      await using place = await aPlace()
      await place.wire.ask('POST', '/_aliases', {
        actions: [{ add: { index: place.of('stock'), alias: place.of('all') } }],
      })
      const branches = [
        () => place.wire.ask('DELETE', `/${place.of('stock')}`),
        async () => {
          await place.wire.ask('DELETE', `/${place.of('stock')}`)
          await place.create('stock', { properties: { left: { type: 'keyword' } } }, { number_of_shards: 2 })
          await place.put('stock', 'lamp', { left: 'none' })
        },
        async () => {
          await place.put('stock', 'lamp', { left: 1 })
          await place.wire.ask('POST', `/${place.of('stock')}/_close`)
        },
        async () => {
          await place.wire.ask('POST', `/${place.of('stock')}/_close`)
          await place.wire.ask('POST', `/${place.of('stock')}/_open`)
          await place.put('stock', 'lamp', { left: 1 })
        },
      ]
      for (const branch of branches) await comesBack(place, branch, { way: 'copies' })
    })

    test('clones only what changed since the last mark', async () => {
      await using place = await aPlace()
      await place.create('orders', {})
      const system = await place.open({ way: 'copies' })
      const [token] = await place.leftovers()
      const clones = async (): Promise<number> => {
        const path = `/venomqa-${token}-*?expand_wildcards=all&filter_path=*.aliases`
        return Object.keys(await place.wire.ask('GET', path)).length
      }
      const first = await system.checkpoint('first')
      await system.checkpoint('second')
      assert.equal(await clones(), 2)
      await place.put('stock', 'lamp', { left: 1 })
      const third = await system.checkpoint('third')
      assert.equal(await clones(), 3)
      await system.release?.(third)
      assert.equal(await clones(), 2)
      await system.rollback(first)
      assert.deepEqual((await place.sources('stock'))['lamp'], '{"left":5}')
    })

    test('brings back documents without _source', async () => {
      await using place = await aPlace()
      await place.create('other', { _source: { enabled: false }, properties: { n: { type: 'long' } } })
      await place.put('other', '1', { n: 1 })
      const system = await place.open({ way: 'copies' })
      const mark = await system.checkpoint('mark')
      await place.put('other', '1', { n: 2 })
      await place.put('other', '2', { n: 3 })
      await system.rollback(mark)
      await place.wire.ask('POST', `/${place.of('other')}/_refresh`)
      const aggs = { sum: { sum: { field: 'n' } } }
      const found = await place.wire.ask('POST', `/${place.of('other')}/_search`, { size: 0, aggs })
      assert.deepEqual(found['aggregations'], { sum: { value: 1 } })
    })
  })

  describe("versions: 'exact'", () => {
    for (const way of ['pit', 'copies'] as const) {
      test(`an application with external versions writes the same ones again: ${way}`, async () => {
        await using place = await aPlace()
        await place.put('stock', 'lamp', '{\n"left":5}', 'version=7&version_type=external')
        const branch = async (): Promise<void> => {
          await place.put('stock', 'lamp', { left: 4 }, 'version=8&version_type=external')
          await place.put('stock', 'new', { left: 4 }, 'version=3&version_type=external')
          await place.delete('stock', 'chair')
        }
        await comesBack(place, branch, { versions: 'exact', way })
        const only = async (): Promise<void> =>
          place.put('stock', 'new', { left: 4 }, 'version=3&version_type=external')
        await comesBack(place, only, { versions: 'exact', way })
      })
    }

    test('without it, they meet a conflict', async () => {
      await using place = await aPlace()
      await place.put('stock', 'lamp', { left: 5 }, 'version=7&version_type=external')
      const system = await place.open()
      const mark = await system.checkpoint('mark')
      const write = (): Promise<void> => place.put('stock', 'lamp', { left: 4 }, 'version=8&version_type=external')
      await write()
      await system.rollback(mark)
      await assert.rejects(write, /version_conflict/)
    })
  })
})
