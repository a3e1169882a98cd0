import { expect, test } from 'vitest'
import { drop, why } from '../../src/explore/index.ts'
import { World } from '../../src/index.ts'
import { memory } from '../../src/systems/memory/index.ts'

test('why says where two states differ, or what makes them equal', async () => {
  const db = new Map<string, unknown>([['order', { status: 'paid', at: 1 }]])
  await using world = await World.open({ systems: { db: memory(db) }, context: () => ({ seen: 0 }) })
  const paid = await world.observe()
  const mark = await world.checkpoint('paid')
  db.set('order', { status: 'refunded', at: 1 })
  const refunded = await world.observe()
  await world.rollback(mark)
  db.set('order', { status: 'paid', at: 2 })
  world.ctx.seen = 0
  const later = await world.observe()

  expect(why(paid, refunded)).toEqual({
    same: false,
    differences: [{ place: 'db.order.status', before: 'paid', after: 'refunded' }],
    text: 'They differ:\ndb.order.status "paid" → "refunded"',
  })
  expect(why(paid, later, [drop('db.*.at')])).toEqual({
    same: true,
    differences: [],
    text: 'They are the same: normalize makes equal what differs in\ndb.order.at 1 → 2',
  })
  expect(why(paid, paid).text).toBe('They are the same: their data is equal.')
  expect(await world.why(paid, later, [drop('db.*.at')])).toEqual(why(paid, later, [drop('db.*.at')]))
  expect(await world.why(paid, refunded)).toMatchObject({ same: false })
})

test('a place in a Map is named by its key, and what is short is shown whole', async () => {
  const notes = (end: string) => new Map([[{ id: 1 }, `the same beginning, then ${end}`]])
  const db = new Map([['notes', notes('a')]])
  await using world = await World.open({ systems: { db: memory(db) } })
  const before = await world.observe()
  db.set('notes', notes('b'))
  expect(why(before, await world.observe()).text).toBe(
    'They differ:\ndb.notes.{"id":1} "the same beginning, then a" → "the same beginning, then b"',
  )
})

test('of long texts, why shows the part that differs', async () => {
  const db = new Map([['page', `${'same '.repeat(50)}before ${'same '.repeat(50)}`]])
  await using world = await World.open({ systems: { db: memory(db) } })
  const before = await world.observe()
  db.set('page', db.get('page')!.replace('before', 'after'))
  expect(why(before, await world.observe()).text).toBe(
    'They differ:\ndb.page ' +
      '… same same same before same same same same same same same … → ' +
      '… same same same after same same same same same same same s…',
  )
})
