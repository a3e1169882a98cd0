import { describe, expect, test } from 'vitest'
import { Context } from '../src/context.ts'
import { memory } from '../src/systems/memory/index.ts'
import { World } from '../src/world.ts'

const open = () => World.open({ systems: { db: memory(new Map()) }, context: () => ({ ids: [] as number[] }) })

describe('ctx', () => {
  test('goes back with the systems, deep, for each branch anew', async () => {
    await using world = await open()
    world.ctx.ids.push(1)
    const mark = await world.checkpoint('paid')
    for (const branch of [2, 3]) {
      world.ctx.ids.push(branch)
      expect(world.ctx.ids).toEqual([1, branch])
      await world.rollback(mark)
      expect(world.ctx.ids).toEqual([1])
    }
    await world.rollback(world.start)
    expect(world.ctx.ids).toEqual([])
  })

  test('is empty without a context()', async () => {
    await using world = await World.open({ systems: { db: memory(new Map()) } })
    world.ctx['user'] = 'ada'
    await world.rollback(world.start)
    expect(world.ctx).toEqual({})
  })

  test('refuses at the checkpoint what cannot be remembered, and the world goes on without it', async () => {
    await using world = await World.open({ systems: { db: memory(new Map()) } })
    world.ctx['http'] = { client: new URL('http://localhost') }
    await expect(world.checkpoint('paid')).rejects.toMatchObject({
      code: 'NOT_CLONEABLE',
      message: expect.stringMatching(/^ctx\.http\.client is an instance of URL, which cannot be remembered\.\n/),
    })
    delete world.ctx['http']
    await world.checkpoint('paid')
  })
})

describe('the values of steps', () => {
  const [order, refund] = [{ name: 'order' }, { name: 'refund' }]

  test('go back with the systems', async () => {
    await using world = await open()
    world.values.set(order, { id: 1, lines: ['book'] })
    const mark = await world.checkpoint('paid')
    world.values.set(refund, { id: 9 })
    ;(world.values.get(order) as { lines: string[] }).lines.push('gift')
    expect(world.values.get(order)).toEqual({ id: 1, lines: ['book', 'gift'] })
    await world.rollback(mark)
    expect(world.values.has(refund)).toBe(false)
    expect(world.values.get(order)).toEqual({ id: 1, lines: ['book'] })
    await world.rollback(world.start)
    expect(world.values.has(order)).toBe(false)
  })

  test('may be mutated in one branch without the next one seeing it, however often they are read', async () => {
    await using world = await open()
    world.values.set(order, { lines: ['book'] })
    const outer = await world.checkpoint('outer')
    const inner = await world.checkpoint('inner')
    for (const mark of [inner, outer, outer]) {
      const value = world.values.get(order) as { lines: string[] }
      expect(value).toEqual({ lines: ['book'] })
      expect(world.values.get(order)).toBe(value)
      value.lines.push(mark.name)
      await world.rollback(mark)
    }
    expect(world.values.get(order)).toEqual({ lines: ['book'] })
  })

  test('that are mutated and then marked keep what was done', async () => {
    await using world = await open()
    world.values.set(order, { lines: ['book'] })
    await world.checkpoint('ordered')
    ;(world.values.get(order) as { lines: string[] }).lines.push('gift')
    const paid = await world.checkpoint('paid')
    ;(world.values.get(order) as { lines: string[] }).lines.length = 0
    await world.rollback(paid)
    expect(world.values.get(order)).toEqual({ lines: ['book', 'gift'] })
  })

  test('keep class instances and functions by reference, such as an HTTP response', async () => {
    await using world = await open()
    const response = new Response('{}')
    const close = (): void => {}
    world.values.set(order, { response, close, body: { id: 1 } })
    await world.rollback(await world.checkpoint('ordered'))
    const value = world.values.get(order) as { response: Response; close: () => void; body: { id: number } }
    expect(value.response).toBe(response)
    expect(value.close).toBe(close)
    expect(value.body).toEqual({ id: 1 })
  })

  test('may be undefined, and one that is not there is not there after it was looked for', () => {
    const context = new Context({})
    context.set(order, undefined)
    expect([context.has(order), context.get(order)]).toEqual([true, undefined])
    expect(context.get(refund)).toBeUndefined()
    expect(context.has(refund)).toBe(false)
    const mark = context.checkpoint()
    expect([context.has(order), context.has(refund)]).toEqual([true, false])
    context.rollback(mark)
    expect([context.has(order), context.has(refund)]).toEqual([true, false])
  })
})
