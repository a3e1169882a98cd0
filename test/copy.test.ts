import { runInNewContext } from 'node:vm'
import { describe, expect, test } from 'vitest'
import { className, copy } from '../src/copy.ts'

const refuse = (thing: object, at: string): never => {
  throw new Error(`${at} is ${className(thing)}`)
}
const byReference = (thing: object): object => thing

describe('copies whole', () => {
  const values: Record<string, unknown> = {
    'plain objects and arrays': { a: [1, { b: null }], c: undefined, '': true },
    'primitives of every kind': ['text', -0, Number.NaN, 7n, Symbol.for('s'), false],
    dates: new Date(1_700_000_000_000),
    'an invalid date': new Date(Number.NaN),
    'regular expressions': /a+/giu,
    maps: new Map<unknown, unknown>([
      ['k', { n: 1 }],
      [{ id: 1 }, 2],
    ]),
    sets: new Set([1, { n: 2 }]),
    buffers: Buffer.from('text'),
    'typed arrays': new Float64Array([1.5, Number.NaN]),
    'data views': new DataView(new Uint8Array([1, 2, 3]).buffer, 1, 1),
    'array buffers': new Uint8Array([1, 2]).buffer,
    'objects without a prototype': Object.assign(Object.create(null) as object, { a: 1 }),
    'keys that are symbols': { [Symbol.for('hidden')]: [1] },
    'sparse arrays': [1, , 3], // oxlint-disable-line no-sparse-arrays
  }
  for (const [what, value] of Object.entries(values)) {
    test(what, () => {
      const made = copy(value, refuse)
      expect(made).toStrictEqual(value)
      if (typeof value === 'object') expect(made).not.toBe(value)
    })
  }

  test('things of another realm, as runners have them', () => {
    const elsewhere = `({ list: [1, { a: 1 }], map: new Map([[1, new Set([2])]]), at: new Date(0), re: /x/g, none: Object.create(null) })`
    const made = copy(runInNewContext(elsewhere) as object, refuse)
    expect(made).toEqual({
      list: [1, { a: 1 }],
      map: new Map([[1, new Set([2])]]),
      at: new Date(0),
      re: /x/g,
      none: {},
    })
  })

  test('and shares nothing that can be changed', () => {
    const before = {
      list: [{ n: 1 }],
      map: new Map([['k', { n: 1 }]]),
      set: new Set([1]),
      at: new Date(0),
      bytes: Buffer.from('a'),
      part: new Uint8Array([1, 2, 3]).subarray(1),
      view: new DataView(new Uint8Array([1, 2, 3]).buffer, 1, 1),
    }
    const made = copy(before, refuse)
    before.list[0]!.n = 2
    before.list.push({ n: 3 })
    before.map.get('k')!.n = 2
    before.set.add(2)
    before.at.setTime(1)
    before.bytes[0] = 98
    before.part[0] = 98
    before.view.setInt8(0, 98)
    expect(made).toEqual({
      list: [{ n: 1 }],
      map: new Map([['k', { n: 1 }]]),
      set: new Set([1]),
      at: new Date(0),
      bytes: Buffer.from('a'),
      part: new Uint8Array([2, 3]),
      view: new DataView(new Uint8Array([2]).buffer),
    })
  })

  test('cycles and things that are there twice', () => {
    const shared = { n: 1 }
    const value: { self?: unknown; one: object; two: object; map: Map<string, unknown> } = {
      one: shared,
      two: shared,
      map: new Map(),
    }
    value.self = value
    value.map.set('self', value)
    const made = copy(value, refuse)
    expect(made.self).toBe(made)
    expect(made.map.get('self')).toBe(made)
    expect(made.one).toBe(made.two)
    expect(made.one).not.toBe(shared)
  })

  test('a key called __proto__, as a key', () => {
    const made = copy(JSON.parse('{"__proto__": {"admin": true}}') as object, refuse)
    expect(Object.keys(made)).toEqual(['__proto__'])
    expect((made as { admin?: boolean }).admin).toBeUndefined()
  })

  test('what is frozen as something that can be changed', () => {
    const made = copy(Object.freeze({ list: Object.freeze([1]) as number[] }), refuse)
    made.list.push(2)
    expect(made.list).toEqual([1, 2])
  })
})

describe('leaves to its caller', () => {
  class Cart {
    items = [1]
  }
  class Rows extends Array<number> {
    count = 1
  }
  class Registry extends Map<string, number> {}
  const things: [thing: object, name: string][] = [
    [new Cart(), 'an instance of Cart'],
    [new Rows(), 'an instance of Rows'],
    [new Registry(), 'an instance of Registry'],
    [new (class extends Date {})(), 'an instance of an unnamed class'],
    [() => 1, 'a function'],
    [Cart, 'a function'],
    [new Error('x'), 'an instance of Error'],
    [Promise.resolve(), 'an instance of Promise'],
    [new WeakMap(), 'an instance of WeakMap'],
    [new URL('http://localhost'), 'an instance of URL'],
    [Object.create({ inherited: 1 }) as object, 'an object with a prototype of its own'],
    [Object.create(Object.create(null) as object) as object, 'an object with a prototype of its own'],
  ]
  for (const [thing, name] of things) {
    test(name, () => {
      expect(() => copy({ at: thing }, refuse)).toThrow(new Error(`.at is ${name}`))
      expect(copy({ at: thing }, byReference).at).toBe(thing)
    })
  }

  test('and tells where it lies', () => {
    const client = new Cart()
    const cases: [value: unknown, at: string][] = [
      [{ cart: { items: [0, { client }] } }, '.cart.items[1].client is an instance of Cart'],
      [new Map([['k', { client }]]), '.get(k).client is an instance of Cart'],
      [new Map([[client, 1]]), ' key is an instance of Cart'],
      [{ seen: new Set([client]) }, '.seen entry is an instance of Cart'],
      [client, ' is an instance of Cart'],
    ]
    for (const [value, message] of cases) expect(() => copy(value, refuse)).toThrow(new Error(message))
  })

  test('once, also when it is there twice', () => {
    const thing = new Cart()
    let asked = 0
    const other = (): object => ({ n: ++asked })
    expect(copy([thing, thing], other)).toEqual([{ n: 1 }, { n: 1 }])
  })
})
