import { readFileSync } from 'node:fs'
import { expect, test } from 'vitest'
import { observation, type Rollbackable, World } from '../../src/index.ts'
import { memory } from '../../src/systems/memory/index.ts'
import { count, counter, exploreToy, type Toy } from './toy.ts'

// Each row of the table "From the Python original" in docs/explore.md.
const up = counter('n', 3)
const low = { check: ({ db }: Toy) => count(db, 'n') < 2, severity: 'low', message: 'too high' } as const

const rows: Readonly<Record<string, () => Promise<void>>> = {
  'World(api, systems)': async () => {
    await using world = await World.open({ systems: { db: memory(new Map()) }, api: () => 'the api' })
    expect(world.api).toBe('the api')
  },
  'state_from_context=[…]': async () => {
    const order = { when: ({ ctx }: Toy) => ctx.orders.length < 2, run: ({ ctx }: Toy) => void ctx.orders.push('x') }
    expect((await exploreToy({ actions: { order } })).coverage.states).toBe(3)
  },
  'Agent(world, …).explore()': async () => {
    expect((await exploreToy({ actions: { up } })).verdict).toBe('exhausted')
  },
  'BFS(), DFS(), Random(), CoverageGuided(), MCTS()': async () => {
    for (const strategy of ['bfs', 'dfs', 'random', 'coverage', 'mcts'] as const) {
      expect((await exploreToy({ actions: { up } }, { strategy })).coverage.states).toBe(4)
    }
  },
  'Weighted(…)': async () => {
    const actions = { rare: { ...counter('a', 99), weight: 0.01 }, often: { ...counter('b', 99), weight: 10 } }
    const { coverage } = await exploreToy({ actions }, { strategy: 'random', budget: { steps: 40 } })
    expect(coverage.actions['often']!.runs).toBeGreaterThan(coverage.actions['rare']!.runs)
  },
  'Action(preconditions=[…])': async () => {
    expect((await exploreToy({ actions: { up } })).coverage.actions['up']?.runs).toBe(3)
  },
  'Action(max_calls=n)': async () => {
    const free = { run: up.run, maxPerPath: 2 }
    expect((await exploreToy({ actions: { free } })).coverage.depth).toBe(2)
  },
  'Action(expect_failure=True)': async () => {
    const pay = {
      run: () => ({ status: 200 }),
      ensure: (_: Toy, __: object, { result }: { result: unknown }) =>
        (result as { status: number }).status === 402 || 'it was accepted',
    }
    expect((await exploreToy({ actions: { pay } })).violations[0]?.message).toBe('it was accepted')
  },
  'Invariant(check, severity, message)': async () => {
    const { violations } = await exploreToy({ actions: { up }, invariants: { low } })
    expect(violations[0]).toMatchObject({ name: 'low', severity: 'low', message: 'too high' })
  },
  'Observation.create(…)': async () => {
    let n = 0
    const system: Rollbackable<number> = {
      checkpoint: () => n,
      rollback: (mark) => void (n = mark),
      observe: () => observation('counter', { n }, { at: Date.now() }),
    }
    await using world = await World.open({ systems: { system } })
    const { coverage } = await world.explore({ actions: { up: { when: () => n < 3, run: () => void (n += 1) } } })
    expect(coverage.states).toBe(4)
  },
  'shrink=True': async () => {
    const model = { actions: { up, noise: counter('m', 9) }, invariants: { low } }
    expect((await exploreToy(model, { strategy: 'dfs' })).violations[0]).toMatchObject({ path: { length: 2 } })
    expect((await exploreToy(model, { strategy: 'walk', shrink: false, seed: 4 })).violations[0]?.minimal).not.toBe(
      'shrunk',
    )
  },
  'Violation.reproduction_path': async () => {
    const { violations } = await exploreToy({ actions: { up }, invariants: { low } })
    expect(violations[0]?.path.map(({ action }) => action)).toEqual(['up', 'up'])
  },
  max_steps: async () => {
    expect(await exploreToy({ actions: { up } }, { budget: { steps: 1 } })).toMatchObject({ ended: 'steps' })
  },
}

test('the table of the docs has these rows', () => {
  const page = readFileSync(new URL('../../docs/explore.md', import.meta.url), 'utf8')
  const table = page.slice(page.indexOf('## From the Python original')).split('\n').slice(4)
  const names = table
    .filter((line) => line.startsWith('|'))
    .map((line) => line.split('|')[1]!.replaceAll('`', '').trim())
  expect(names).toEqual(Object.keys(rows))
})

test.each(Object.entries(rows))('%s', async (_, row) => {
  await row()
})
