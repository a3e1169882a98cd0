import { readFileSync } from 'node:fs'
import { describe, test } from 'vitest'

const used: readonly string[] = JSON.parse(readFileSync(new URL('used.json', import.meta.url), 'utf8'))

/**
 * The URL of the real server `name`, which `npm run services -- up NAME` starts. Undefined when it is not there, or
 * when VENOMQA_TEST_WITHOUT (names, separated by commas) has it.
 */
export function server(name: string): string | undefined {
  if (!used.includes(name) && !process.env[variable(name)]) {
    throw new Error(`The server "${name}" is not in test/servers/used.json. Add it there, so that npm test starts it.`)
  }
  const url = process.env[variable(name)]
  return url === '' || without().includes(name) ? undefined : url
}

/**
 * A suite on the real server `name`. Without the server the suite is reported as not run; with CI set it fails, unless
 * VENOMQA_TEST_WITHOUT has the name.
 */
export function describeServer(name: string, body: (url: string) => void): void {
  describe(name, () => {
    const url = server(name)
    if (url === undefined) notRun(name)
    else body(url)
  })
}

/** Registers that tests on the server `name` do not run: skipped, or failed where it must be there. */
export function notRun(name: string): void {
  const missing = `not run: ${name} is not there`
  if (process.env['CI'] === undefined || without().includes(name)) return test.skip(missing)
  test(missing, () => {
    throw new Error(
      `${variable(name)} is not set. Start it with: npm run services -- up ${name}, ` +
        `or leave it out with VENOMQA_TEST_WITHOUT=${name}`,
    )
  })
}

function variable(name: string): string {
  return `VENOMQA_TEST_${name.toUpperCase().replaceAll('-', '_')}_URL`
}

function without(): string[] {
  return (process.env['VENOMQA_TEST_WITHOUT'] ?? '').split(',').map((name) => name.trim())
}
