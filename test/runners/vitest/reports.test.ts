import { describe, expect, test, vi } from 'vitest'
import { PATIENCE, Project } from '../project.ts'

vi.setConfig(PATIENCE)

describe('vitest list', () => {
  const STATIC = [
    'own.test.ts > own world > a branch',
    'own.test.ts > with its fixture',
    'shop.test.ts > case %d',
    'shop.test.ts > one line',
    'shop.test.ts > outer > a plain test',
    'shop.test.ts > outer > inside',
    'shop.test.ts > shop > buy > pay',
    'shop.test.ts > shop > buy > pay by %s',
    'unrelated.test.ts > a function that happens to be called journey',
  ]

  test('finds the paths without running anything, also under other names of our words', async () => {
    using project = new Project('lists')
    const listed = await project.vitest(['list'])
    expect(listed.status).toBe(0)
    expect(listed.stdout.trim().split('\n').toSorted()).toEqual(STATIC)
  })

  test('gives their lines as JSON', async () => {
    using project = new Project('lists')
    const { stdout } = await project.vitest(['list', '--json'])
    const lines = project.read('shop.test.ts').split('\n')
    const listed = JSON.parse(stdout) as { name: string; file: string; location: { line: number } }[]
    for (const [name, text] of [
      ['shop > buy > pay', "branch('pay'"],
      ['shop > buy > pay by %s', 'branch.each'],
      ['one line', "trip('one line'"],
      ['case %d', 'trip.each'],
    ]) {
      const { location } = listed.find((one) => one.name === name && one.file.endsWith('shop.test.ts'))!
      expect(lines[location.line - 1], name).toContain(text)
    }
  })

  test.each(['vitest5', 'vitest4'] as const)(
    'finds the cases by their names when it may run the files, %s',
    async (origin) => {
      using project = new Project('lists', origin)
      const { stdout } = await project.vitest(['list', ...(origin === 'vitest5' ? ['--no-static-parse'] : [])])
      const names = stdout.trim().split('\n')
      expect(names).toEqual(
        expect.arrayContaining([
          'shop.test.ts > shop > buy > pay by card',
          'shop.test.ts > shop > buy > pay by cash',
          'shop.test.ts > case 2',
          'own.test.ts > own world > a branch',
        ]),
      )
    },
  )
})

describe('reporters', () => {
  /** Vitest 4 writes a report to standard output, where nothing else may be; Vitest 5 to a file. */
  const reported = async (project: Project, reporter: string, file: string): Promise<string> => {
    const { stdout } = await project.vitest(['run', `--reporter=${reporter}`], { TRACE: 'trace' })
    if (!stdout.includes('report written to')) return stdout
    expect(stdout).not.toContain('├─')
    return project.read(`.vitest/${reporter}/${file}`)
  }
  const versions = ['vitest5', 'vitest4'] as const

  test.each(versions)('JSON is JSON and nothing else, with the path in the meta of its test, %s', async (origin) => {
    using project = new Project('failing', origin)
    const report = JSON.parse(await reported(project, 'json', 'output.json')) as {
      testResults: { assertionResults: { title: string; meta: object }[] }[]
    }
    const tests = report.testResults.flatMap(({ assertionResults }) => assertionResults)
    expect(tests.find(({ title }) => title === 'breaks')?.meta).toMatchObject({
      venomqa: {
        names: ['first', 'breaks'],
        from: 'here',
        nodes: [
          { kind: 'step', name: 'a step', state: 'kept', depth: 0 },
          { kind: 'checkpoint', name: 'here', state: 'kept', depth: 0 },
          { kind: 'step', name: 'its step', state: 'failed', depth: 1, ms: expect.any(Number) },
        ],
        changed: { since: '◆ here', lines: ['db breaks: 1 inserted'] },
      },
    })
  })

  test.each(versions)('JUnit has a case a path, and the failure with its path, %s', async (origin) => {
    using project = new Project('failing', origin)
    const xml = await reported(project, 'junit', 'output.xml')
    expect(xml.startsWith('<?xml')).toBe(true)
    expect(xml).toContain('name="first &gt; breaks"')
    expect(xml).toContain('path: a step → ◆ here → ✗ its step')
    expect(xml).not.toContain('node_modules/venomqa')
    expect(xml).not.toContain('├─')
  })

  test.each(['default', 'verbose', 'dot'])('the tree of the journey stands beside %s', async (reporter) => {
    using project = new Project('failing')
    const { text } = await project.run([`--reporter=${reporter}`])
    expect(text.replaceAll(/[\d.]+ ms/g, 'N ms')).toContain(
      [
        ' first failing.test.ts (3 paths, 1 failed)',
        '   a step N ms → ◆ here',
        '   ├─ ✓ works',
        '   │  its step N ms',
        '   ├─ ✗ breaks',
        '   │  ✗ its step N ms',
        '   │  Δ db breaks: 1 inserted',
        '   └─ ✓ comes after',
        '      its step N ms',
      ].join('\n'),
    )
  })
})
