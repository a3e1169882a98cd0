import { expect, test } from 'vitest'
import { toMarkdown } from '../../src/report/markdown.ts'
import { run } from './run.ts'

const text = toMarkdown(run)

test('the tree, each failure with its difference, and the graph of an exploration', () => {
  expect(text).toContain('3 paths, 1 failed, 1 skipped · 1 exploration · 1 other test, 1 failed')
  expect(text).toContain('  ├─ ✗ sell # one\n')
  expect(text).toContain('  └─ ○ lend it\n')
  expect(text).toContain('```diff\n- Expected\n+ Received\n\n- a lamp\n')
  expect(text).toContain('```mermaid\nstateDiagram-v2\n  s0 --> s1: light\n```')
})

test('nothing outside of fences is HTML or more than a heading', () => {
  let fence = ''
  const outside: string[] = []
  for (const line of text.split('\n')) {
    const [ticks] = /^`{3,}/.exec(line) ?? []
    if (fence === '' && ticks !== undefined) fence = ticks
    else if (fence !== '' && line === fence) fence = ''
    else if (fence === '' && line !== '') outside.push(line)
  }
  expect(fence).toBe('')
  expect(outside).toEqual([
    '# Journeys',
    '3 paths, 1 failed, 1 skipped · 1 exploration · 1 other test, 1 failed',
    '## test/lamps.test.ts',
    String.raw`### ✗ lamps › sell \# one`,
    `### ✓ explores &lt;img src=x onerror="document.title='stolen'">`,
    '### ✗ fails \\`\\`\\`',
  ])
})

test('a run of nothing says so', () => {
  expect(toMarkdown({ files: [], ended: new Date(0) })).toBe('# Journeys\n\nNothing ran.\n')
})
