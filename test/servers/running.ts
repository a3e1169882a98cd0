import { execFileSync } from 'node:child_process'
import { fileURLToPath } from 'node:url'

/** The VENOMQA_TEST_<NAME>_URL of every server that `npm run services` has started. The caller's own settings win. */
export function runningServers(): Record<string, string> {
  const found: Record<string, string> = {}
  for (const line of servicesEnv().split('\n')) {
    const [name, ...url] = line.split('=')
    if (name !== undefined && url.length > 0) found[name] = process.env[name] ?? url.join('=')
  }
  return found
}

function servicesEnv(): string {
  const servers = fileURLToPath(new URL('servers', import.meta.url))
  try {
    return execFileSync('bash', [servers, 'env'], { encoding: 'utf8', stdio: ['ignore', 'pipe', 'ignore'] })
  } catch {
    return '' // a machine where our servers do not run
  }
}
