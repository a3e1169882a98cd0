// npm run bench -- NAME [--quick]
import { mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { cpus, release, totalmem, type } from 'node:os'
import { parseArgs } from 'node:util'
import { step } from '../scripts/command.ts'
import { install } from '../scripts/install.ts'
import { Bench, inMemory } from './bench.ts'
import { type Machine, TITLES, withSection } from './page.ts'
import { type Judged, milliseconds } from './row.ts'
import { goal, table } from './table.ts'

const harness = new Set(['bench', 'page', 'row', 'run', 'table'])
const names = readdirSync(import.meta.dirname)
  .filter((file) => file.endsWith('.ts') && !harness.has(file.slice(0, -3)))
  .map((file) => file.slice(0, -3))

const usage = `npm run bench -- NAME [--quick]

Measures our way, the peers' ways and the floor in one run, and writes bench/results/NAME.json and its part of
docs/performance.md.
  --quick   fewer runs and smaller data, for a glance, and not for the page
Benches: ${names.join(', ') || 'none yet'}`

const name = readName()
const bench = new Bench(process.argv.includes('--quick'))
for (const signal of ['SIGINT', 'SIGTERM']) {
  process.once(signal, () => {
    bench.close()
    process.exit(1)
  })
}
await install()
// Some benches measure the package as a user gets it.
if (!(await step('build', process.execPath, ['scripts/build.ts'])).ok) process.exit(1)
try {
  const { run } = await import(`./${name}.ts`)
  await run(bench)
} finally {
  bench.close()
}
console.log(`\n${table(bench.rows)}`)
console.log(`\nwritten: ${[writeResults(name, bench), ...writePage(name, bench)].join(', ')}`)
process.exitCode = bench.rows.every(({ correct }) => correct) ? 0 : 1

function readName(): string {
  const parsed = readArguments()
  const [wanted] = parsed.positionals
  if (parsed.values.help || wanted === undefined) {
    console.log(usage)
    process.exit(parsed.values.help ? 0 : 2)
  }
  if (parsed.positionals.length === 1 && names.includes(wanted)) return wanted
  return refuse(`There is no bench "${parsed.positionals.join(' ')}".`)
}

function readArguments() {
  try {
    return parseArgs({
      allowPositionals: true,
      options: { quick: { type: 'boolean' }, help: { type: 'boolean', short: 'h' } },
    })
  } catch (error) {
    return refuse(error instanceof Error ? error.message : String(error))
  }
}

function refuse(why: string): never {
  console.error(`${why}\n\n${usage}`)
  process.exit(2)
}

function writeResults(name: string, { quick, rows }: Bench): string {
  const folder = `${import.meta.dirname}/results`
  const machine = { ...thisMachine(), scratch: inMemory() ? 'tmpfs' : 'disk' }
  mkdirSync(folder, { recursive: true })
  const file = `${folder}/${name}.json`
  writeFileSync(file, `${JSON.stringify({ bench: name, quick, machine, rows: rows.map(plain) }, null, 2)}\n`)
  return `bench/results/${name}.json`
}

function writePage(name: string, { quick, rows }: Bench): readonly string[] {
  const title = TITLES[name]
  if (quick || title === undefined) return []
  const page = `${import.meta.dirname}/../docs/performance.md`
  writeFileSync(page, withSection(readFileSync(page, 'utf8'), title, thisMachine(), rows))
  return ['docs/performance.md']
}

function thisMachine(): Machine {
  const [cpu] = cpus()
  return {
    cpu: cpu?.model ?? 'unknown',
    cores: cpus().length,
    memoryGiB: Math.round(totalmem() / 2 ** 30),
    system: `${type()} ${release()}`,
    node: process.version,
    date: new Date().toISOString(),
  }
}

function plain(row: Judged) {
  const { id = null, work, fastestPeer, holds, correct } = row
  const peers = Object.fromEntries(Object.entries(row.peers).map(([peer, ms]) => [peer, milliseconds(ms)]))
  const figure = Number(row.value.toPrecision(6))
  return {
    id,
    work,
    ours: milliseconds(row.ours.ms),
    peers,
    fastestPeer,
    figure,
    goal: goal(row) || null,
    holds,
    correct,
  }
}
