// npm run demo: journeys (examples/shop-sqlite) and an exploration (examples/explore-shop), on the package as a user gets it.
import { join } from 'node:path'
import { root, show, step } from './command.ts'
import { install } from './install.ts'

await install()
const script = `"${process.execPath}" scripts/build.ts && "${process.execPath}" scripts/pack.ts`
if (!(await step('venomqa, built and packed', 'sh', ['-c', script])).ok) process.exit(1)
for (const example of ['shop-sqlite', 'explore-shop']) {
  const ok = await show('npm', ['run', '--silent', 'demo'], { cwd: join(root, 'examples', example) })
  if (!ok) process.exitCode = 1
}
