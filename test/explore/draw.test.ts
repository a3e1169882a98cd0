import { existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { chromium } from 'playwright-core'
import { expect, test } from 'vitest'
import { toDot, toHtml, toJson, toMermaid } from '../../src/explore/index.ts'
import { count, counter, exploreToy, type Toy } from './toy.ts'

const model = {
  actions: {
    up: counter('n', 2),
    reset: { run: ({ db }: Toy) => void db.delete('n') },
    refused: { run: () => ({ status: 409 }) },
  },
  invariants: { 'n < 2 "<b>"': ({ db }: Toy) => count(db, 'n') < 2 },
}
const report = await exploreToy(model, { stopOn: 'never', strategy: 'bfs', name: 'a <counter>' })

test('Mermaid: states, what leads from one to another, and what does not hold', () => {
  expect(toMermaid(report.graph)).toBe(`stateDiagram-v2
  [*] --> s0
  s0: state 0
  s1: state 1
  s2: state 2
  note right of s2: ✗ n  2 "b"
  s0 --> s1: up
  s0 --> s0: reset
  s1 --> s2: up
  s1 --> s0: reset
`)
})

test('Mermaid: thousands of states in groups', () => {
  const groupBy = (observed: Readonly<Record<string, unknown>>) =>
    (observed['db'] as Map<string, unknown>).has('n') ? 'counted' : 'empty'
  expect(toMermaid(report.graph, { groupBy })).toBe(`stateDiagram-v2
  [*] --> s0
  s0: empty
  s1: counted
  note right of s1: ✗ n  2 "b"
  s0 --> s1: up
  s1 --> s0: reset
`)
  expect(toMermaid(report.graph, { max: 1 })).toContain('%% 2 more states are not drawn')
})

test('dot', () => {
  expect(toDot(report.graph)).toContain(String.raw`s2 [label="state 2\n✗ n < 2 \"<b>\"", color=red]`)
  expect(toDot(report.graph)).toContain('s0 -> s1 [label="up"]')
})

test('JSON holds the whole report', () => {
  const { verdict, graph, violations } = JSON.parse(toJson(report))
  expect([verdict, graph.states.length, graph.transitions.length]).toEqual(['violated', 3, 6])
  expect(graph.states[2].observed.db).toEqual({ n: 2 })
  expect(violations[0].path).toHaveLength(2)
})

test('HTML is one page that needs nothing else and runs nothing of what it shows', () => {
  const html = toHtml(report)
  expect(html).toContain('<title>a &lt;counter&gt;</title>')
  expect(html).toContain('n &lt; 2 &quot;&lt;b&gt;&quot;')
  expect(html).not.toMatch(/<b>|<script|<link|<img|<iframe|@import|https?:|src=|href="(?!#)|url\((?!#)/)
  expect(html).toContain(`content="default-src 'none'; style-src 'unsafe-inline'"`)
})

test('HTML draws the states, and each is a link to where it is opened', () => {
  const html = toHtml(report)
  expect([...html.matchAll(/<details><summary>state (\d+) .*<\/summary>\n<ul id="s\1">/g)]).toHaveLength(3)
  const ids = new Set([...html.matchAll(/ id="([^"]+)"/g)].map(([, id]) => id))
  const targets = [...html.matchAll(/(?:href="|url\()#([^")]+)/g)].map(([, id]) => id)
  expect(targets.filter((id) => !ids.has(id))).toEqual([])
  const svg = html.slice(html.indexOf('<svg'), html.indexOf('</svg>'))
  const arrows = [...svg.matchAll(/class="arrow" d="[^"]+"><title>([^<]+)/g)].map(([, actions]) => actions)
  expect(arrows.toSorted((a = '', b = '') => (a < b ? -1 : 1))).toEqual(['reset', 'up', 'up'])
  expect(svg).toMatch(/href="#s2" class="broken"><title>state 2: ✗ n &lt; 2/)
})

// A real browser: the one of CHROME_PATH, or Debian's.
const browser = [process.env['CHROME_PATH'], '/usr/bin/chromium'].find((path) => path !== undefined && existsSync(path))

test.skipIf(browser === undefined)(
  'in a browser, who follows a state of the picture finds it open, and nothing is fetched',
  async () => {
    const chrome = await chromium.launch({ executablePath: browser!, args: ['--no-sandbox', '--disable-gpu'] })
    try {
      const page = await chrome.newPage()
      const said: string[] = []
      page.on('console', (message) => said.push(message.text()))
      page.on('request', (request) => said.push(request.url()))
      await page.setContent(toHtml(report))
      await page.locator('svg a').nth(2).click()
      expect(await page.locator('details[open] summary').allInnerTexts()).toEqual([expect.stringContaining('state 2')])
      expect(said).toEqual([])
    } finally {
      await chrome.close()
    }
  },
  60_000,
)

test('write puts the report into files by their extension', async () => {
  const folder = mkdtempSync(join(tmpdir(), 'venomqa-report-'))
  try {
    const write = ['graph.mmd', 'graph.dot', 'report.json', 'out/report.html'].map((file) => join(folder, file))
    await exploreToy(model, { write })
    expect(write.map((file) => existsSync(file))).toEqual([true, true, true, true])
    expect(readFileSync(write[0]!, 'utf8')).toContain('stateDiagram-v2')
    await expect(exploreToy(model, { write: ['report.pdf'] })).rejects.toThrow('Use one of .html, .json, .mmd, .dot')
  } finally {
    rmSync(folder, { recursive: true })
  }
})
