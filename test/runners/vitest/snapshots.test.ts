import { describe, expect, test, vi } from 'vitest'
import { PATIENCE, Project, type Run } from '../project.ts'

vi.setConfig(PATIENCE)

/** The names under which projects/snapshots files its snapshots: by journey, branches and step, never by path. */
const NAMES = [
  'outer > shop > buy > cancel > cancel 1',
  'outer > shop > buy > order 1',
  'outer > shop > buy > pay > pay 1',
  'outer > shop > leave > leave 1',
  'outer > shop > sign up > mail 1',
  'outer > shop > sign up 1',
  'outer > shop > sign up 2',
]
const CI = { CI: 'true' }

describe.concurrent.each(['vitest5', 'vitest4'] as const)('%s', (origin) => {
  test('snapshots keep their names whichever path runs, and none is called obsolete or missing', async () => {
    using project = new Project('snapshots', origin)
    const written = await project.run()
    expect(written).toMatchObject({ status: 0, failed: [] })
    expect(written.text).toContain('11 written')
    expect(namesIn(project)).toEqual(NAMES)
    expect(project.read('cancel.txt')).toBe('the whole file')
    expect(project.read('shop.test.ts')).toMatch(/toMatchInlineSnapshot\(`\s+{\s+"inline": 1,\s+}\s+`\)/)

    const all = [
      [],
      ['-t', 'cancel'],
      ['--no-isolate'],
      ['-t', 'leave'],
      ['--sequence.shuffle.tests', '--sequence.seed=2'],
    ]
    for (const args of origin === 'vitest4' ? all.slice(0, 2) : all) {
      const run = await project.run(args, CI)
      expect(run, args.join(' ')).toMatchObject({ status: 0, failed: [] })
      expect(run.passed.length).toBeGreaterThan(0)
      expect(run.text).not.toMatch(/^ +Snapshots|obsolete/im)
    }
    expect(namesIn(project)).toEqual(NAMES)
  })
})

test.concurrent('a shared step whose snapshot does not match is reported once, also when it is tried again', async () => {
  using project = new Project('snapshots')
  await project.run()
  edit(project, 'user: 2', 'user: 3')
  const changed = await project.run(['--retry=1'], CI)
  expect(changed.failed).toEqual(['outer shop buy pay'])
  expect(changed.skipped).toEqual(['outer shop buy cancel', 'outer shop leave'])
  expect(changed.text).toContain('Snapshot `outer > shop > sign up 2` mismatched')
  expect(changed.text).not.toMatch(/obsolete/i)
  expect(await project.run(['-u'])).toMatchObject({ status: 0 })
  expect(project.read('__snapshots__/shop.test.ts.snap')).toContain('"user": 3')
})

test.concurrent('a snapshot that is really obsolete is still told and removed', async () => {
  using project = new Project('snapshots')
  await project.run()
  edit(project, "expect({ mail: 1 }).toMatchSnapshot('mail')", '')
  expect(obsolete(await project.run())).toEqual(['outer > shop > sign up > mail 1'])
  await project.run(['-u'])
  expect(namesIn(project)).toEqual(NAMES.filter((name) => !name.includes('mail')))
})

function namesIn(project: Project): string[] {
  return [...project.read('__snapshots__/shop.test.ts.snap').matchAll(/^exports\[`(.*)`\]/gm)].map(([, name]) => name!)
}

function edit(project: Project, from: string, to: string): void {
  project.write('shop.test.ts', project.read('shop.test.ts').replace(from, to))
}

function obsolete({ text }: Run): string[] {
  return [...text.matchAll(/^ +· (.*)$/gm)].map(([, name]) => name!)
}
