import pg from 'pg'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { drop, explore, type ExploreOptions, type ExploreReport, reportText } from '../../src/explore/index.ts'
import { memory } from '../../src/systems/memory/index.ts'
import { postgres } from '../../src/systems/postgres/index.ts'
import { World } from '../../src/world.ts'
import { describeServer } from '../servers/server.ts'

interface Session {
  token: string
  seen: Date
}

/** Explores logins of which each makes what `make` answers for its number. */
async function logins(make: (number: number) => Partial<Session>, options: ExploreOptions): Promise<ExploreReport> {
  const store = new Map<string, Partial<Session>[]>([['sessions', []]])
  const counter = new Map([['next', 0]])
  const sessions = (): Partial<Session>[] => store.get('sessions')!
  const login = (): void => {
    const next = counter.get('next')! + 1
    counter.set('next', next)
    store.set('sessions', [...sessions(), make(next)])
  }
  await using world = await World.open({ systems: { store: memory(store), counter: memory(counter) } })
  return await explore(
    world,
    {
      actions: {
        login: { run: login },
        logout: { when: () => sessions().length > 0, run: () => void store.set('sessions', sessions().slice(1)) },
      },
    },
    options,
  )
}

const token = (number: number): Partial<Session> => ({ token: `t${number}`, seen: new Date(0) })

test.each([['steps'], ['states']] as const)('a token that makes every state new is named, ended by %s', async (by) => {
  const { explosion, ended, verdict, ...report } = await logins(token, { budget: { [by]: 150 } })
  expect({ ended, verdict }).toEqual({ ended: by, verdict: 'budget' })
  expect(explosion).toMatchObject({
    code: 'STATE_EXPLOSION',
    culprits: expect.arrayContaining([
      expect.objectContaining({
        place: 'store.sessions.*.token',
        what: 'values',
        normalize: `drop('store.sessions.*.token')`,
      }),
    ]),
  })
  const text = reportText({ ...report, explosion: explosion!, ended, verdict })
  expect(text).toMatch(/STATE_EXPLOSION: \d+ states in \d+ transitions/)
  expect(text).toMatch(/store\.sessions\.\*\.token had \d+ different values in \d+ states, such as "t\d+"/)
  expect(text).toMatch(/take it out: normalize: \[drop\('(store\.sessions\.\*\.token|counter\.next)'\)\]/)
})

test('times ask for time(), and names that are always new are told as such', async () => {
  const timed = await logins((number) => ({ seen: new Date(number) }), { budget: { steps: 150 } })
  expect(timed.explosion?.culprits).toContainEqual(
    expect.objectContaining({ place: 'store.sessions.*.seen', normalize: 'time()' }),
  )

  const cache = new Map<string, string>()
  const next = new Map([['next', 0]])
  const put = (): void => {
    next.set('next', next.get('next')! + 1)
    cache.clear()
    cache.set(`session:${next.get('next')}`, 'ann')
  }
  await using world = await World.open({ systems: { cache: memory(cache), next: memory(next) } })
  const actions = { put: { run: put }, clear: { run: () => cache.clear() } }
  const named = await explore(world, { actions }, { budget: { steps: 300 } })
  expect(named.explosion?.culprits).toContainEqual(expect.objectContaining({ place: 'cache', what: 'names' }))
})

test('many tables and rows that are always there are not to blame, what is in one of them is', async () => {
  const store = new Map<string, object[]>([['sessions', []]])
  store.set(
    'settings',
    Array.from({ length: 60 }, (_, number) => ({ number })),
  )
  for (let number = 0; number < 60; number++) store.set(`table ${number}`, [{ rows: number }])
  const login = (): void => void store.set('sessions', [{ token: `t${++count}` }])
  let count = 0
  await using world = await World.open({ systems: { store: memory(store) } })
  const { explosion } = await explore(
    world,
    { actions: { login: { run: login } } },
    { budget: { steps: 150 }, oracles: { nondeterminism: 'off', hiddenState: 'off' } },
  )
  expect(explosion?.culprits.map(({ place, what }) => ({ place, what }))).toEqual([
    { place: 'store.sessions.*.token', what: 'values' },
  ])
})

test('what ends by itself, is finite, or has just begun is no explosion', async () => {
  const finite = await logins(token, { maxDepth: 8, budget: { steps: 500 } })
  expect(finite).toMatchObject({ verdict: 'exhausted' })
  expect(finite.explosion).toBeUndefined()
  const begun = await logins(token, { budget: { steps: 20 } })
  expect(begun).toMatchObject({ ended: 'steps' })
  expect(begun.explosion).toBeUndefined()

  // Many states of few values each: nothing of them is to blame.
  const lamps = new Map<string, boolean>()
  await using world = await World.open({ systems: { lamps: memory(lamps) } })
  const toggle = (lamp: string) => ({ run: () => void lamps.set(lamp, !lamps.get(lamp)) })
  const actions = Object.fromEntries(Array.from('abcdefghijkl').map((lamp) => [lamp, toggle(lamp)]))
  const many = await explore(world, { actions }, { budget: { states: 300 }, strategy: 'bfs' })
  expect(many).toMatchObject({ ended: 'states' })
  expect(many.explosion).toBeUndefined()
})

/** Explores numbers, of which each action sets or moves one. */
async function numbers(actions: Record<string, (map: Map<string, unknown>) => void>, options: ExploreOptions) {
  const map = new Map<string, unknown>()
  await using world = await World.open({ systems: { db: memory(map) } })
  const runs = Object.entries(actions).map(([name, act]) => [name, { run: () => act(map) }])
  return await explore(world, { actions: Object.fromEntries(runs) }, { seed: 1, ...options })
}

const moved = (key: string, by: number) => (map: Map<string, unknown>) =>
  void map.set(key, (Number(map.get(key) ?? 0) + by + 15) % 15)

test('states of few values are no explosion, nor are those that are reached again and again', async () => {
  const digits = ['a', 'b'].flatMap((key) => Array.from({ length: 9 }, (_, to) => [key, to] as const))
  const sets = digits.map(([key, to]) => [`${key}${to}`, (map: Map<string, unknown>) => void map.set(key, to)] as const)
  const few = await numbers(Object.fromEntries(sets), { budget: { states: 60 }, strategy: 'bfs' })
  expect(few).toMatchObject({ ended: 'states' })
  expect(few.explosion).toBeUndefined()

  const grid = { up: moved('a', 1), down: moved('a', 14), left: moved('b', 1), right: moved('b', 14) }
  const again = await numbers(grid, { budget: { steps: 880 }, strategy: 'bfs' })
  expect(again).toMatchObject({ ended: 'steps' })
  expect(again.coverage.states).toBeGreaterThan(200)
  expect(again.explosion).toBeUndefined()
})

test('of very many states some are looked at, and the three worst places told; what a Set holds is one place', async () => {
  let next = 0
  const put = (map: Map<string, unknown>): void => {
    next += 1
    for (const key of ['a', 'b', 'c', 'd']) map.set(key, next)
    map.set('tags', new Set([next]))
  }
  const oracles = { nondeterminism: 'off', hiddenState: 'off' } as const
  const { explosion } = await numbers({ put }, { budget: { steps: 600 }, oracles })
  expect(explosion?.culprits).toHaveLength(3)
  expect(explosion?.sampled).toBeLessThan(250)
  const tags = (map: Map<string, unknown>): void => void map.set('tags', new Set([(next += 1)]))
  const set = await numbers({ tags }, { budget: { steps: 100 }, oracles })
  expect(set.explosion?.culprits).toMatchObject([{ place: 'db.tags.*' }])
  const count = (map: Map<string, unknown>): void => {
    next += 1
    map.set('rare', Math.floor(next / 3)).set('often', next)
  }
  const counted = await numbers({ count }, { budget: { steps: 200 }, oracles })
  expect(counted.explosion?.culprits.map(({ place }) => place)).toEqual(['db.often', 'db.rare'])
})

test('what is new each time is named also where there are few states, since none of them is reached again', async () => {
  let next = 0
  const login = (map: Map<string, unknown>): void => void map.set('token', (next += 1))
  const look = (): void => undefined
  const actions = Object.fromEntries(
    Array.from({ length: 42 }, (_, i) => (i < 12 ? [`login ${i}`, login] : [`look ${i}`, look])),
  )
  const oracles = { nondeterminism: 'off', hiddenState: 'off' } as const
  // With one checkpoint only, to go back to a state is to do it all again.
  const options = { oracles, maxMarks: 1, maxDepth: 3, strategy: 'bfs' } as const
  const { verdict, ended, coverage, explosion } = await numbers(actions, options)
  expect({ verdict, ended, coverage }).toMatchObject({ verdict: 'budget', ended: undefined, coverage: { lost: 12 } })
  expect(coverage.states).toBeLessThan(50)
  expect(explosion?.culprits[0]).toMatchObject({ place: 'db.token', what: 'values' })
})

describeServer('postgres', (server) => {
  const name = `vq_explosion_test_t${process.pid}`
  const admin = new pg.Client({ connectionString: server })
  const url = Object.assign(new URL(server), { pathname: `/${name}` }).href
  beforeAll(async () => {
    await admin.connect()
    await admin.query(`create database ${name}`)
  })
  afterAll(async () => {
    await admin.query(`drop database ${name} with (force)`)
    await admin.end()
  })

  test('the column that is new in each state is named, and taken out it is none', async () => {
    const pool = new pg.Pool({ connectionString: url })
    pool.on('error', () => undefined)
    await pool.query(
      `create table orders (id serial primary key, status text default 'new', placed timestamptz default clock_timestamp())`,
    )
    await using world = await World.open({ systems: { db: postgres(url) } })
    const model = {
      actions: {
        order: { run: () => pool.query('insert into orders default values'), maxPerPath: 3 },
        pay: { run: () => pool.query(`update orders set status = 'paid', placed = clock_timestamp()`) },
      },
    }
    const options = { budget: { steps: 90 }, oracles: { nondeterminism: 'off', hiddenState: 'off' } } as const
    const { explosion } = await explore(world, model, options)
    expect(explosion?.culprits[0]).toMatchObject({ place: 'db.orders.*.placed' })
    const mended = await explore(world, model, { ...options, normalize: drop('db.orders.*.placed') })
    expect(mended).toMatchObject({ verdict: 'exhausted' })
    await pool.end()
  })
})
