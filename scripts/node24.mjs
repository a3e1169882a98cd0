// node scripts/node24.mjs FILE ARGS…: runs FILE with a Node that can run this repository. When the caller's
// is too old, Node 24 is fetched from the npm registry into .cache/node24, once. Must itself run on Node 14.
import { spawn, spawnSync } from 'node:child_process'
import { existsSync, mkdirSync, mkdtempSync, renameSync, rmSync } from 'node:fs'
import { delimiter, dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'

const cache = join(dirname(dirname(fileURLToPath(import.meta.url))), '.cache')
const home = join(cache, 'node24')
const node24 = join(home, 'bin', 'node')

delete process.env.npm_config_dry_run // of npm pack, and not for the npm that we call

const old = !suits(process.version)
if (old) {
  const there = existsSync(node24)
  const what = there ? 'using Node 24 from' : 'fetching Node 24 from the npm registry into'
  console.log(`Node ${process.version} is too old: ${what} .cache/node24`)
  if (!there) fetchNode24()
  process.env.PATH = dirname(node24) + delimiter + process.env.PATH
}

const child = spawn(old ? node24 : process.execPath, process.argv.slice(2), { stdio: 'inherit' })
for (const signal of ['SIGINT', 'SIGTERM']) process.on(signal, () => child.kill(signal))
child.on('exit', (code) => process.exit(code === null ? 1 : code))

/** "engines" of package.json, but 22 only from the first version that runs TypeScript as it is. */
function suits(version) {
  const [major, minor] = version.slice(1).split('.').map(Number)
  return (major === 22 && minor >= 18) || major === 24 || major >= 26
}

function fetchNode24() {
  const name = process.platform === 'darwin' && process.arch === 'arm64' ? 'node-bin' : 'node'
  const pack = `${name}-${process.platform}-${process.arch}`
  mkdirSync(cache, { recursive: true })
  const part = mkdtempSync(join(cache, 'node24-')) // renamed when whole: an interrupted download leaves no half Node
  const npm = spawnSync('npm', ['install', '--prefix', part, '--loglevel=error', `${pack}@24`], { encoding: 'utf8' })
  if (npm.status === 0 && !existsSync(home)) renameSync(join(part, 'node_modules', pack), home)
  rmSync(part, { recursive: true, force: true })
  if (npm.status === 0) return
  console.error(`npm cannot fetch ${pack}@24. Install Node 24 yourself, or repair npm:\n${npm.stderr || npm.error}`)
  process.exit(1)
}
