import { existsSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { attempt, root, step } from './command.ts'

interface Lock {
  readonly packages: Record<string, { readonly version?: string; readonly optional?: boolean }>
}

/** Installs the locked dependencies, unless node_modules holds exactly them. */
export async function install(): Promise<void> {
  if (isInstalled()) return
  const options = ['--prefer-offline', '--loglevel=error']
  if ((await attempt('dependencies (npm ci)', 'npm', ['ci', ...options])).ok) return
  // A lock made behind an incomplete mirror lacks packages for other platforms: npm ci refuses it, npm install does not.
  const { ok } = await step('dependencies (npm install)', 'npm', ['install', '--no-save', ...options])
  if (!ok) process.exit(1)
}

/** npm writes what it installed into node_modules/.package-lock.json; optional packages are for other machines. */
function isInstalled(): boolean {
  const written = join(root, 'node_modules/.package-lock.json')
  if (!existsSync(written)) return false
  const there = read(written).packages
  const wanted = Object.entries(read(join(root, 'package-lock.json')).packages)
  return wanted.every(([path, { version, optional }]) => path === '' || optional || there[path]?.version === version)
}

function read(file: string): Lock {
  return JSON.parse(readFileSync(file, 'utf8'))
}
