import { expect, test, vi } from 'vitest'
import { casesOf } from '../junit.ts'
import { PATIENCE, Project } from '../project.ts'

vi.setConfig(PATIENCE)

test.each(['vitest5', 'vitest4'] as const)(
  'a page, Markdown, JUnit and the story of a failed step, %s',
  async (origin) => {
    using project = new Project('reports', origin)
    const { text } = await project.run(['--reporter=default', '--reporter=junit', '--outputFile.junit=out/junit.xml'])
    const story = [
      'path: make one → ◆ made → ✗ order it',
      'requests:',
      '  POST /orders?token=*** → 500 (N ms)',
      'changed since ◆ made:',
      '  db orders: 1 inserted',
      'app.log:',
      '  POST /orders?token=***',
      '  Error: no such table <b>orders</b>',
    ].join('\n')
    expect(plain(text)).toContain(story)

    const markdown = plain(project.read('out/report.md'))
    expect(markdown).toContain('3 paths, 1 failed, 1 todo · 2 explorations, 1 failed · 2 other tests, 1 failed')
    expect(markdown).toContain('├─ ✗ order\n  │  ✗ order it N ms\n')
    expect(markdown).toContain(story)
    expect(markdown).toMatch(/```diff\n[^`]*- {3}"status": 201,\n\+ {3}"status": 500,/)
    expect(markdown.match(/✗ dark +\[high\]/g)).toHaveLength(1)
    expect(markdown).toMatch(/### ✓ the lamp is lit or not[^]*```mermaid\nstateDiagram-v2/)
    expect(markdown).toContain('at shop.test.ts:27:')

    const page = project.read('out/report.html')
    expect(page).toContain('buy &lt;i&gt;a lamp&lt;/i&gt;')
    expect(page).toMatch(/<svg [^]*state 2[^]*<\/svg>/)

    const cases = await casesOf(project.read('out/junit.xml'))
    const names = ['order', 'by fetch', 'give it back'].map((branch) => `buy &lt;i&gt;a lamp&lt;/i&gt; &gt; ${branch}`)
    expect([...cases.keys()].toSorted()).toEqual(
      [...names, 'the lamp is lit or not', 'the lamp stays dark', 'adds up', 'does not'].toSorted(),
    )
    expect(cases.get(names[0]!)).toContain('path: make one → ◆ made → ✗ order it')
    expect(cases.get(names[1]!)?.trim()).toBe('')
  },
)

test('without a report, meta holds no graphs', async () => {
  using project = new Project('reports')
  project.write('vitest.config.ts', project.read('vitest.config.ts').replace('venomqa({ report })', 'venomqa()'))
  const { tests } = await project.run()
  expect(tests.get('the lamp is lit or not')?.meta).toEqual({})
  expect(() => project.read('out/report.html')).toThrow('ENOENT')
})

function plain(text: string): string {
  return text.replaceAll(/\d+(\.\d+)? ms/g, 'N ms').replaceAll(/app-\d+/g, 'app')
}
