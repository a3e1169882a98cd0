// npm run demo: examples/shop-sqlite on the package as a user gets it.
import { join } from 'node:path'
import { root, show, step } from './command.ts'
import { install } from './install.ts'

await install()
const built =
  (await step('build', process.execPath, ['scripts/build.ts'])).ok &&
  (await step('pack', process.execPath, ['scripts/pack.ts'])).ok
if (!built) process.exit(1)
const ok = await show('npm', ['run', '--silent', 'demo'], { cwd: join(root, 'examples/shop-sqlite') })
process.exitCode = ok ? 0 : 1
