// npm test [FILTER…]: servers, dependencies, static checks, the whole suite, the examples; `--check` adds knip.
// With filters (as Vitest takes them) it runs only these tests. Each check and each example counts as one test.
import { existsSync, readdirSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import { root, show, step } from './command.ts'
import { install } from './install.ts'
import { closingLine, readVitest } from './results.ts'
import { startServices, usedServices } from './services.ts'

/** Vitest is ESM only, so the entries that need it are too: attw would call that a fault. */
const esmOnly = ['vitest', 'vitest-plugin', 'vitest-reporter']
const tidy = process.argv.includes('--check')
const filters = process.argv.slice(2).filter((argument) => argument !== '--check')

const services = startServices(usedServices())
await install()
const checks = filters.length > 0 ? [] : await staticChecks()
const tarball = await pack()
if (tarball !== undefined && filters.length === 0) checks.push(...(await packageChecks(tarball)))
const env = { ...(await services), ...(tarball !== undefined && { VENOMQA_TARBALL: tarball }) }

const report = join(root, '.cache/vitest.json')
rmSync(report, { force: true })
const vitest = ['node_modules/vitest/vitest.mjs', 'run', ...filters]
const reporters = ['--reporter=default', '--reporter=json', `--outputFile.json=${report}`]
const results = readVitest(report, await show(process.execPath, [...vitest, ...reporters], { env }))

if (tarball === undefined) checks.push(false)
else if (filters.length === 0) checks.push(...(await examples()))
for (const ok of checks) results[ok ? 'passed' : 'failed'] += 1

for (const name of results.notRun) console.log(`not run: ${name} is not there (npm run services -- up ${name})`)
console.log(closingLine(results))
process.exitCode = results.failed > 0 ? 1 : 0

async function staticChecks(): Promise<boolean[]> {
  const done = [
    await step('types', 'tsc', ['-p', 'tsconfig.json']),
    await step('lint', 'oxlint', []),
    await step('format', 'oxfmt', ['--check']),
  ]
  if (tidy) done.push(await step('knip', 'knip', []))
  return done.map(({ ok }) => ok)
}

/** Builds and packs; undefined when that fails. */
async function pack(): Promise<string | undefined> {
  if (!(await step('build', process.execPath, ['scripts/build.ts'])).ok) return undefined
  const { ok, stdout } = await step('pack', process.execPath, ['scripts/pack.ts'])
  return ok ? stdout.trim() : undefined
}

async function packageChecks(tarball: string): Promise<boolean[]> {
  const done = [
    await step('types of the examples', 'tsc', ['-p', 'examples']),
    await step('publint', 'publint', ['--strict', tarball]),
    await step('attw', 'attw', [tarball, '--profile', 'node16', '--exclude-entrypoints', ...esmOnly]),
  ]
  return done.map(({ ok }) => ok)
}

async function examples(): Promise<boolean[]> {
  const done: boolean[] = []
  for (const name of readdirSync(join(root, 'examples')).toSorted()) {
    const cwd = join(root, 'examples', name)
    if (!existsSync(join(cwd, 'package.json'))) continue
    const { ok, stdout } = await step(`examples/${name}`, 'npm', ['test', '--silent'], { cwd, env })
    const [notRun] = /^not run: .*/m.exec(stdout) ?? []
    if (notRun === undefined) done.push(ok)
    else console.log(notRun)
  }
  return done
}
