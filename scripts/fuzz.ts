// npm run fuzz -- NAME [--runs N]
import { globSync, readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { parseArgs } from 'node:util'
import { root, show } from './command.ts'
import { install } from './install.ts'
import { startServices, usedServices } from './services.ts'

const names = [...new Set(readdirSync(join(root, 'test/systems')).map((file) => file.replace(/\.test\.ts$/, '')))]
const usage = `npm run fuzz -- NAME [--runs N]

Runs the tests of test/systems/NAME with many random programs: N for each law, 100000 by default.
Systems: ${names.join(', ')}`

const { name, runs } = readArguments()
await install()
const tests = globSync(`test/systems/${name}{*.ts,/**/*.ts}`, { cwd: root }).map((file) =>
  readFileSync(join(root, file), 'utf8'),
)
const env = await startServices(usedServices().filter((server) => tests.some((text) => text.includes(`'${server}'`))))
const args = ['node_modules/vitest/vitest.mjs', 'run', `test/systems/${name}`, '--testTimeout=0']
const ok = await show(process.execPath, args, { env: { ...env, VENOMQA_FUZZ_RUNS: String(runs) } })
process.exitCode = ok ? 0 : 1

function readArguments(): { name: string; runs: number } {
  try {
    const { values, positionals } = parseArgs({
      allowPositionals: true,
      options: { runs: { type: 'string', default: '100000' }, help: { type: 'boolean', short: 'h' } },
    })
    const [wanted] = positionals
    const count = Number(values.runs)
    if (values.help) return help()
    if (wanted === undefined || positionals.length > 1) throw new Error('Name one system.')
    if (!names.includes(wanted)) throw new Error(`There is no system "${wanted}".`)
    if (!Number.isSafeInteger(count) || count < 1) throw new Error(`--runs takes a number, not "${values.runs}".`)
    return { name: wanted, runs: count }
  } catch (error) {
    console.error(`${error instanceof Error ? error.message : String(error)}\n\n${usage}`)
    process.exit(2)
  }
}

function help(): never {
  console.log(usage)
  process.exit(0)
}
