import assert from 'node:assert/strict'
import { isDeepStrictEqual } from 'node:util'
import { className, copy } from '../../copy.ts'
import { changesOf, entriesOf, holds, look, putAll, same } from '../fresh.ts'
import type { Law } from '../law.ts'
import { assertListed } from '../listed.ts'

/** Laws of what a system tells about its state. */
export const reports = {
  'changes() lists exactly what changed': {
    needs: 'system.changes',
    async check(s, world) {
      const before = { changed: 'old value', gone: 'gone value', kept: 'kept value', same: 'same value' }
      await putAll(s, before)
      const mark = await world.checkpoint('mark')
      assertListed(await changesOf(world, mark), before, before)
      await s.put('changed', 'new value')
      await s.put('changed', 'newest value')
      await s.put('same', 'another value')
      await s.put('same', 'same value')
      await s.put('fresh', 'fresh value')
      await s.put('brief', 'brief value')
      await s.remove('brief')
      await s.remove('gone')
      const inner = await world.checkpoint('inner')
      const between = await entriesOf(s)
      await s.put('later', 'later value')
      assertListed(await changesOf(world, inner), between, await entriesOf(s))
      assertListed(await changesOf(world, mark), before, await entriesOf(s))
      await world.rollback(inner)
      assertListed(await changesOf(world, inner), between, between)
      assertListed(await changesOf(world, mark), before, between)
      await world.rollback(mark)
      assertListed(await changesOf(world, mark), before, before)
    },
  },
  'observe() is equal if and only if the data is equal': {
    needs: 'system.observe',
    async check(s, world) {
      const empty = await look(world)
      await s.put('a', '1')
      await s.put('b', '2')
      const data = await look(world)
      differ(data, empty, 'observe() does not see what was inserted.')
      await s.put('a', '2')
      await s.put('b', '1')
      differ(await look(world), data, 'observe() does not see that two entries swapped their values.')
      await s.remove('a')
      await s.remove('b')
      same(await look(world), empty, 'The store is as it was, but observe() differs.')
      const mark = await world.checkpoint('mark')
      await s.put('b', '2')
      await s.put('a', '1')
      same(await look(world), data, 'The same data in another order of writing must look the same.')
      await s.remove('a')
      await s.put('c', '1')
      differ(await look(world), data, 'observe() does not see that one entry went and another came.')
      await world.rollback(mark)
      same(await look(world), empty, 'After the rollback observe() differs from what it was at the mark.')
    },
  },
  'observe() hands out plain data of its own': {
    needs: 'system.observe',
    async check(s, world) {
      await s.put('a', '1')
      const data = (await world.observe())['store']?.data
      const then = copy(data, (thing, at) => assert.fail(`observe() hands out ${className(thing)} at data${at}.`))
      await s.put('a', '2')
      await s.put('b', '1')
      same(data, then, 'What observe() returned changed with the store: hand out a copy.')
    },
  },
  'reset() empties the store, and a rollback brings all back': {
    needs: 'system.reset',
    async check(s, world) {
      await s.put('kept', '1')
      const mark = await world.checkpoint('mark')
      await s.put('new', '1')
      await world.reset()
      await holds(s, {}, 'reset() did not empty the store.')
      await s.put('kept', '2')
      await world.rollback(mark)
      await holds(s, { kept: '1' }, 'A rollback did not undo the reset.')
    },
  },
} satisfies Record<string, Law>

function differ(one: unknown, other: unknown, what: string): void {
  assert.ok(!isDeepStrictEqual(one, other), what)
}
