// Explores a shop with a planted bug: after a return, the money can be paid out twice. Then runs the journey that comes
// out of it, with the bug and without.
import { spawnSync } from 'node:child_process'
import { existsSync, rmSync } from 'node:fs'
import { join } from 'node:path'

const found = join(import.meta.dirname, 'test/found')
const journey = 'test/found/refunded-le-paid-refund.journey.test.ts'
const vitest = (file: string, bug: string): boolean =>
  spawnSync('npx', ['vitest', 'run', file], {
    cwd: import.meta.dirname,
    env: { ...process.env, SHOP_BUG: bug },
    stdio: ['ignore', 'inherit', 'inherit'],
  }).status === 0

rmSync(found, { recursive: true, force: true })
const explored = vitest('test/explore.test.ts', 'double-refund')
const written = existsSync(join(import.meta.dirname, journey))
const shown = written && !vitest(journey, 'double-refund')
const mended = written && vitest(journey, '')
rmSync(found, { recursive: true, force: true })

const ok = !explored && shown && mended
console.log(
  ok
    ? 'Exploring found the planted double refund; its journey fails as long as the bug is there, and passes when it is mended.'
    : 'Exploring had to fail, its journey with it, and the journey to pass without the bug; that is not what happened.',
)
process.exitCode = ok ? 0 : 1
