import { VenomError } from '../../errors.ts'
import { isTestName, requireTestDatabase, type SafetyOptions } from '../../safety.ts'
import { OURS } from './scope.ts'
import type { Server } from './server.ts'

/** How a person says that a cluster is for tests: a setting that means nothing to the server. */
const MARK = 'cluster.metadata.venomqa'

/** Reads a URL. Throws `BAD_ARGUMENT`; the message never holds the URL, which may hold a password. */
export function parsedUrl(url: string): URL {
  const parsed = URL.parse(url)
  if (parsed?.protocol === 'http:' || parsed?.protocol === 'https:') return parsed
  throw new VenomError(
    'BAD_ARGUMENT',
    'elasticsearch: the URL cannot be read.\n' +
      'The variable that holds it may not be set, or a character of the password such as / or @ is not percent-encoded.\n' +
      "Write elasticsearch('http://user:password@localhost:9200', { indices: ['shop_test-*'] }).",
  )
}

/** Throws `BAD_ARGUMENT` unless these say which indices are meant. */
export function requireIndices(patterns: readonly string[]): void {
  if (patterns.length === 0) throw badIndices('no indices are named')
  for (const pattern of patterns) {
    if (/^\**$/.test(pattern) || pattern === '_all') throw badIndices(`"${pattern}" means every index there is`)
    if (/[,\s"\\/<>|?#]/.test(pattern) || pattern.startsWith('-'))
      throw badIndices(`"${pattern}" is no name of an index`)
    if (pattern.startsWith('.') || pattern.startsWith(OURS)) throw badIndices(`"${pattern}" is the server's or ours`)
  }
}

/** Throws `NOT_A_TEST_DATABASE` where that can be told without asking the server. */
export function requireTestHost({ hostname }: URL, [pattern = '']: readonly string[], options: SafetyOptions): void {
  requireTestDatabase({ system: 'elasticsearch', database: pattern, host: hostname, proved: true }, options)
}

/** Throws `NOT_A_TEST_DATABASE` unless all indices, or the cluster, are for tests. */
export async function requireTestIndices(
  server: Server,
  { hostname: host }: URL,
  patterns: readonly string[],
  options: SafetyOptions,
): Promise<void> {
  const path = `/_cluster/settings?flat_settings=true&filter_path=*.${MARK.replaceAll('.', String.raw`\.`)}`
  const { persistent = {}, transient = {} } = await server.http.ask<Settings>('GET', path)
  const proved = (persistent[MARK] ?? transient[MARK]) === 'test'
  const others = patterns.filter((pattern) => !isTestName(pattern))
  const mark = `PUT _cluster/settings {"persistent":{"${MARK}":"test"}}`
  for (const database of others.length > 0 ? [server.cluster] : patterns) {
    requireTestDatabase({ system: 'elasticsearch', database, host, proved, mark }, options)
  }
}

interface Settings {
  readonly persistent?: Readonly<Record<string, string>>
  readonly transient?: Readonly<Record<string, string>>
}

function badIndices(why: string): VenomError {
  return new VenomError(
    'BAD_ARGUMENT',
    `elasticsearch: ${why}.\n` +
      'A server may hold other things than test data, so what is rewritten must be named.\n' +
      "Name the indices: elasticsearch(url, { indices: ['shop_test-*'] }), or give a prefix.",
  )
}
