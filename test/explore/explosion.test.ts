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
