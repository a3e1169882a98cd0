import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { root, step } from './command.ts'

/**
 * Starts real servers and answers with their VENOMQA_TEST_<NAME>_URL. One that does not start is missing there; one
 * that the caller has a URL for is the caller's own.
 */
export async function startServices(wanted: readonly string[]): Promise<Record<string, string>> {
  const names = wanted.filter((name) => process.env[variable(name)] === undefined)
  if (names.length === 0) return {}
  const { stdout } = await step(`servers: ${names.join(', ')}`, 'bash', ['test/servers/servers', 'up', ...names])
  const lines = stdout.split('\n').filter((line) => line.startsWith('VENOMQA_TEST_'))
  return Object.fromEntries(lines.map((line) => [line.slice(0, line.indexOf('=')), line.slice(line.indexOf('=') + 1)]))
}

/** The servers that the tests use, but for those in VENOMQA_TEST_WITHOUT. */
export function usedServices(): string[] {
  const used: string[] = JSON.parse(readFileSync(join(root, 'test/servers/used.json'), 'utf8'))
  const without = (process.env['VENOMQA_TEST_WITHOUT'] ?? '').split(',').map((name) => name.trim())
  return used.filter((name) => !without.includes(name))
}

function variable(name: string): string {
  return `VENOMQA_TEST_${name.toUpperCase().replaceAll('-', '_')}_URL`
}
