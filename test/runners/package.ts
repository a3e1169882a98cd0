import { execFileSync, spawnSync } from 'node:child_process'
import { createHash } from 'node:crypto'
import { copyFileSync, existsSync, globSync, mkdirSync, mkdtempSync, readFileSync, renameSync, rmSync } from 'node:fs'
import { statSync, symlinkSync, writeFileSync } from 'node:fs'
import { dirname, join, resolve } from 'node:path'
import { fileURLToPath } from 'node:url'

export const root = fileURLToPath(new URL('../..', import.meta.url))

/** The Vitest of the repository, and the oldest that users may have. */
export const versions = { vitest5: 'of the repository', vitest4: '4.1.12' } as const

/** How a project comes to its `venomqa`: as npm installs it, or as this repository's sources. */
export type Origin = keyof typeof versions | 'sources'

/**
 * A folder whose node_modules holds the package, for projects made inside it.
 *
 * It is named by the content of the sources, so that processes share it and none sees another state of the code.
 */
export function home(origin: Origin): string {
  const all = join(root, '.cache/runners')
  const place = join(all, hash(), origin)
  if (existsSync(place)) return place
  if (!existsSync(dirname(place))) forgetOld(all)
  mkdirSync(dirname(place), { recursive: true })
  const made = mkdtempSync(`${place}-`)
  mkdirSync(join(made, 'node_modules/venomqa'), { recursive: true })
  if (origin === 'sources') linkSources(join(made, 'node_modules/venomqa'))
  else build(join(made, 'node_modules/venomqa'))
  if (origin === 'vitest4') installVitest4(made)
  try {
    renameSync(made, place)
  } catch {
    rmSync(made, { recursive: true, force: true }) // Another process was faster.
  }
  return place
}

/** Another process may still run on what another state of the code made. */
const OLD_MS = 3_600_000

function forgetOld(all: string): void {
  for (const made of globSync(join(all, '*'))) {
    if (statSync(made).mtimeMs < Date.now() - OLD_MS) rmSync(made, { recursive: true, force: true })
  }
}

/** The script that runs the Vitest of `place`. */
export function vitestIn(place: string, origin: Origin): string {
  return join(origin === 'vitest4' ? place : root, 'node_modules/vitest/vitest.mjs')
}

function build(place: string): void {
  const tarball = process.env['VENOMQA_TARBALL'] // of `npm test`
  if (tarball !== undefined) {
    execFileSync('tar', ['-xzf', tarball, '--strip-components=1', '-C', place])
    return
  }
  // What does not type-check is still compiled: the types are another test's business.
  const tsc = join(root, 'node_modules/typescript/bin/tsc')
  for (const [project, out] of [
    ['tsconfig.build.json', 'dist/esm'],
    ['tsconfig.cjs.json', 'dist/cjs'],
  ] as const) {
    spawnSync(process.execPath, [tsc, '--project', join(root, project), '--outDir', join(place, out)])
  }
  writeFileSync(join(place, 'dist/cjs/package.json'), '{ "type": "commonjs" }')
  mkdirSync(join(place, 'jest-preset'))
  for (const file of ['package.json', 'jest-preset/jest-preset.json']) copyFileSync(join(root, file), join(place, file))
}

/** The package's own exports, each led to the source it is built from. */
function linkSources(place: string): void {
  const { exports } = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8'))
  const sources = JSON.stringify(exports).replaceAll(/\.\/dist\/(?:esm|cjs)\/([\w/-]+)\.(?:d\.ts|js)/g, './$1.ts')
  writeFileSync(
    join(place, 'package.json'),
    JSON.stringify({ name: 'venomqa', type: 'module', exports: JSON.parse(sources) }),
  )
  for (const folder of ['src', 'vitest-plugin']) symlinkSync(join(root, folder), join(place, folder))
}

/** npm cannot keep two Vitests in one project, since each wants its own as the peer of the other's optional packages. */
function installVitest4(place: string): void {
  const cached = join(root, '.cache/vitest', versions.vitest4)
  if (!existsSync(cached)) {
    mkdirSync(join(root, '.cache/vitest'), { recursive: true })
    const made = mkdtempSync(`${cached}-`)
    const install = ['install', '--prefix', made, `vitest@${versions.vitest4}`]
    execFileSync('npm', [...install, '--prefer-offline', '--no-audit', '--no-fund', '--loglevel=error'])
    renameSync(made, cached)
  }
  symlinkSync(join(cached, 'node_modules/vitest'), join(place, 'node_modules/vitest'))
}

function hash(): string {
  const tarball = process.env['VENOMQA_TARBALL']
  const files =
    tarball === undefined
      ? globSync(['package.json', 'tsconfig*.json', 'src/**/*.ts', 'vitest-plugin/*.ts', 'jest-preset/*'], {
          cwd: root,
        }).toSorted()
      : [tarball]
  const content = createHash('sha256')
  for (const file of files) content.update(file).update(readFileSync(resolve(root, file)))
  return content.digest('hex').slice(0, 12)
}
