import { randomUUID } from 'node:crypto'
import { describe, expect, test } from 'vitest'
import { drop, ids, type Oracle, reportText, sort, time } from '../../src/explore/index.ts'
import { World } from '../../src/index.ts'
import { memory } from '../../src/systems/memory/index.ts'
import { open } from './places.ts'
import { Shop, shopModel } from './shop.ts'
import { count, counter, exploreToy, type Toy } from './toy.ts'

const found = ({ violations, warnings }: Awaited<ReturnType<typeof exploreToy>>) =>
  [...violations, ...warnings].map(({ name }) => name)

test('rejectionMutates: a refused call changed the state', async () => {
  await using at = await open('memory')
  const { actions } = shopModel(await new Shop(at.store, 'rejectMutates').open())
  const { verdict, warnings } = await at.world.explore({ actions }, { maxDepth: 5, strategy: 'bfs' })
  expect([verdict, warnings[0]?.name, warnings[0]?.path.at(-1)?.action]).toEqual([
    'exhausted',
    'rejectionMutates',
    'refund',
  ])
  const strict = await at.world.explore({ actions }, { maxDepth: 5, oracles: { rejectionMutates: 'error' } })
  expect(strict.violations[0]).toMatchObject({ name: 'rejectionMutates', reproduced: true })
  const off = await at.world.explore({ actions }, { maxDepth: 5, oracles: { rejectionMutates: 'off' } })
  expect(found(off)).toEqual([])
})

test('serverError: an answer of 500 and more', async () => {
  const get = { run: ({ db }: Toy) => ({ status: count(db, 'n') === 2 ? 500 : 200 }) }
  const { violations } = await exploreToy({ actions: { up: counter('n', 3), get } })
  expect(violations[0]).toMatchObject({ name: 'serverError', message: 'get was answered with 500' })
  expect(violations[0]?.path.map(({ action }) => action)).toEqual(['up', 'up', 'get'])
})

test('readonlyMutates: what says that it reads, writes', async () => {
  const list = { traits: { readonly: true }, run: ({ db }: Toy) => void (count(db, 'n') === 1 && db.set('read', true)) }
  const { violations } = await exploreToy({ actions: { up: counter('n', 2), list } })
  expect(violations[0]).toMatchObject({ name: 'readonlyMutates' })
  expect(violations[0]?.path).toHaveLength(2)
})

test('idempotence: what says that twice is once, is not', async () => {
  const put = { traits: { idempotent: true }, ...counter('n', 3) }
  const { violations } = await exploreToy({ actions: { put } })
  expect(violations[0]).toMatchObject({ name: 'idempotence', reproduced: true })
  expect(violations[0]?.path).toHaveLength(2)
})

test('deadAction: never possible, or never accepted', async () => {
  const model = {
    actions: {
      up: counter('n', 2),
      never: { when: () => false, run: () => 1 },
      refused: { run: () => ({ status: 403 }) },
    },
  }
  const { verdict, warnings } = await exploreToy(model)
  expect(verdict).toBe('exhausted')
  expect(warnings.map(({ message }) => message).toSorted()).toEqual([
    'never was possible in no state',
    'refused was never accepted',
  ])
})

describe('nondeterminism', () => {
  test.each([Number, String])('a sequence that is not rolled back: %o', async (as) => {
    let sequence = 0
    const order = {
      when: ({ db }: Toy) => db.size < 3,
      run: ({ db }: Toy) => void db.set(`row ${db.size}`, { id: as(++sequence) }),
    }
    const { violations } = await exploreToy({ actions: { order } })
    expect(violations[0]).toMatchObject({ name: 'nondeterminism' })
    expect(violations[0]?.message).toContain(`If it is a generated id: normalize: [ids(`)
  })
  test('a clock', async () => {
    let now = 0
    const order = {
      when: ({ db }: Toy) => db.size < 3,
      run: ({ db }: Toy) => void db.set(`row ${db.size}`, new Date(++now)),
    }
    const report = await exploreToy({ actions: { order } })
    expect(reportText(report)).toMatch(/^ +1\. order$/m)
    expect(report.violations[0]?.message).toMatch(/^order led elsewhere .* normalize: \[time\(\)\]/s)
    expect(await exploreToy({ actions: { order } }, { normalize: time() })).toMatchObject({ verdict: 'exhausted' })
  })
  test('two times of which now one and now the other is earlier', async () => {
    let now = 0
    const order = {
      when: ({ db }: Toy) => db.size === 0,
      run: ({ db }: Toy) => void db.set('row', { sent: new Date(++now % 2), seen: new Date(++now % 3) }),
    }
    const report = await exploreToy({ actions: { order } }, { normalize: time() })
    expect(report.violations[0]?.message).toContain(`normalize: [time({ keep: 'nothing' })]`)
    const { verdict } = await exploreToy({ actions: { order } }, { normalize: time({ keep: 'nothing' }) })
    expect(verdict).toBe('exhausted')
  })
  test.each([
    randomUUID(),
    '65f1c0ffee0123456789abcd',
    'jrspkgfm4npcekdmz08goqno',
    'V1StGXR8_Z5jdHi6B-myT',
    '1795338419120-100',
  ])('a random id such as %s is taken for one', async (id) => {
    let count = 10
    const order = { run: ({ db }: Toy) => void db.set('order', { id: id.slice(0, -2) + count++ }) }
    const { violations } = await exploreToy({ actions: { order } })
    expect(violations[0]?.message).toContain(`normalize: [ids({ id: ['db.order.id'] })]`)
  })

  test('times and random ids are told at once, with every place that they were seen in', async () => {
    const order = {
      when: ({ db }: Toy) => db.size === 0,
      run: ({ db }: Toy) => {
        const id = randomUUID()
        const at = new Date(Math.random() * 1e12)
        for (const row of ['row 1', 'row 2']) db.set(row, { at, lines: [{ order: id }, { order: id }] })
        db.set('order', { id, at })
      },
    }
    const { violations } = await exploreToy({ actions: { order } })
    const normalize = [time(), ids({ id: ['db.row 1.lines.*.order', 'db.row 2.lines.*.order', 'db.order.id'] })]
    expect(violations[0]?.message).toContain(
      "and random ids: normalize: [time(), ids({ id: ['db.row 1.lines.*.order', 'db.row 2.lines.*.order', 'db.order.id'] })]",
    )
    expect(await exploreToy({ actions: { order } }, { normalize })).toMatchObject({ verdict: 'exhausted' })
  })

  test.each([
    ['milliseconds', () => Date.now()],
    ['seconds', () => Math.floor(Date.now() / 1000)],
    ['milliseconds in text, as Redis keeps them', () => String(Date.now())],
  ])('a clock that is read as a number, %s, is told with its places', async (_, now) => {
    let later = 0
    const mail = {
      when: ({ db }: Toy) => db.size === 0,
      run: ({ db }: Toy) => {
        const at = now()
        const moved = Number(at) + (later += 1)
        db.set('mails:1', { at: typeof at === 'string' ? String(moved) : moved, date: new Date(later) })
      },
    }
    const { violations } = await exploreToy({ actions: { mail } })
    const places = ['db.mails:*.at']
    expect(violations[0]?.message).toContain(`normalize: [time(), time({ places: ['${places[0]}'] })]`)
    expect(await exploreToy({ actions: { mail } }, { normalize: [time(), time({ places })] })).toMatchObject({
      verdict: 'exhausted',
    })
  })

  test('short random ids are told where an id is expected, with the other places of the same one', async () => {
    const drawn = ['PrFbq11udt', 'DtaKXMNPjI', 'ckGDzAhlEE', '7V2IaFRtZI']
    let draws = 0
    const order = {
      when: ({ db }: Toy) => db.size === 0,
      run: ({ db, ctx }: Toy) => {
        const objectId = drawn[draws++ % drawn.length]!
        ctx.orders.push(objectId)
        db.set('order', {
          objectId,
          colour: ['DarkGreen', 'LightBlue'][draws % 2],
          kindId: ['GameScore', 'Installation'][draws % 2],
        })
      },
    }
    const { violations } = await exploreToy({ actions: { order } })
    expect(violations[0]?.message).toContain(`normalize: [ids({ id: ['db.order.objectId', 'ctx.orders.*'] })]`)
  })

  test.each([
    ['is refused', () => ({ status: 409 }), 'it was answered with 201, then it was answered with 409; db.games'],
    [
      'fails',
      () => Promise.reject(new Error('no such table')),
      'it was answered with 201, then it failed (no such table); db.games',
    ],
  ])('an application that remembers what was undone: the second time it %s', async (_, again, text) => {
    const known = new Set<string>()
    const create = {
      run: ({ db }: Toy) => {
        if (known.has('games')) return again()
        known.add('games')
        db.set('games', [])
        return { status: 201 }
      },
    }
    const { violations } = await exploreToy({ actions: { create } })
    expect(violations[0]?.message).toContain(text)
    expect(violations[0]?.message).toContain('If the application remembers what was undone')
    expect(violations[0]?.message).not.toContain('normalize')
  })

  test('an answer that is another one is told, also where the state is the same', async () => {
    let asked = 0
    const read = { run: () => ({ status: asked++ === 0 ? 200 : 404 }) }
    const { violations } = await exploreToy({ actions: { read } })
    expect(violations[0]?.message).toContain('it was answered with 200, then it was answered with 404. If the')
  })

  test('a random name is told as *', async () => {
    const login = { run: ({ db }: Toy) => void db.set(`session:${randomUUID()}`, { id: 'ann', paid: false }) }
    const { violations } = await exploreToy({ actions: { login } })
    expect(violations[0]?.message).toContain(`normalize: [drop('db.session:*')]`)
  })

  test('a long name of words and a number stays what it is', async () => {
    let count = 0
    const order = { run: ({ db }: Toy) => void db.set('shop_test-products-v1', { colour: `red ${(count += 1)}` }) }
    const { violations } = await exploreToy({ actions: { order } })
    expect(violations[0]?.message).toContain(`normalize: [drop('db.shop_test-products-v1.colour')]`)
  })

  test('random ids, and the actions that use them once they are normalised', async () => {
    const order = {
      when: ({ ctx }: Toy) => ctx.orders.length < 2,
      run({ db, ctx }: Toy) {
        const id = randomUUID()
        db.set(`order ${ctx.orders.push(id)}`, { id, paid: false })
      },
    }
    const pay = {
      params: { order: { from: ({ ctx }: Toy) => ctx.orders } },
      run({ db, ctx }: Toy, { order: id }: { readonly order?: unknown }) {
        db.set(`order ${ctx.orders.indexOf(id as string) + 1}`, { id, paid: true })
      },
    }
    const { violations } = await exploreToy({ actions: { order, pay } })
    expect(violations[0]).toMatchObject({ name: 'nondeterminism' })
    expect(violations[0]?.message).toContain('If it is a random id')
    const normalize = [ids({ order: ['db.*.id', 'ctx.orders.*'] }), sort('ctx.orders')]
    const { verdict, coverage } = await exploreToy({ actions: { order, pay } }, { normalize })
    expect([verdict, coverage.states]).toEqual(['exhausted', 7])
  })
})

test('hiddenState: something decides that is not observed', async () => {
  const detected = await Promise.all(
    Array.from({ length: 20 }, async (_, seed) => {
      // Every third refusal opens the door: the count of refusals is rolled back and not part of the state.
      const db = new Map<string, unknown>()
      const knock = {
        run: ({ db: map }: Toy) => {
          const knocks = count(map, 'knocks') + 1
          map.set('knocks', knocks)
          if (knocks % 3 === 0) map.set('open', true)
        },
      }
      const close = { run: ({ db: map }: Toy) => void map.delete('open') }
      const report = await exploreToy(
        { actions: { knock, close, up: counter('n', 5) } },
        { seed, normalize: drop('db.knocks') },
        db,
      )
      return report.violations.some(({ name, kind }) => kind === 'oracle' && name === 'hiddenState')
    }),
  )
  expect(detected.filter(Boolean).length).toBeGreaterThanOrEqual(19)
})

test('rollbackLeak: the initial state does not come back', async () => {
  const db = new Map<string, unknown>([['opened', 0]])
  const leaky = {
    ...memory(db),
    rollback: () => db.set('opened', count(db, 'opened') + 1).delete('n'),
  } as unknown as ReturnType<typeof memory<string, unknown>>
  await using world = await World.open({ systems: { db: leaky }, verify: 'off' })
  const oracles = { nondeterminism: 'off', hiddenState: 'off' } as const
  const { violations } = await world.explore(
    { actions: { up: counter('n', 1) as never } },
    { oracles, strategy: 'bfs' },
  )
  expect(violations[0]).toMatchObject({ name: 'rollbackLeak', path: [] })
  expect(violations[0]?.message).toContain('did not bring it back: db.opened 1 →')
})

test.each(['serverError', 'readonlyMutates', 'idempotence'] satisfies Oracle[])(
  '%s can be told to warn only',
  async (name) => {
    const both = { traits: { readonly: true, idempotent: true }, ...counter('n', 3) }
    const failing = { run: () => ({ status: 500 }) }
    const oracles = { serverError: 'warn', readonlyMutates: 'warn', idempotence: 'warn' } as const
    const { verdict, warnings } = await exploreToy({ actions: { both, failing } }, { oracles })
    expect(verdict).toBe('exhausted')
    expect(warnings.map((warning) => warning.name)).toContain(name)
  },
)
