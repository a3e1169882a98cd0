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

test('HTML shows no text of the application as HTML', async () => {
  const odd = '<i onclick="x">&'
  const actions = {
    '<u>put</u>': {
      params: { text: { from: () => [odd] } },
      run: ({ db }: Toy, { text }: { text?: unknown }) => void db.set(odd, text),
    },
    '<u>stop</u>': { when: ({ db }: Toy) => db.size > 0, run: ({ db }: Toy) => void db.set('end', 1) },
  }
  const options = { name: odd, budget: { steps: 1 }, strategy: 'bfs' } as const
  const html = toHtml(await exploreToy({ actions }, options))
  expect(html.split('&lt;i onclick=').length).toBeGreaterThan(5)
  expect(html).toContain('&lt;u&gt;stop&lt;/u&gt; <i>not tried</i>')
  expect(html).not.toMatch(/<u>|<i onclick/)
})

test('HTML of very many states draws and holds the nearest, and links only those', async () => {
  const model = { actions: { up: counter('a', 60), down: counter('b', 40) } }
  const big = await exploreToy(model, { strategy: 'bfs', audit: 0 })
  expect(big.graph.states).toHaveLength(61 * 41)
  const html = toHtml(big)
  expect(html).toContain('The 120 nearest of 2501 states.')
  expect(html).toContain('501 more states are not on this page.')
  expect([...html.matchAll(/<rect /g)]).toHaveLength(120)
  const ids = new Set([...html.matchAll(/ id="(s\d+)"/g)].map(([, id]) => id))
  expect(ids.size).toBe(2000)
  expect([...html.matchAll(/href="#(s\d+)"/g)].filter(([, id]) => !ids.has(id))).toEqual([])
})

test('HTML draws one arrow between two states, however many actions lead there, and backward ones in a bow', async () => {
  const more = { ...model.actions, also: counter('n', 2) }
  const html = toHtml(await exploreToy({ ...model, actions: more }, { stopOn: 'never' }))
  expect(html).toContain('<title>up, also</title>')
  const paths = [...html.matchAll(/class="arrow" d="M(\d+) (\d+)C(\d+) \S+ \S+ \S+ (\d+)/g)]
  expect(new Set(paths.map(([path]) => path)).size).toBe(paths.length)
  for (const [, from, , by, to] of paths) {
    // Forward the curve stays between its ends; backward it goes out to the right of both.
    if (Number(to) > Number(from)) expect(Number(by)).toBeLessThan(Number(to))
    else expect(Number(by)).toBeGreaterThan(Number(from))
  }
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
