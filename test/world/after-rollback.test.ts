import { describe, expect, test } from 'vitest'
import { memory } from '../../src/systems/memory/index.ts'
import { World } from '../../src/world.ts'
import { thrownBy } from './store.ts'

/** An application that keeps what it read in its own memory. */
function application() {
  const rows = new Map([['lamp', 10]])
  const cache = new Map<string, number | undefined>()
  const price = (item: string): number | undefined => {
    if (!cache.has(item)) cache.set(item, rows.get(item))
    return cache.get(item)
  }
  const raise = (item: string): void => {
    rows.set(item, (rows.get(item) ?? 0) + 1)
    cache.delete(item)
  }
  return { rows, price, raise, forget: () => cache.clear() }
}

describe('afterRollback', () => {
  test('makes the application forget what it kept in its own memory', async () => {
    const app = application()
    const open = (options: { afterRollback?: () => void }) =>
      World.open({ systems: { shop: memory(app.rows) }, ...options })

    await using without = await open({})
    app.raise('lamp')
    expect(app.price('lamp')).toBe(11)
    await without.rollback(without.start)
    expect(app.price('lamp')).toBe(11)
    await without.close()

    app.forget()
    await using world = await open({ afterRollback: app.forget })
    app.raise('lamp')
    expect(app.price('lamp')).toBe(11)
    await world.rollback(world.start)
    expect(app.price('lamp')).toBe(10)
  })

  test('is called when all systems are back, also after a reset and when the world closes', async () => {
    const [rows, keys] = [new Map([['a', 1]]), new Map([['b', 2]])]
    const seen: string[] = []
    const world = await World.open({
      systems: { rows: memory(rows), keys: memory(keys) },
      api: () => ({ seen: (what: string) => void seen.push(what) }),
      afterRollback: ({ api, systems }) => api.seen(`${systems.rows.size} ${systems.keys.size}`),
    })
    expect(seen).toEqual([])
    rows.set('c', 3)
    keys.set('d', 4)
    await world.rollback(world.start)
    expect(seen).toEqual(['1 1'])
    await world.reset()
    expect(seen).toEqual(['1 1', '0 0'])
    await world.close()
    expect(seen).toEqual(['1 1', '0 0', '1 1'])
  })

  test('that fails taints the world until it works again', async () => {
    const rows = new Map([['a', 1]])
    let works = false
    await using world = await World.open({
      systems: { rows: memory(rows) },
      afterRollback: async () => {
        if (!works) throw new Error('connect ECONNREFUSED')
      },
    })
    rows.clear()
    expect(await thrownBy(() => world.rollback(world.start))).toMatchObject({
      code: 'ROLLBACK_FAILED',
      message:
        'afterRollback failed after the way back to "start": connect ECONNREFUSED\n' +
        'The systems are done, but the application may still remember what was there before.\n' +
        'Mend it where the world is defined; it must also work when nothing is there to forget.',
    })
    expect(world.tainted?.code).toBe('ROLLBACK_FAILED')
    works = true
    await world.recover()
    expect(world.tainted).toBeUndefined()
    expect(rows).toEqual(new Map([['a', 1]]))
  })

  test('that makes the application write is found out', async () => {
    const rows = new Map([['a', 1]])
    await using world = await World.open({
      systems: { rows: memory(rows) },
      afterRollback: () => void rows.set('forgotten at', Date.now()),
    })
    expect(await thrownBy(() => world.rollback(world.start))).toMatchObject({ code: 'NOT_VERIFIED' })
    rows.delete('forgotten at')
    await expect(world.close()).rejects.toMatchObject({ code: 'NOT_VERIFIED' })
  })
})
