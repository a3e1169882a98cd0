// Exploration: everything within a depth against starting over, six planted bugs against fast-check, the engine's own cost.
import { join } from 'node:path'
import Database from 'better-sqlite3'
import * as fc from 'fast-check'
import pg from 'pg'
import { World } from '../src/index.ts'
import type { Action } from '../src/explore/index.ts'
import { explore } from '../src/explore/index.ts'
import type { Rollbackable } from '../src/rollbackable.ts'
import { memory } from '../src/systems/memory/index.ts'
import { postgres } from '../src/systems/postgres/index.ts'
import { sqlite } from '../src/systems/sqlite/index.ts'
import { type ActionName, type Bug, DEPTHS, Shop, shopModel, type Store } from '../test/explore/shop.ts'
import type { Bench } from './bench.ts'

/** Measures P10, P11 and P12. */
export async function run({ quick, row, scratch, service }: Bench): Promise<void> {
  const depth = quick ? 6 : 10
  const known = quick ? 130 : 1644
  const server = service('postgres18')
  const places = {
    'a SQLite file': () => onFile(join(scratch(), 'test.db')),
    PostgreSQL: () => onPostgres(server),
  }
  for (const [place, open] of Object.entries(places)) {
    const ours = await exhaust(await open(), depth)
    const peer = await startOver(await open(), depth)
    row({
      // A file in this process writes in microseconds: to walk a path again there costs less than to look at the state.
      ...(place === 'PostgreSQL' && { id: 'P10', goal: { atLeast: 5 } }),
      work: `${place}, everything within ${depth} steps`,
      ours: { name: 'rollback, bfs', ms: ours.ms },
      peers: { 'start over, replay': peer.ms },
      correct: ours.states === known && peer.states === known,
    })
  }

  const seeds = Array.from({ length: quick ? 3 : 31 }, (_, i) => i + 1)
  const ratios: number[] = []
  for (const bug of Object.keys(DEPTHS) as (keyof typeof DEPTHS)[]) {
    const found = await inTurn(seeds, (seed) => find(bug, seed))
    const settings = { default: {}, 'max 60': { maxCommands: 60, size: 'max' as const } }
    const peers: { name: string; all: Awaited<ReturnType<typeof findByFastCheck>>[] }[] = []
    for (const [name, options] of Object.entries(settings)) {
      peers.push({ name, all: await inTurn(seeds, (seed) => findByFastCheck(bug, seed, options)) })
    }
    const calls = median(found.map(({ actions }) => actions))
    const best = Math.min(...peers.map(({ all }) => median(all.map(({ actions }) => actions))))
    ratios.push(best / calls)
    row({
      work: `find and shorten ${bug}: ${calls} calls, p90 ${p90(found.map(({ actions }) => actions))}, shortest in ${found.filter(({ length }) => length === DEPTHS[bug]).length} of ${seeds.length}`,
      ours: { name: 'auto', ms: median(found.map(({ ms }) => ms)) },
      peers: Object.fromEntries(
        peers.map(({ name, all }) => [
          `fast-check ${name}: ${median(all.map(({ actions }) => actions))} calls, found ${all.filter(({ isFound }) => isFound).length}`,
          median(all.map(({ ms }) => ms)),
        ]),
      ),
      figure: { value: best / calls, unit: '× fewer calls' },
      correct: found.every(({ length }) => length >= DEPTHS[bug]),
    })
  }
  const mean = Math.exp(ratios.reduce((sum, ratio) => sum + Math.log(ratio), 0) / ratios.length)
  row({
    id: 'P11',
    work: 'find and shorten the six bugs, geometric mean',
    ours: { name: 'auto', ms: Number.NaN },
    peers: {},
    figure: { value: mean, unit: '× fewer calls' },
    goal: { atLeast: 4 },
    correct: true,
  })

  const states = quick ? 5000 : 50_000
  const { overhead, reached } = await engine(states)
  row({
    id: 'P12',
    work: `the engine's own time a step at ${states} states`,
    ours: { name: 'bfs', ms: overhead / 1000 },
    peers: {},
    figure: { value: overhead, unit: ' µs' },
    goal: { atMost: 20 },
    correct: reached === states,
  })
}

/** A store that an application writes to with commits of its own, and the system that rolls it back. */
interface Place extends Store {
  readonly system: Rollbackable
  close(): Promise<void>
}

async function onFile(path: string): Promise<Place> {
  const db = new Database(path)
  db.pragma('journal_mode = wal')
  db.exec('drop table if exists kv; create table kv (key text primary key, value text not null)')
  const put = db.prepare('insert into kv values (?, ?) on conflict (key) do update set value = excluded.value')
  const all = db.prepare<[], { key: string; value: string }>('select key, value from kv')
  return {
    system: sqlite(path),
    put: (key, value) => void put.run(key, value),
    all: () => Object.fromEntries(all.all().map(({ key, value }) => [key, value])),
    close: async () => void db.close(),
  }
}

async function onPostgres(server: string): Promise<Place> {
  const pool = new pg.Pool({ connectionString: server })
  await pool.query('drop table if exists kv; create table kv (key text primary key, value text not null)')
  return {
    system: postgres(server, { allowDatabase: 'postgres' }),
    put: async (key, value) => {
      await pool.query('insert into kv values ($1, $2) on conflict (key) do update set value = $2', [key, value])
    },
    all: async () => {
      const { rows } = await pool.query<{ key: string; value: string }>('select key, value from kv')
      return Object.fromEntries(rows.map(({ key, value }) => [key, value]))
    },
    close: () => pool.end(),
  }
}

async function exhaust(place: Place, maxDepth: number) {
  const { actions } = shopModel(await new Shop(place).open())
  const world = await World.open({ systems: { db: place.system } })
  const options = { strategy: 'bfs', maxDepth, audit: 0, seed: 1, budget: { time: '10m' } } as const
  const { cost, coverage } = await world.explore({ actions }, options)
  await world.close()
  await place.close()
  return { ms: cost.ms, states: coverage.states }
}

/** What one writes without rollback: for each call the shop is filled anew and the path to it is walked again. */
async function startOver(place: Place, maxDepth: number) {
  const shop = new Shop(place)
  const { actions } = shopModel(shop)
  const begun = performance.now()
  await shop.open()
  const look = async (): Promise<string> => JSON.stringify(await place.all())
  const seen = new Set([await look()])
  const queue: string[][] = [[]]
  for (const path of queue) {
    if (path.length === maxDepth) continue
    for (const [name, action] of Object.entries(actions)) {
      await shop.open()
      for (const step of path) await shop.do(step as ActionName)
      if (!(await action.when?.({}, {}))) continue
      await shop.do(name as ActionName)
      const state = await look()
      if (!seen.has(state)) queue.push([...path, name])
      seen.add(state)
    }
  }
  const ms = performance.now() - begun
  await place.close()
  return { ms, states: seen.size }
}

async function find(bug: Bug, seed: number) {
  const map = new Map<string, string>()
  const store: Store = { put: (key, value) => void map.set(key, value), all: () => Object.fromEntries(map) }
  const model = shopModel(await new Shop(store, bug).open())
  await using world = await World.open({ systems: { db: memory(map) } })
  const { violations, cost } = await explore(world, model, { seed })
  return { actions: cost.actions, ms: cost.ms, length: violations[0]?.path.length ?? Infinity }
}

/** The same shop, preconditions and rules as commands of fast-check. What is not found in time counts with what it took. */
async function findByFastCheck(bug: Bug, seed: number, options: fc.CommandsContraints) {
  let calls = 0
  const map = new Map<string, string>()
  const shop = new Shop({ put: (key, value) => void map.set(key, value), all: () => Object.fromEntries(map) }, bug)
  const { actions, invariants } = shopModel(shop)
  const command = ([name, action]: [string, Action<object>]) =>
    fc.constant<fc.AsyncCommand<object, object, true>>({
      check: async () => (await action.when?.({}, {})) ?? true,
      async run() {
        calls += 1
        await action.run({}, {})
        for (const rule of Object.values(invariants)) if (!(await rule({}, { observed: {} }))) throw new Error(name)
      },
      toString: () => name,
    })
  const begun = performance.now()
  const { failed, counterexample } = await fc.check(
    fc.asyncProperty(fc.commands(Object.entries(actions).map(command), options), async (commands) => {
      await shop.open()
      await fc.asyncModelRun(() => ({ model: {}, real: {} }), commands)
    }),
    { seed, numRuns: 1_000_000, interruptAfterTimeLimit: 5000, markInterruptAsFailure: false },
  )
  return { actions: calls, ms: performance.now() - begun, isFound: failed && counterexample !== null }
}

/** How long the engine itself takes a step, in µs: all but what it waits for the world and the model. */
async function engine(states: number) {
  const map = new Map(['a', 'b', 'c', 'd', 'e'].map((dial) => [dial, 0]))
  await using world = await World.open({ systems: { db: memory(map) } })
  let outside = 0
  const timed = async <T>(work: () => Promise<T>): Promise<T> => {
    const begun = performance.now()
    try {
      return await work()
    } finally {
      outside += performance.now() - begun
    }
  }
  const watched = {
    systems: world.systems,
    api: undefined,
    ctx: world.ctx,
    tainted: undefined,
    checkpoint: (name: string) => timed(() => world.checkpoint(name)),
    rollback: (mark: { name: string }) => timed(() => world.rollback(mark)),
    release: (mark: { name: string }) => timed(() => world.release(mark)),
    changes: (mark: { name: string }) => timed(() => world.changes(mark)),
    observe: () => timed(() => world.observe()),
    holds: (mark: { name: string }) => world.holds(mark),
    run: (name: string, work: () => unknown, timeout: number) => timed(async () => world.run(name, work, timeout)),
  } as unknown as typeof world
  const turn = (dial: string): Action<object> => ({ run: () => void map.set(dial, (map.get(dial)! + 1) % 9) })
  const actions = Object.fromEntries([...map.keys()].map((dial) => [dial, turn(dial)]))
  const options = { strategy: 'bfs', audit: 0, seed: 1, budget: { states, time: '10m' } } as const
  const { cost, coverage } = await explore(watched, { actions }, options)
  return { overhead: ((cost.ms - outside) / cost.steps) * 1000, reached: coverage.states }
}

async function inTurn<T>(seeds: readonly number[], work: (seed: number) => Promise<T>): Promise<T[]> {
  const all: T[] = []
  for (const seed of seeds) all.push(await work(seed))
  return all
}

function median(numbers: readonly number[]): number {
  return numbers.toSorted((a, b) => a - b)[numbers.length >> 1] ?? Number.NaN
}

function p90(numbers: readonly number[]): number {
  return numbers.toSorted((a, b) => a - b)[Math.floor(numbers.length * 0.9)] ?? Number.NaN
}
