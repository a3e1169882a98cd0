// Compiles the sources twice, to dist/esm and dist/cjs. A build that fails leaves dist as it was.
import { spawnSync } from 'node:child_process'
import { mkdirSync, mkdtempSync, renameSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { root } from './command.ts'
import { install } from './install.ts'

await install()
mkdirSync(join(root, '.cache'), { recursive: true })
const made = mkdtempSync(join(root, '.cache/build-'))
const ok = compile('tsconfig.build.json', 'esm') && compile('tsconfig.cjs.json', 'cjs')
if (ok) {
  writeFileSync(join(made, 'cjs/package.json'), '{ "type": "commonjs" }\n')
  rmSync(join(root, 'dist'), { recursive: true, force: true })
  renameSync(made, join(root, 'dist'))
}
rmSync(made, { recursive: true, force: true })
process.exitCode = ok ? 0 : 1

function compile(project: string, format: string): boolean {
  const tsc = join(root, 'node_modules/typescript/bin/tsc')
  const args = [tsc, '--project', join(root, project), '--outDir', join(made, format)]
  return spawnSync(process.execPath, args, { stdio: 'inherit' }).status === 0
}
