import { type Browser, chromium, type Page } from 'playwright-core'
import { afterAll, afterEach, beforeAll, expect, test } from 'vitest'
import { drawer } from '../../src/report/drawing.ts'
import { toPage } from '../../src/report/page.ts'
import { describeServer } from '../servers/server.ts'
import { run } from './run.ts'

describeServer('chromium', (url) => {
  let browser: Browser
  const said: string[] = []

  beforeAll(async () => {
    browser = await chromium.connectOverCDP(url)
  })
  afterAll(() => browser?.close())
  afterEach(() => expect(said).toEqual([]))

  /** A tab of its own, since other runs may use the browser too. */
  const open = async (draws: boolean, colorScheme: 'light' | 'dark' = 'light'): Promise<Page> => {
    const page = await browser.newPage({ colorScheme, viewport: { width: 1000, height: 1400 } })
    page.on('console', (message) => said.push(message.text()))
    page.on('request', (request) => said.push(request.url()))
    await page.setContent(toPage(run, draws ? await drawer() : undefined))
    return page
  }

  test('nothing of what tests and applications say becomes markup, and nothing is fetched', async () => {
    const page = await open(true)
    expect(await page.title()).toBe('3 paths, 1 failed, 1 skipped · 1 exploration · 1 other test, 1 failed')
    expect(await page.locator('img, script, link, iframe').count()).toBe(0)
    expect(await page.getByText('make <img src=x onerror="document.title=').first().isVisible()).toBe(true)
    await page.close()
  })

  test('a failed path shows its requests, its failure, its changes and the log', async () => {
    const page = await open(true)
    const failed = page.locator('details', { has: page.locator('> summary', { hasText: 'sell # one' }) }).last()
    const text = await failed.innerText()
    for (const part of [
      '✗ sell it 7.0 ms 1 request',
      'GET /lamps/%3C1%3E → 500 (2.0 ms)',
      'to be a lamp',
      '- a lamp\n+ <img',
      'at test/lamps.test.ts:12:3',
      'changed since ◆ made',
      'app.log\nTypeError: <img',
      'tried 2 times',
    ]) {
      expect(text).toContain(part)
    }
    await page.close()
  })

  test('what is folded opens, and what is open folds', async () => {
    const page = await open(true)
    const request = page.getByText('POST /lamps → 201 (3.2 ms)')
    expect(await request.isVisible()).toBe(false)
    await page.getByText('1 request').first().click()
    expect(await request.isVisible()).toBe(true)
    await page.locator('summary', { hasText: /^lamps/ }).click()
    expect(await request.isVisible()).toBe(false)
    await page.close()
  })

  test('an exploration shows its graph, or says what draws it', async () => {
    const drawn = await open(true)
    const graph = drawn.locator('svg')
    expect(await graph.isVisible()).toBe(true)
    expect(await graph.innerText().catch(() => graph.textContent())).toContain('state 0')
    await drawn.close()
    const plain = await open(false)
    expect(await plain.locator('svg').count()).toBe(0)
    expect(await plain.getByText('npm install --save-dev @viz-js/viz').isVisible()).toBe(true)
    await plain.close()
  })

  test.each(['light', 'dark'] as const)('every text can be read in %s', async (scheme) => {
    const page = await open(true, scheme)
    // As text, since Vitest compiles functions in a way that the page does not know.
    const contrasts = (await page.evaluate(CONTRASTS)) as number[]
    expect(contrasts.length).toBeGreaterThan(20)
    expect(Math.min(...contrasts)).toBeGreaterThanOrEqual(4.5)
    if (process.env['SCREENSHOTS']) await page.screenshot({ path: `${process.env['SCREENSHOTS']}/${scheme}.png` })
    await page.close()
  })
})

/** The contrast of every text with what is behind it, as WCAG counts it. */
const CONTRASTS = `(() => {
  const numbers = (color) => color.match(/[\\d.]+/g).map(Number)
  const luminance = (color) => {
    const [r, g, b] = numbers(color).map((part) => part / 255).map((part) => (part <= 0.03928 ? part / 12.92 : ((part + 0.055) / 1.055) ** 2.4))
    return 0.2126 * r + 0.7152 * g + 0.0722 * b
  }
  const behind = (element) => {
    for (let one = element; one; one = one.parentElement) {
      const color = getComputedStyle(one).backgroundColor
      if (numbers(color)[3] !== 0) return color
    }
    return 'rgb(255, 255, 255)'
  }
  const walker = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT)
  const contrasts = []
  while (walker.nextNode()) {
    const { parentElement, textContent } = walker.currentNode
    if (textContent.trim() === '' || parentElement.closest('title')) continue
    const style = getComputedStyle(parentElement)
    const paint = parentElement.closest('svg') ? style.fill : style.color
    const [a, b] = [luminance(paint), luminance(behind(parentElement))].sort((x, y) => y - x)
    contrasts.push((a + 0.05) / (b + 0.05))
  }
  return contrasts
})()`
