import { isDeepStrictEqual } from 'node:util'
import { runInNewContext } from 'node:vm'
import * as fc from 'fast-check'
import { expect, test } from 'vitest'
import { canonical } from '../../src/explore/canonical.ts'

const plain = fc.anything({
  withBigInt: true,
  withDate: true,
  withMap: true,
  withSet: true,
  withTypedArray: true,
  withNullPrototype: false,
  withSparseArray: false,
})

test('two values have one text if and only if they are deeply equal', () => {
  fc.assert(
    fc.property(plain, plain, (a, b) => {
      expect(canonical(a) === canonical(b)).toBe(isDeepStrictEqual(a, b))
    }),
    { numRuns: 500 },
  )
})

test('a copy has the text of its original', () => {
  fc.assert(
    fc.property(plain, (value) => {
      expect(canonical(structuredClone(value))).toBe(canonical(value))
    }),
  )
})

test.each([
  [0, -0],
  [null, undefined],
  [{}, { a: undefined }],
  [1, 1n],
  [1, '1'],
  [[], {}],
  [new Map(), new Set()],
  [new Map([['a', 1]]), { a: 1 }],
  [new Date(0), new Date(1)],
  [new Date(NaN), new Date(0)],
  [Buffer.from('a'), Buffer.from('b')],
  [Buffer.from('a'), new Uint8Array([97])],
  [new Set([1]), new Set(['1'])],
  [/a/, /a/g],
  [['a', 'b'], ['a,b']],
  [NaN, null],
])('%o and %o are two', (a, b) => {
  expect(canonical(a)).not.toBe(canonical(b))
})

test.each([
  [
    { a: 1, b: 2 },
    { b: 2, a: 1 },
  ],
  [
    new Map([
      ['a', 1],
      ['b', 2],
    ]),
    new Map([
      ['b', 2],
      ['a', 1],
    ]),
  ],
  [new Set([1, 2]), new Set([2, 1])],
  [NaN, NaN],
  [{ at: new Date(5) }, runInNewContext('({ at: new Date(5) })')],
])('%o and %o are one', (a, b) => {
  expect(canonical(a)).toBe(canonical(b))
})

test('what cannot be compared is named with its place', () => {
  class Money {}
  expect(() => canonical({ db: { orders: [{ total: new Money() }] } }, 'observed')).toThrow(
    'observed.db.orders[0].total is an instance of Money, which cannot be told apart',
  )
  expect(() => canonical({ run: () => 1 })).toThrow('the observation.run is a function')
  const cycle: { self?: unknown } = {}
  cycle.self = cycle
  expect(() => canonical(cycle)).toThrow('the observation.self is a cycle')
})
