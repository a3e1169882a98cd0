import { expect, test } from 'vitest'
import { placeOf, summary } from '../src/changes.ts'
import type { Change } from '../src/rollbackable.ts'

const none = { inserted: [], updated: [], deleted: [] }
const update = (before: Record<string, unknown>, after: Record<string, unknown>): Change => ({
  ...none,
  table: 'orders',
  updated: [{ before, after }],
})

test('a change is called by its table, collection, index or key', () => {
  expect(placeOf({ ...none, table: 'orders' })).toBe('orders')
  expect(placeOf({ ...none, collection: 'carts' })).toBe('carts')
  expect(placeOf({ ...none, index: 'products' })).toBe('products')
  expect(placeOf({ ...none, key: '' })).toBe('')
  expect(placeOf(none)).toBe('?')
})

test('counts what was inserted, updated and deleted', () => {
  const rows = [{ id: 1 }, { id: 2 }]
  expect(summary({ ...none, table: 'orders', inserted: rows })).toBe('orders: 2 inserted')
  expect(summary({ table: 'orders', inserted: rows, updated: [], deleted: [{ id: 3 }] })).toBe(
    'orders: 2 inserted, 1 deleted',
  )
  const two = [
    { before: { a: 1 }, after: { a: 2 } },
    { before: { a: 1 }, after: { a: 3 } },
  ]
  expect(summary({ ...none, table: 'orders', updated: two })).toBe('orders: 2 updated')
})

test('shows a single update by its columns', () => {
  expect(summary(update({ id: 1, status: 'paid' }, { id: 1, status: 'refunded' }))).toBe(
    'orders: 1 updated (status paid → refunded)',
  )
  expect(summary(update({}, { note: 'gift' }))).toBe('orders: 1 updated (note none → gift)')
  expect(summary(update({ note: null }, { note: '' }))).toBe('orders: 1 updated (note null → )')
  expect(summary(update({ a: 1, b: 1, c: 1 }, { a: 2, b: 2, c: 2 }))).toBe(
    'orders: 1 updated (a 1 → 2, b 1 → 2, c 1 → 2)',
  )
  expect(summary(update({ a: 1, b: 1, c: 1, d: 1, e: 1 }, { a: 2, b: 2, c: 2, d: 2, e: 2 }))).toBe(
    'orders: 1 updated (a 1 → 2, b 1 → 2, c 1 → 2, and 2 more)',
  )
  expect(summary(update({ a: 1 }, { a: 1 }))).toBe('orders: 1 updated')
})

test('does not call equal what only compares so, nor different what is the same', () => {
  const when = (): Date => new Date(0)
  expect(summary(update({ at: when(), tags: ['a'], n: 1 }, { at: when(), tags: ['a'], n: 2 }))).toBe(
    'orders: 1 updated (n 1 → 2)',
  )
  expect(summary(update({ tags: ['a'] }, { tags: ['b'] }))).toBe("orders: 1 updated (tags [ 'a' ] → [ 'b' ])")
})

test('keeps values short and readable, whatever they are', () => {
  const long = 'x'.repeat(50)
  expect(summary(update({ note: 'a' }, { note: long }))).toBe(`orders: 1 updated (note a → ${'x'.repeat(39)}…)`)
  expect(summary(update({ note: 'a' }, { note: long.slice(10) }))).toBe(
    `orders: 1 updated (note a → ${'x'.repeat(40)})`,
  )
  expect(summary(update({ v: 1n }, { v: { n: 1n } }))).toBe('orders: 1 updated (v 1 → { n: 1n })')
  expect(summary(update({ v: Buffer.from('a') }, { v: new Date(0) }))).toBe(
    'orders: 1 updated (v <Buffer 61> → 1970-01-01T00:00:00.000Z)',
  )
  expect(summary(update({ v: new Map([['k', 1]]) }, { v: 'two\nlines' }))).toBe(
    "orders: 1 updated (v Map(1) { 'k' => 1 } → two\\nlines)",
  )
})

test('says that something changed where the system knows no more', () => {
  expect(summary({ ...none, key: 'cart:1' })).toBe('cart:1: changed')
})
