// Runs the journeys on a shop with a planted bug: a paid order can be refunded twice. The journeys find it.
import { spawnSync } from 'node:child_process'
import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'

const folder = mkdtempSync(join(tmpdir(), 'shop-demo-'))
const report = join(folder, 'report.json')
spawnSync('npx', ['vitest', 'run', '--reporter=default', '--reporter=json', `--outputFile.json=${report}`], {
  cwd: import.meta.dirname,
  env: { ...process.env, SHOP_BUG: 'double-refund' },
  stdio: ['ignore', 'inherit', 'inherit'],
})
const { testResults } = JSON.parse(readFileSync(report, 'utf8')) as {
  testResults: { assertionResults: { status: string; title: string }[] }[]
}
rmSync(folder, { recursive: true })
const failed = testResults.flatMap((file) => file.assertionResults).filter(({ status }) => status === 'failed')
const found = failed.length === 1 && failed[0]?.title === 'a second refund is refused'
console.log(
  found
    ? 'The journeys found the planted bug: a second refund is paid out (SHOP_BUG=double-refund; npm test runs without it).'
    : 'One path had to fail, "a second refund is refused", and that is not what happened: see above.',
)
process.exitCode = found ? 0 : 1
