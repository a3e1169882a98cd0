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
]

interface Ran {
  readonly passed: readonly string[]
  readonly failed: readonly string[]
  readonly trace: readonly string[]
  readonly message: (name: string) => string
}

interface Ready {
  run(env: Record<string, string>): Promise<Ran>
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

async function findsThem({ run }: Ready): Promise<void> {
  const { passed, failed, trace, message } = await run({})
  expect(failed).toEqual(['shop wait'])
  expect(message('shop wait')).toContain('step "waits for ever" timed out in 400 ms.')
  expect(passed).toEqual(expect.arrayContaining([...PASS, 'a test that names no system', 'orders']))
  expect(trace).toEqual(expect.arrayContaining(TRACE))
}

async function refusesSlips({ run }: Ready): Promise<void> {
  const { passed, trace, message } = await run({ VENOMQA_TIMEOT: '1s' })
  expect([passed, trace]).toEqual([[], []])
  for (const name of ['shop pay', 'a plain test', 'orders']) {
    expect(message(name)).toContain('Did you mean VENOMQA_TIMEOUT?')
  }
}

describe.each(['vitest5', 'vitest4'] as const)('%s', (origin) => {
  test('finds its systems in the configuration', async () => {
    using project = new Project('configured', origin)
    const all = ready(project)
    await findsThem(all)
    if (origin === 'vitest4') return
    await refusesSlips(all)
    const { trace, message } = await all.run({ VENOMQA_BASE_URL: 'http://env', VENOMQA_TIMEOUT: '150ms' })
    expect(message('shop wait')).toContain('timed out in 150 ms.')
    expect(trace).toContain('pay finds 1 orders and 1 notes at http://env')
  })
})

describe.each(['swc', 'esm'] satisfies Format[])('Jest by %s', (format) => {
  test('finds its systems in the configuration', async () => {
    using project = new JestProject('configured', format)
    const all = ready(project)
    await findsThem(all)
    if (format === 'swc') await refusesSlips(all)
  })
})
