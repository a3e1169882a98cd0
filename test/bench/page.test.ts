import { readFileSync } from 'node:fs'
import { expect, test } from 'vitest'
import { TITLES, withSection } from '../../bench/page.ts'
import { judge } from '../../bench/row.ts'

const machine = {
  cpu: 'Xeon',
  cores: 2,
  memoryGiB: 24,
  system: 'Linux 6',
  node: 'v24.1.0',
  date: '2026-11-22T08:08:32Z',
}
const row = { work: '10 rows', ours: { name: 'undo', ms: 2 }, peers: { truncate: 100, copy: 9 }, correct: true }

test('a row tells who was faster, and by how much', () => {
  const rows = [
    judge(row),
    judge({ ...row, ours: { name: 'undo', ms: 36 } }),
    judge({ ...row, figure: 'overhead', peers: { without: 1.6 } }),
    judge({ ...row, figure: 'overhead', peers: { without: 2.5 } }),
    judge({ ...row, figure: 'ratio', peers: { small: 1 } }),
  ]
  expect(withSection('# Costs\n', 'Redis', machine, rows)).toBe(
    `# Costs

## Redis

2026-11-22: Xeon, 2 cores, 24 GiB, Linux 6, Node v24.1.0.

| work | ours | the fastest other way | ours is |
| --- | ---: | ---: | --- |
| 10 rows | 2 | copy, 9 | 4.5× faster |
| 10 rows | 36 | copy, 9 | **4× slower** |
| 10 rows | 2 | without, 1.6 | 25 % longer |
| 10 rows | 2 | without, 2.5 | 20 % shorter |
| 10 rows | 2 | small, 1 | 2× as long |
`,
  )
})

test('a bench replaces its own section, and finds its place where it had none', () => {
  const page = '# Costs\n\n## SQLite\n\nold\n\n## Redis\n\nolder\n'
  const replaced = withSection(page, 'SQLite', machine, [judge(row)])
  expect(replaced).toMatch(/^# Costs\n\n## SQLite\n\n2026-11-22: [^]*4\.5× faster \|\n\n## Redis\n\nolder\n$/)
  expect(withSection(page, 'MySQL and MariaDB', machine, [judge(row)])).toMatch(
    /\nold\n\n## MySQL and MariaDB\n\n2026-11-22: [^]*\n\n## Redis\n\nolder\n$/,
  )
  expect(withSection(replaced, 'SQLite', machine, [judge(row)])).toBe(replaced)
})

test('docs/performance.md has every system, and its times and its verdicts agree', () => {
  const page = readFileSync('docs/performance.md', 'utf8')
  for (const title of Object.values(TITLES)) expect(page).toContain(`\n## ${title}\n`)
  const rows = [...page.matchAll(/^\| .* \| ([\d.]+) \| .*, ([\d.]+) \| \**([\d.]+)× (faster|slower)\** \|$/gm)]
  expect(rows.length).toBeGreaterThan(80)
  for (const [line, ours, peer, times, verdict] of rows) {
    const ratio = verdict === 'faster' ? Number(peer) / Number(ours) : Number(ours) / Number(peer)
    expect(Math.abs(ratio / Number(times) - 1), line).toBeLessThan(0.02)
  }
})
