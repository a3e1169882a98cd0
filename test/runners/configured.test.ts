import { mkdirSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import Database from 'better-sqlite3'
import { describe, expect, test, vi } from 'vitest'
import { type Format, JestProject } from './jest-project.ts'
import { PATIENCE, Project } from './project.ts'

vi.setConfig(PATIENCE)

// Worlds without systems: projects/configured names them in its configuration, one of them by a backend of its own.

const VENOMQA = { backends: { notes: './notes.ts#NotesManager' } }
const PASS = ['shop pay', 'shop cancel', 'shop wait its own time', 'a plain test', 'another plain test']
const TRACE = [
  'order finds 0 orders and 0 notes at http://localhost:3000',
  'pay finds 1 orders and 1 notes at http://localhost:3000',
  'cancel finds 1 orders and 1 notes at http://localhost:3000',
  'plain finds 0 orders and 0 notes at plain',
  'another finds 0 orders and 0 notes at plain',
  'unnamed',
  'hooks finds 0 orders and 0 notes at http://localhost:3000',
  'more hooks finds 0 orders and 0 notes at http://localhost:3000',
]

interface Ran {
  readonly passed: readonly string[]
  readonly failed: readonly string[]
  readonly trace: readonly string[]
  readonly text: string
  readonly message: (name: string) => string
}

interface Ready {
  run(env: Record<string, string>): Promise<Ran>
}

/** A package of a workspace, with a configuration of its own. */
function addPackage(project: Project | JestProject, runner: string): void {
  mkdirSync(join(project.folder, 'packages'))
  project.write('packages/venomqa.config.yaml', 'baseUrl: http://own\nsystems: { notes: { url: a, backend: notes } }\n')
  project.write(
    'packages/own.test.ts',
    `import { appendFileSync } from 'node:fs'
    import { defineWorld } from '${runner}'
    const { test } = defineWorld({ api: ({ config }) => config.baseUrl })
    test('own', ({ api }) => appendFileSync(process.env.TRACE, 'own at ' + api + '\\n'))`,
  )
}

/** A project with its database, and its backend registered. */
function ready(project: Project | JestProject): Ready {
  const manifest = JSON.parse(project.read('package.json')) as object
  project.write('package.json', JSON.stringify({ ...manifest, venomqa: VENOMQA }))
  new Database(join(project.folder, 'shop_test.db')).exec('create table orders (name text)').close()
  return {
    async run(env) {
      const ran = await project.run([], env)
      const message = (name: string): string =>
        'messages' in ran ? (ran.messages.get(name) ?? '') : (ran.tests.get(name)?.failureMessages[0] ?? '')
      return { ...ran, message }
    },
  }
}

/** Vitest wants the names of fixtures when it collects a file. */
const FIXTURE = `import { defineWorld } from 'venomqa/vitest'
defineWorld().test.extend({ page: async ({ db }, use) => use(db) })`

async function findsThem({ run }: Ready): Promise<readonly string[]> {
  const { passed, failed, trace, message } = await run({})
  expect(failed).toEqual(['shop wait'])
  expect(message('shop wait')).toContain('step "waits for ever" timed out in 400 ms.')
  expect(passed).toEqual(expect.arrayContaining([...PASS, 'a test that names no system', 'orders']))
  expect(trace).toEqual(expect.arrayContaining(TRACE))
  return trace
}

async function refusesSlips({ run }: Ready): Promise<string> {
  const { passed, trace, text, message } = await run({ VENOMQA_TIMEOT: '1s' })
  expect([passed, trace]).toEqual([[], []])
  for (const name of ['shop pay', 'a plain test', 'orders']) {
    expect(message(name)).toContain('Did you mean VENOMQA_TIMEOUT?')
  }
  return text
}

describe.each(['vitest5', 'vitest4'] as const)('%s', (origin) => {
  test('finds its systems in the configuration', async () => {
    using project = new Project('configured', origin)
    addPackage(project, 'venomqa/vitest')
    project.write('vitest.config.ts', project.read('vitest.config.ts').replace('*.test.ts', '**/*.test.ts'))
    const all = ready(project)
    expect(await findsThem(all)).toContain('own at http://own')
    if (origin === 'vitest4') return
    project.write('fixture.test.ts', FIXTURE)
    expect(await refusesSlips(all)).toContain('The "page" fixture depends on unknown fixture "db"')
    rmSync(join(project.folder, 'fixture.test.ts'))
    const { trace, message } = await all.run({ VENOMQA_BASE_URL: 'http://env', VENOMQA_TIMEOUT: '150ms' })
    expect(message('shop wait')).toContain('timed out in 150 ms.')
    expect(trace).toContain('pay finds 1 orders and 1 notes at http://env')
  })
})

describe.each(['swc', 'esm'] satisfies Format[])('Jest by %s', (format) => {
  test('finds its systems in the configuration', async () => {
    using project = new JestProject('configured', format)
    addPackage(project, 'venomqa/jest')
    const all = ready(project)
    expect(await findsThem(all)).toContain('own at http://own')
    if (format === 'esm') return
    await refusesSlips(all)
    project.write('own.mjs', `export default { dbUrl: 'file:shop_test.db' }`)
    const { message } = await all.run({ VENOMQA_CONFIG: 'own.mjs' })
    expect(message('shop pay')).toContain('Jest runs CommonJS here: write it in the language that Jest transforms')
  })
})
