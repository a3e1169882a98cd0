import { describe, expect, test } from 'vitest'
import { conformance } from '../../src/kit/index.ts'
import { immutable, memory } from '../../src/systems/memory/index.ts'
import { World } from '../../src/world.ts'

describe('memory(map)', () => {
  conformance(
    test,
    () => {
      const map = new Map<string, string>()
      const write = {
        put: (key: string, value: string): void => void map.set(key, value),
        remove: (key: string): void => void map.delete(key),
      }
      return { system: memory(map), ...write, other: write, all: () => Object.fromEntries(map) }
    },
    { runs: 500 },
  )

  test('keeps the Map the same object, with values of its own', async () => {
    const user = { name: 'ada', tags: ['new'] }
    const map = new Map([['user', user]])
    await using world = await World.open({ systems: { store: memory(map) } })
    map.get('user')!.tags.push('paid')
    await world.rollback(world.start)
    expect(world.systems.store).toBe(map)
    expect(map.get('user')).toEqual({ name: 'ada', tags: ['new'] })
    map.get('user')!.tags.push('refunded')
    await world.rollback(world.start)
    expect(map.get('user')).toEqual({ name: 'ada', tags: ['new'] })
  })

  test('reset removes entries, and is undone', async () => {
    const map = new Map<string | number, number>([
      ['a', 1],
      ['b', 2],
      [3, 3],
    ])
    await using world = await World.open({ systems: { store: memory(map) } })
    await world.reset({ except: ['a'] })
    expect([...map.keys()]).toEqual(['a'])
    await world.rollback(world.start)
    await world.reset({ only: ['3', 'a'], except: ['a'] })
    expect([...map.keys()]).toEqual(['a', 'b'])
    await world.reset()
    expect(map.size).toBe(0)
    await world.rollback(world.start)
    expect([...map]).toEqual([
      ['a', 1],
      ['b', 2],
      [3, 3],
    ])
  })

  test('tells its changes by key', async () => {
    const map = new Map<string | number, unknown>([
      ['paid', { total: 1 }],
      [7, 'seven'],
    ])
    await using world = await World.open({ systems: { store: memory(map) } })
    map.set('paid', { total: 2 })
    map.delete(7)
    map.set('new', null)
    expect((await world.changes()).store).toEqual([
      {
        key: 'paid',
        inserted: [],
        updated: [{ before: { value: { total: 1 } }, after: { value: { total: 2 } } }],
        deleted: [],
      },
      { key: '7', inserted: [], updated: [], deleted: [{ value: 'seven' }] },
      { key: 'new', inserted: [{ value: null }], updated: [], deleted: [] },
    ])
  })

  test('refuses what cannot be copied, by its place', async () => {
    const map = new Map([['sockets', [{ client: new URL('http://localhost') }]]])
    await expect(World.open({ systems: { store: memory(map) } })).rejects.toMatchObject({
      code: 'NOT_CLONEABLE',
      message:
        'memory: state.get(sockets)[0].client is an instance of URL, which cannot be copied.\n' +
        'A mark is a copy of the state, and a copy of a class instance or a function would not be the same thing.\n' +
        'Let get() return plain data and set() build the thing from it; or, if it is never mutated, use immutable().',
    })
  })

  test('refuses objects as keys: after a rollback nobody would find their entries', async () => {
    const map = new Map([[{ id: 1 }, 'cart']])
    await expect(World.open({ systems: { store: memory(map) } })).rejects.toMatchObject({
      code: 'NOT_CLONEABLE',
      message:
        'memory: a key of the Map is an object, { id: 1 }.\n' +
        'A mark holds a copy of it, so after a rollback the application would not find the entry by its own object.\n' +
        'Use a string or a number as the key; or, if keys and values are never mutated, use immutable().',
    })
  })
})

describe('memory({ get, set })', () => {
  conformance(test, () => {
    let state: Record<string, string> = {}
    return {
      system: memory({ get: () => state, set: (value) => (state = value) }),
      put: (key, value) => void (state[key] = value),
      remove: (key) => void delete state[key],
      all: () => state,
    }
  })

  test('takes an object whose two functions need it as this', async () => {
    class Cart {
      #items: string[] = []
      get(): string[] {
        return this.#items
      }
      set(items: string[]): void {
        this.#items = items
      }
    }
    const cart = new Cart()
    await using world = await World.open({ systems: { cart: memory(cart) } })
    cart.get().push('book')
    expect((await world.changes()).cart).toMatchObject([
      { key: 'value', updated: [{ before: { value: [] }, after: { value: ['book'] } }] },
    ])
    await world.rollback(world.start)
    expect(cart.get()).toEqual([])
    expect(world.systems.cart).toBe(cart)
  })
})

describe('immutable({ get, set })', () => {
  conformance(test, () => {
    let state: Readonly<Record<string, string>> = {}
    return {
      system: immutable({ get: () => state, set: (value) => (state = value) }),
      put: (key, value) => void (state = { ...state, [key]: value }),
      remove: (key) => {
        const { [key]: _, ...rest } = state
        state = rest
      },
      all: () => state,
    }
  })

  test('goes back in no time, whatever the size: it keeps the reference', async () => {
    let state = { orders: [1] }
    const first = state
    await using world = await World.open({
      systems: { store: immutable({ get: () => state, set: (value) => (state = value) }) },
    })
    state = { orders: [1, 2] }
    await world.rollback(world.start)
    expect(state).toBe(first)
  })
})
