import { join } from 'node:path'
import { expect, test, vi } from 'vitest'
import { type Format, JestProject } from '../jest-project.ts'
import { casesOf } from '../junit.ts'
import { root } from '../package.ts'

vi.setConfig({ testTimeout: 120_000 })

const junit = [join(root, 'node_modules/jest-junit'), { outputDirectory: 'out' }]
const reporter = ['venomqa/jest-reporter', { html: 'out/report.html', markdown: 'out/report.md', changes: 'always' }]

test.each<Format>(['swc', 'esm'])('a page, Markdown, JUnit and the story of a failed step, %s', async (format) => {
  using project = new JestProject('reports', format, { reporters: ['default', reporter, junit] })
  if (format === 'esm') project.write('shop.test.ts', project.read('shop.test.ts').replace("'./app'", "'./app.ts'"))
  const { messages } = project.run()
  expect(plain(messages.get('buy <i>a lamp</i> order') ?? '')).toContain(
    [
      'path: make one → ◆ made → ✗ order it',
      'requests:',
      '  POST /orders?token=*** → 500 (N ms)',
      'changed since ◆ made:',
      '  db orders: 1 inserted',
      'app.log:',
      '  POST /orders?token=***',
      '  Error: no such table <b>orders</b>',
    ].join('\n'),
  )
  const markdown = plain(project.read('out/report.md'))
  expect(markdown).toContain('2 paths, 1 failed · 2 explorations, 1 failed · 2 other tests, 1 failed')
  expect(markdown).toMatch(/Expected[^]*- {3}"status": 201,\n\s*\+ {3}"status": 500,/)
  expect(markdown.match(/✗ dark +\[high\]/g)).toHaveLength(1)
  expect(markdown).toMatch(/### ✓ the lamp is lit or not[^]*```mermaid\nstateDiagram-v2/)
  expect(markdown).toContain('at shop.test.ts:27:')
  const page = plain(project.read('out/report.html'))
  expect(page).toContain('buy &lt;i&gt;a lamp&lt;/i&gt;')
  expect(page).toContain('PUT /lamps → 201 (N ms)')
  expect(page).toMatch(/<svg [^]*state 2[^]*<\/svg>/)

  const cases = await casesOf(project.read('out/junit.xml'))
  const paths = ['order', 'by fetch', 'give it back'].map((branch) => `buy &lt;i&gt;a lamp&lt;/i&gt; ${branch}`)
  expect([...cases.keys()].map((name) => name.trim()).toSorted()).toEqual(
    [...paths, 'the lamp is lit or not', 'the lamp stays dark', 'adds up', 'does not'].toSorted(),
  )
  expect(cases.get(paths[0]!)).toContain('path: make one → ◆ made → ✗ order it')
})

function plain(text: string): string {
  return text.replaceAll(/\d+(\.\d+)? ms/g, 'N ms').replaceAll(/app-\d+/g, 'app')
}
