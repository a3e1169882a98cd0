import { describe, expect, test } from 'vitest'
import { drop, ids, round, sort, time } from '../../src/explore/index.ts'

describe('drop', () => {
  const data = { db: { orders: [{ id: 1, token: 'x' }], users: [{ token: 'y' }] }, ctx: { token: 'z' } }

  test('leaves out what is named', () => {
    expect(drop('ctx.token')(data)).toEqual({ ...data, ctx: {} })
  })
  test('* stands for one name, ** for any number', () => {
    expect(drop('db.orders.*.token')(data)).toEqual({ ...data, db: { ...data.db, orders: [{ id: 1 }] } })
    expect(drop('**.token')(data)).toEqual({ db: { orders: [{ id: 1 }], users: [{}] }, ctx: {} })
  })
  test('* within a name stands for any text, and a name may have dots', () => {
    const cache = { 'sess:a.b': 1, 'sess:c': 2, sess: 3, 'a.txt': { content: 4, mode: 5 }, 'b.c.txt': { content: 6 } }
    const without = (...places: string[]) => drop(...places)({ cache })
    expect(without('cache.sess:*')).toEqual({ cache: { ...cache, 'sess:a.b': undefined, 'sess:c': undefined } })
    expect(without('cache.a.txt.content', 'cache.b.c.txt')).toEqual({
      cache: { ...cache, 'a.txt': { mode: 5 }, 'b.c.txt': undefined },
    })
    expect(without('cache.*.content')).toEqual({ cache: { ...cache, 'a.txt': { mode: 5 }, 'b.c.txt': {} } })
    expect(without('**.b.c.txt.content')).toEqual({ cache: { ...cache, 'b.c.txt': {} } })
    expect(without('cache.s*s:c*')).toEqual({ cache: { ...cache, 'sess:c': undefined } })
    expect(without('cache.ses*ess', 'cache.txt', 'cache.b.c', 'cache.*.txt')).toEqual({ cache })
  })
  test('knows the keys of a Map', () => {
    expect(drop('db.*.at')({ db: new Map([['a', { at: 1, n: 2 }]]) })).toEqual({ db: new Map([['a', { n: 2 }]]) })
  })
  test('what does not match stays the very same', () => {
    expect(drop('db.nothing.*')(data)).toBe(data)
  })
})

test('round takes what is behind the point', () => {
  expect(round(['**.rate'], 1)({ a: { rate: 1.26 }, b: 1.26 })).toEqual({ a: { rate: 1.3 }, b: 1.26 })
})

test('sort takes the order out of arrays', () => {
  expect(sort('rows')({ rows: [{ b: 1 }, { a: 2 }] })).toEqual(sort('rows')({ rows: [{ a: 2 }, { b: 1 }] }))
})

describe('time', () => {
  const at = (first: number, second: number) => ({
    rows: [{ at: new Date(first) }, { at: new Date(second).toISOString(), name: '2026' }],
  })

  test('keeps which is earlier, and no more', () => {
    expect(time()(at(1, 5))).toEqual(time()(at(2, 9)))
    expect(time()(at(1, 5))).not.toEqual(time()(at(5, 1)))
    expect(time()(at(1, 5))).toEqual({ rows: [{ at: 'time 0' }, { at: 'time 1', name: '2026' }] })
  })
  test('sees what is less than a millisecond apart, as databases write it', () => {
    const rows = {
      a: '2026-01-01 10:00:00.000002+00',
      b: '2026-01-01T10:00:00.000001Z',
      c: '2026-01-01 11:00:00.000001+01',
    }
    expect(time()(rows)).toEqual({ a: 'time 1', b: 'time 0', c: 'time 0' })
  })
  test('leaves what looks like a time and is none', () => {
    expect(time()({ a: '0000-00-00 00:00:00', b: new Date(5) })).toEqual({ a: '0000-00-00 00:00:00', b: 'time 0' })
  })
  test('keeps nothing when told so', () => {
    expect(time({ keep: 'nothing' })(at(1, 5))).toEqual(time({ keep: 'nothing' })(at(5, 1)))
  })
  test('takes numbers only where it is told that they are times', () => {
    expect(time()({ at: 5, n: 7 })).toEqual({ at: 5, n: 7 })
    expect(time({ places: ['at'] })({ at: 5, n: 7 })).toEqual({ at: 'time 0', n: 7 })
  })
  test('takes digits in text there, as Redis keeps numbers', () => {
    const job = { timestamp: '1795338050250', finishedOn: '1795338050328.5', name: 'mail 7', n: '7' }
    expect(time({ places: ['timestamp', 'finishedOn', 'name'] })(job)).toEqual({
      ...job,
      timestamp: 'time 0',
      finishedOn: 'time 1',
    })
  })
})

describe('ids', () => {
  const shop = (first: string, second: string) => ({
    db: {
      orders: [
        { id: first, total: 100 },
        { id: second, total: 200 },
      ].toSorted((a, b) => (a.id < b.id ? -1 : 1)),
      payments: [{ order: second, amount: 200 }],
    },
    ctx: { orders: [first, second] },
  })
  const everywhere = ids({ order: ['db.orders.*.id', 'db.payments.*.order', 'ctx.orders.*'] })
  const normal = (data: unknown) => sort('db.orders')(everywhere(data))

  test('states that differ only in the ids they drew are equal', () => {
    expect(normal(shop('x', 'a'))).toEqual(normal(shop('p', 'q')))
  })
  test('what refers to what is kept', () => {
    const wrong = shop('x', 'a')
    wrong.db.payments[0]!.order = 'x'
    expect(normal(wrong)).not.toEqual(normal(shop('x', 'a')))
  })
  test('rows that are told apart only by what refers to them keep their references', () => {
    const twins = (paid: string) => ({
      db: { orders: [{ id: 'a' }, { id: 'b' }], payments: [{ order: paid }] },
    })
    expect(sort('db.orders')(everywhere(twins('a')))).toEqual(sort('db.orders')(everywhere(twins('b'))))
    const both = { db: { orders: [{ id: 'a' }, { id: 'b' }], payments: [{ order: 'a' }, { order: 'b' }] } }
    expect(everywhere(both)).not.toEqual(everywhere(twins('a')))
  })
})
