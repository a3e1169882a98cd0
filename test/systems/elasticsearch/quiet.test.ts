import assert from 'node:assert/strict'
import { test } from 'vitest'
import { describeServer } from '../../servers/server.ts'
import { assertSame, contentsOf } from './contents.ts'
import { Application } from './application.ts'
import { Place } from './place.ts'

describeServer('elasticsearch', (url) => {
  /** An update of one document a second, until it is cancelled. */
  const slowly = async (place: Place): Promise<() => Promise<unknown>> => {
    const slow = '_update_by_query?requests_per_second=1&scroll_size=1&wait_for_completion=false&conflicts=proceed'
    await place.wire.ask('POST', `/${place.of('stock')}/_refresh`)
    const { task } = await place.wire.ask('POST', `/${place.of('stock')}/${slow}`, { script: 'ctx._source.left = 0' })
    return () => place.wire.ask('POST', `/_tasks/${String(task)}/_cancel?wait_for_completion=true`)
  }

  test('a write that runs is waited for, then named; one into other indices is not', async () => {
    await using place = await Place.stocked(url)
    await using other = await Place.stocked(url)
    const system = await place.open({ settle: 100 })
    const mark = await system.checkpoint('mark')
    const cancelOther = await slowly(other)
    await system.rollback(await system.checkpoint('beside it'))
    await cancelOther()
    const cancel = await slowly(place)
    const named = {
      code: 'NOT_QUIET',
      retryable: true,
      message: /update\/byquery update-by-query \[shop_test[^]*settle/,
    }
    await assert.rejects(async () => system.checkpoint('too early'), named)
    await assert.rejects(async () => system.rollback(mark), named)
    await cancel()
    await system.rollback(mark)
    assert.deepEqual(await place.sources('stock'), { chair: '{"left":5}', lamp: '{"left":5}' })
  })

  test('marks that are taken while others write come back exactly, or are refused', { timeout: 60_000 }, async () => {
    await using place = await Place.stocked(url)
    const index = place.of('stock')
    const applications = await Promise.all([1, 2].map(() => Application.start(url)))
    const state = { isOver: false }
    const acknowledged = new Map<string, number>()
    const write = async (application: Application, who: number): Promise<void> => {
      for (let turn = 0; !state.isOver; turn += 1) {
        const id = `${who}-${turn % 7}`
        if (turn % 5 === 4) await application.ask('DELETE', `/${index}/_doc/${id}`).catch(() => undefined)
        else await application.ask('PUT', `/${index}/_doc/${id}`, { left: turn })
        acknowledged.set(id, turn)
        await new Promise((resolve) => setTimeout(resolve, (turn * 17) % 40))
        if (turn % 11 === 0) await application.ask('POST', `/${index}/_refresh`)
      }
    }
    const system = await place.open()
    let taken = 0
    for (let round = 0; round < 4; round += 1) {
      state.isOver = false
      const writers = applications.map((application, who) => write(application, who))
      const mark = await Promise.resolve(system.checkpoint('busy')).catch((error: { code: string }) => error)
      const left = new Map(acknowledged)
      await new Promise((resolve) => setTimeout(resolve, 50))
      state.isOver = true
      await Promise.all(writers)
      if ('code' in mark) {
        assert.equal(mark.code, 'NOT_QUIET')
        continue
      }
      taken += 1
      await system.rollback(mark)
      const before = await contentsOf(place.wire, place.name)
      // What was written before the mark is there, unless the same writer came again before it.
      for (const [id, text] of Object.entries(await place.sources('stock'))) {
        const turn = left.get(id)
        if (turn !== undefined) assert.ok((JSON.parse(text) as { left: number }).left <= turn + 7, `${id}: ${text}`)
      }
      await place.put('stock', 'after', { left: 1 })
      await place.delete('stock', 'lamp')
      await system.rollback(mark)
      assertSame(await contentsOf(place.wire, place.name), before)
      assert.deepEqual(await system.changes(mark), [])
      await system.release?.(mark)
    }
    assert.ok(taken > 0, 'every mark was refused')
    await Promise.all(applications.map((application) => application.kill()))
  })

  test('what is written during a rollback is undone as well, or the rollback is refused', async () => {
    await using place = await Place.stocked(url)
    const index = place.of('stock')
    const system = await place.open()
    const mark = await system.checkpoint('mark')
    const before = await contentsOf(place.wire, place.name)
    await using application = await Application.start(url)
    for (let round = 0; round < 6; round += 1) {
      await place.put('stock', 'lamp', { left: round })
      const rolledBack = Promise.allSettled([system.rollback(mark)])
      const late: Promise<unknown>[] = []
      for (let n = 0; n < 3; n += 1) {
        await new Promise((resolve) => setTimeout(resolve, round * 2))
        late.push(application.ask('PUT', `/${index}/_doc/late-${n}`, { left: round }))
      }
      await Promise.all(late)
      const [result] = await rolledBack
      if (result.status === 'rejected') assert.equal((result.reason as { code: string }).code, 'NOT_QUIET')
      // Whatever the first one left, it is seen.
      await system.rollback(mark)
      assertSame(await contentsOf(place.wire, place.name), before)
    }
  })
})
