import { existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import type { FrontierView } from '../../src/explore/index.ts'
import { observation, type Rollbackable, World } from '../../src/index.ts'
import { memory } from '../../src/systems/memory/index.ts'
import { Project } from './project.ts'
import { count, counter, exploreToy, type Toy } from './toy.ts'

// Each row of the table "From the Python original" in docs/explore.md.
const up = counter('n', 3)
const low = { check: ({ db }: Toy) => count(db, 'n') < 2, severity: 'low', message: 'too high' } as const

const rows: Readonly<Record<string, () => Promise<void>>> = {
  'World(api, systems)': async () => {
    await using world = await World.open({ systems: { db: memory(new Map()) }, api: () => 'the api' })
    expect(world.api).toBe('the api')
  },
  'World(clients={…})': async () => {
    const client = { calls: 0 }
    await using world = await World.open({ systems: { db: memory(new Map()) }, api: () => client })
    await world.explore({ actions: { call: { when: ({ api }) => api.calls < 3, run: ({ api }) => void api.calls++ } } })
    expect(client.calls).toBeGreaterThan(0)
  },
  'World(setup=…, teardown=…)': async () => {
    const db = new Map<string, unknown>([['n', 2]])
    expect((await exploreToy({ actions: { up } }, {}, db)).coverage.states).toBe(2)
    expect([...db]).toEqual([['n', 2]])
  },
  'Rollbackable.checkpoint, rollback, observe': async () => {
    let n = 0
    const system: Rollbackable<number> = {
      kind: 'tree',
      checkpoint: () => n,
      rollback: (mark) => void (n = mark),
      observe: () => observation('counter', n),
    }
    await using world = await World.open({ systems: { system } })
    const { coverage } = await world.explore({ actions: { up: { when: () => n < 3, run: () => void (n += 1) } } })
    expect([coverage.states, n]).toEqual([4, 0])
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
  'DimensionNovelty()': async () => {
    const far = { next: (frontier: FrontierView) => ({ state: frontier.farthest()! }) }
    expect((await exploreToy({ actions: { up } }, { strategy: far })).coverage.states).toBe(4)
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
  'Action(expected_status=[…])': async () => {
    const pay = {
      run: () => ({ status: 204 }),
      ensure: (_: Toy, __: object, { result }: { result: unknown }) =>
        [200, 201].includes((result as { status: number }).status) || 'neither 200 nor 201',
    }
    expect((await exploreToy({ actions: { pay } })).violations[0]?.message).toBe('neither 200 nor 201')
  },
  'Invariant(check, severity, message)': async () => {
    const { violations } = await exploreToy({ actions: { up }, invariants: { low } })
    expect(violations[0]).toMatchObject({ name: 'low', severity: 'low', message: 'too high' })
  },
  Severity: async () => {
    for (const severity of ['critical', 'high', 'medium', 'low'] as const) {
      const { violations } = await exploreToy({ actions: { up }, invariants: { low: { ...low, severity } } })
      expect(violations[0]?.severity).toBe(severity)
    }
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
  'State.id, 64 bits': async () => {
    const { graph } = await exploreToy({ actions: { up } })
    expect(new Set(graph.states.map(({ id }) => Buffer.from(id, 'base64url').length))).toEqual(new Set([32]))
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
  coverage_target: async () => {
    const { missed } = await exploreToy({ actions: { up } }, { budget: { steps: 1 }, coverageGoal: { transitions: 1 } })
    expect(missed).toEqual(['coverage: 50 % of the possible steps were tried, and the goal is 100 %'])
  },
  'HTMLTrace, JSON': async () => {
    const folder = mkdtempSync(join(tmpdir(), 'venomqa-mapping-'))
    const files = ['report.html', 'report.json'].map((file) => join(folder, file))
    await exploreToy({ actions: { up } }, { write: files })
    expect(files.map((file) => existsSync(file))).toEqual([true, true])
    rmSync(folder, { recursive: true })
  },
  JUnit: async () => {
    const project = new Project('junit', {
      'test/n.test.ts': `
        import { memory } from 'venomqa/memory'
        import { defineWorld } from 'venomqa/vitest'
        const { explore } = defineWorld({ systems: { db: memory(new Map<string, number>()) } })
        explore('n is never one', {
          actions: { up: { run: ({ db }) => void db.set('n', 1) } },
          invariants: { low: ({ db }) => !db.has('n') },
        })`,
      'vitest.config.ts': `export default { test: { reporters: ['junit'], outputFile: 'junit.xml' } }`,
    })
    project.run('test/n.test.ts')
    expect(project.read('junit.xml')).toMatch(/<testcase [^>]*name="n is never one"[^>]*>\s*<failure message="\s*✗ low/)
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

test.each(Object.entries(rows))(
  '%s',
  async (_, row) => {
    await row()
  },
  60_000,
)
