import assert from 'node:assert/strict'
import { test } from 'vitest'
import { describeServer } from '../../servers/server.ts'
import { assertSame, contentsOf } from './contents.ts'
import { kill, runner } from './killed.ts'
import { Place } from './place.ts'

describeServer('elasticsearch', (url) => {
  test('with perWorker each worker has copies of the indices, which are gone in the end', async () => {
    await using place = await Place.stocked(url)
    await place.create('routed', { properties: { r: { type: 'keyword' } } }, { number_of_shards: 2 })
    await place.put('routed', '1', '{"r":1.0}', 'routing=a')
    const alias = { index: place.of('stock'), alias: place.of('all'), filter: { term: { left: 5 } } }
    await place.wire.ask('POST', '/_aliases', { actions: [{ add: alias }] })
    const template = await contentsOf(place.wire, place.name)
    const [one, two] = [await place.open({ perWorker: true }, '1'), await place.open({ perWorker: true }, 'x.2')]
    assert.equal(new URL(one.url ?? '').searchParams.get('prefix'), 'w1-')
    assert.equal(new URL(two.url ?? '').searchParams.get('prefix'), 'wx_2-')
    for (const prefix of ['w1-', 'wx_2-']) {
      const copies = [...(await contentsOf(place.wire, prefix + place.name))].map(([key, text]) => [
        key.replaceAll(prefix, ''),
        text.replaceAll(prefix, ''),
      ])
      assertSame(new Map(copies as [string, string][]), template)
    }
    const mark = await one.checkpoint('mark')
    const before = await contentsOf(place.wire, `w1-${place.name}`)
    await place.wire.ask('PUT', `/w1-${place.of('stock')}/_doc/lamp`, { left: 0 })
    await place.wire.ask('PUT', `/w1-${place.of('orders')}/_doc/1`, {})
    await one.rollback(mark)
    assertSame(await contentsOf(place.wire, `w1-${place.name}`), before)
    await Promise.all([one.close?.(), two.close?.()])
    for (const prefix of ['w1-', 'wx_2-']) {
      const left = await place.wire.ask('GET', `/${prefix}${place.name}*?expand_wildcards=all`)
      assert.deepEqual(left, {})
    }
    assertSame(await contentsOf(place.wire, place.name), template)
  })

  test("a killed worker's copies are made anew, and foreign indices of such a name are not touched", async () => {
    await using place = await Place.stocked(url)
    await kill(await runner(place, { perWorker: true }, 'nothing'))
    await place.wire.ask('PUT', `/w1-${place.of('stock')}/_doc/lamp`, { left: 0 })
    const system = await place.open({ perWorker: true })
    const lamp = await place.wire.ask('GET', `/w1-${place.of('stock')}/_source/lamp`)
    assert.deepEqual(lamp, { left: 5 })
    await system.close?.()
    await place.wire.ask('PUT', `/w1-${place.of('foreign')}/_doc/1`, {})
    await assert.rejects(async () => place.open({ perWorker: true }), {
      code: 'NOT_A_TEST_DATABASE',
      message: /would be this worker's, but it is there already/,
    })
    await place.wire.ask('GET', `/w1-${place.of('foreign')}/_doc/1`)
  })

  test('a prefix for each worker leaves the others alone', async () => {
    await using place = await Place.stocked(url)
    const prefix = ({ id }: { id: string }): string => `${place.name}-${id}-`
    const [one, two] = await Promise.all(['1', '2'].map((id) => place.open({ indices: [], prefix }, id)))
    const marks = [await one?.checkpoint('mark'), await two?.checkpoint('mark')]
    for (const id of ['1', '2']) await place.put(`${id}-orders`, '1', { of: 'lamp' })
    await one?.rollback(marks[0] as never)
    const left = await place.wire.ask('GET', `/${place.name}-*?filter_path=*.aliases`)
    assert.deepEqual(Object.keys(left).toSorted(), [place.of('2-orders'), place.of('stock')])
  })
})
