// npm run demo: examples/shop-sqlite on the package as a user gets it.
import { join } from 'node:path'
import { root, show, step } from './command.ts'
import { install } from './install.ts'

await install()
const script = `"${process.execPath}" scripts/build.ts && "${process.execPath}" scripts/pack.ts`
if (!(await step('venomqa, built and packed', 'sh', ['-c', script])).ok) process.exit(1)
const ok = await show('npm', ['run', '--silent', 'demo'], { cwd: join(root, 'examples/shop-sqlite') })
process.exitCode = ok ? 0 : 1
