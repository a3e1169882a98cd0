// Explores a shop with a planted bug: an order can be refunded twice. Then runs the journey that comes out of it, with
// the bug and without.
import { spawnSync } from 'node:child_process'
import { existsSync, globSync, rmSync } from 'node:fs'
import { join } from 'node:path'

const found = join(import.meta.dirname, 'test/found')
const vitest = (file: string, bug: string): boolean =>
  spawnSync('npx', ['vitest', 'run', file], {
    cwd: import.meta.dirname,
    env: { ...process.env, SHOP_BUG: bug },
    stdio: ['ignore', 'inherit', 'inherit'],
  }).status === 0

if (!process.env['POSTGRES_URL'] && !process.env['VENOMQA_TEST_POSTGRES_URL']) {
  console.log('not run: POSTGRES_URL does not say where a PostgreSQL server is')
} else {
  rmSync(found, { recursive: true, force: true })
  const explored = vitest('test/explore.test.ts', 'double-refund')
  const [journey] = existsSync(found) ? globSync('test/found/*.test.ts', { cwd: import.meta.dirname }) : []
  const shown = journey !== undefined && !vitest(journey, 'double-refund')
  const mended = journey !== undefined && vitest(journey, '')
  rmSync(found, { recursive: true, force: true })

  const ok = !explored && shown && mended
  console.log(
    ok
      ? 'Exploring found the planted double refund; its journey fails as long as the bug is there, and passes when it is mended.'
      : 'Exploring had to fail, its journey with it, and the journey to pass without the bug; that is not what happened.',
  )
  process.exitCode = ok ? 0 : 1
}
