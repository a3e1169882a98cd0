import { VenomError } from './errors.ts'

/** What a system is about to rewrite. */
export interface Target {
  /** How messages call the system: `'postgres'`. */
  readonly system: string
  /** The database's name, the file's path, the key prefix. */
  readonly database: string
  /** The server's host; absent for a file or a unix socket. */
  readonly host?: string
  /** Proof that needs no name: we made it, it carries the mark of a test database, or its place says so. */
  readonly proved: boolean
  /** The statement by which a person marks it as a test database, where its system knows one. */
  readonly mark?: string
}

/** The two options by which a user vouches for a target. Both are exact, so that neither is ever copied to another place unread. */
export interface SafetyOptions {
  /** The exact name (or path) of a database that is a test database though its name does not say so. */
  readonly allowDatabase?: string
  /** Exact names of hosts that are not this machine, such as a container's service name. */
  readonly allowHosts?: readonly string[]
}

const TEST_NAME = /(^|[^a-z])(test(s|ing|db|data)?|specs?|ci|e2e|venomqa|vq)([^a-z]|$)/i
const TEST_PATH = /(^|[^a-z])(tmp|temp|shm|fixtures?|demo|examples?|sandbox|bench)([^a-z]|$)/i
const PRODUCTION_VARIABLES = ['NODE_ENV', 'APP_ENV', 'RAILS_ENV', 'DEPLOY_ENV']
const LOOPBACK = /^(localhost|127(\.\d{1,3}){3}|::1|\[::1\]|0:0:0:0:0:0:0:1)$/i
const MANAGED =
  /\.(amazonaws\.com|azure\.com|windows\.net|supabase\.(co|com)|neon\.tech|aivencloud\.com|ondigitalocean\.com|mongodb\.net|psdb\.cloud|elastic-cloud\.com|upstash\.io|render\.com|railway\.app|rlwy\.net|timescale\.com|crunchybridge\.com)$/i

/** Whether a name says by itself that it belongs to tests: `shop_test`, `ci-3`. */
export function isTestName(name: string): boolean {
  return TEST_NAME.test(name)
}

/** Whether a file's path says so: a test name anywhere in it, or a folder for things that may go, such as `/tmp` or `examples`. */
export function isTestPath(path: string): boolean {
  return TEST_NAME.test(path) || TEST_PATH.test(path)
}

/** Whether a host is this machine. */
export function isLoopback(host: string): boolean {
  return LOOPBACK.test(host)
}

/**
 * Throws `NOT_A_TEST_DATABASE` unless `target` is provably a test database: this tool rewrites what it is given.
 *
 * Four rules, each with the one option that relaxes it: no production environment; the host is this
 * machine or listed in `allowHosts`; the database is proved by a mark, by its name, or by `allowDatabase`; on the host
 * of a managed service a name is no proof.
 */
export function requireTestDatabase(
  target: Target,
  options: SafetyOptions = {},
  env: Readonly<Record<string, string | undefined>> = process.env,
): void {
  const { system, database, host } = target
  const refuse = (what: string, means: string, fix: string): never => {
    throw new VenomError('NOT_A_TEST_DATABASE', `${system}: ${what}\n${means}\n${fix}`)
  }
  const production = PRODUCTION_VARIABLES.find((name) => /^prod(uction)?$/i.test(env[name] ?? ''))
  if (production) {
    refuse(
      `${production} is "${env[production]}", so "${database}" is not touched.`,
      'A run of tests rewrites its databases, and this environment says that it is production.',
      `Run the tests with ${production}=test.`,
    )
  }
  if (host !== undefined && !isLoopback(host) && !options.allowHosts?.includes(host)) {
    refuse(
      `"${database}" is on ${host}, which is not this machine.`,
      'A database elsewhere may be shared with people, whatever its name is.',
      `If it is yours alone, say so: ${system}(…, { allowHosts: ['${host}'] }).`,
    )
  }
  if (host !== undefined && MANAGED.test(host) && !target.proved && options.allowDatabase !== database) {
    refuse(
      `"${database}" is on ${host}, which belongs to a managed service, and nothing but its name says that it is for tests.`,
      'What stands there is seldom for tests alone.',
      `Use a database on this machine${target.mark === undefined ? '' : `, mark this one once (${target.mark})`}, or vouch for it: ${system}(…, { allowDatabase: '${database}' }).`,
    )
  }
  if (target.proved || isTestName(database) || options.allowDatabase === database) return
  refuse(
    `nothing proves that "${database}" is a test database, so it is not touched.`,
    'Every rollback rewrites it, and its name does not say test, spec, ci or e2e.',
    `Use a database named so${target.mark === undefined ? '' : `, mark this one once (${target.mark})`}, or vouch for it: ${system}(…, { allowDatabase: '${database}' }).`,
  )
}

/** A connection URL without its password and without the values of query options that look secret. */
export function redacted(url: string): string {
  return url
    .replace(/(:\/\/[^:/?#@]*):\S*@/, '$1:***@')
    .replace(/([?&][^=&]*(?:pass|secret|token|key)[^=&]*=)[^&#]*/gi, '$1***')
}
