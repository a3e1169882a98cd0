import assert from 'node:assert/strict'
import type { Wire } from './wire.ts'

/** All that a rollback must bring back, as text. */
export type Contents = ReadonlyMap<string, string>

/** What a server sets by itself when it makes, clones or closes an index. */
const ITS_OWN =
  /^index\.(uuid|routing_partition_size|number_of_routing_shards|creation_date|provided_name|version\.|resize\.|routing\.allocation\.initial)/
const NOTED = /^(created|modified)_date|^version$|^in_use_by$|^cluster_|^index_uuid$|^status$/

interface Index {
  readonly mappings: object
  readonly settings: Readonly<Record<string, unknown>>
  readonly aliases: object
}

/** Reads everything whose name begins with `name`, through searches of its own and with `_source` as its text. */
export async function contentsOf(wire: Wire, name: string, versions = false): Promise<Contents> {
  const contents = new Map<string, string>()
  const found = await wire.ask('GET', `/${name}*?expand_wildcards=all&flat_settings=true`)
  const indices = Object.entries(found as Record<string, Index>)
  for (const [index, { mappings, settings, aliases }] of indices) {
    const own = Object.fromEntries(Object.entries(settings).filter(([key]) => !ITS_OWN.test(key)))
    contents.set(`the shape of ${index}`, sorted({ mappings, aliases, settings: own }))
    const isReadable = own['index.verified_before_close'] !== 'true' && own['index.blocks.read'] !== 'true'
    // An index that a write made has a field of this name too, but not as a nested one.
    const { properties = {} } = mappings as { properties?: { nest?: { type?: string } } }
    const isOurs = properties.nest?.type === 'nested'
    if (isReadable) for (const [key, text] of await documentsOf(wire, index, versions, isOurs)) contents.set(key, text)
  }
  // Those of data streams are not with their indices.
  contents.set('aliases', sorted(await wire.ask('GET', `/${name}*/_alias?expand_wildcards=all`)))
  for (const path of OBJECTS) contents.set(path, await objectsOf(wire, path, name))
  return contents
}

/** Throws when two contents differ, and shows where. */
export function assertSame(actual: Contents, expected: Contents): void {
  const keys = [...new Set([...actual.keys(), ...expected.keys()])].filter(
    (key) => actual.get(key) !== expected.get(key),
  )
  const shown = (from: Contents): object => Object.fromEntries(keys.slice(0, 5).map((key) => [key, from.get(key)]))
  assert.deepEqual(shown(actual), shown(expected), `${keys.length} differ`)
}

async function documentsOf(
  wire: Wire,
  index: string,
  versions: boolean,
  isNested: boolean,
): Promise<[string, string][]> {
  await wire.ask('POST', `/${index}/_refresh`)
  const nested = { nested: { path: 'nest' }, aggs: { sum: { sum: { field: 'nest.q' } } } }
  const aggs = {
    k: { terms: { field: 'k', size: 100, order: { _key: 'asc' } } },
    n: { sum: { field: 'n' } },
    nested,
    all: { filter: { match: { all: 'k1' } } },
  }
  const plain = { all: { filter: { match_all: {} } } }
  // Not parsed before the sources are cut out: 1.0 would become 1.
  const body = {
    size: 5000,
    track_total_hits: true,
    version: versions,
    query: { match_all: {} },
    aggs: isNested ? aggs : plain,
  }
  const text = await wire.text('POST', `/${index}/_search`, body)
  const total = /"total":\{"value":(\d+)/.exec(text)?.[1]
  const hits = text.split('{"_index":').slice(1)
  assert.equal(String(hits.length), total, `the dump is too small: ${text.slice(0, 500)}`)
  const documents = hits.map((hit): [string, string] => {
    const id = /"_id":("(?:[^"\\]|\\.)*")/.exec(hit)?.[1]
    const routing = /"_routing":("(?:[^"\\]|\\.)*")/.exec(hit)?.[1] ?? ''
    const version = /"_version":(\d+)/.exec(hit)?.[1] ?? ''
    const whole = hit.split(']},"aggregations":{')[0] ?? ''
    const source = whole.slice(whole.indexOf('"_source":'), whole.lastIndexOf('}'))
    return [`${index} ${id} ${routing}`, `${version} ${source}`]
  })
  return [
    ...documents,
    [`sums of ${index}`, text.slice(text.lastIndexOf('"aggregations"')).replaceAll(/"doc_count_error[^,]*,/g, '')],
  ]
}

const OBJECTS = [
  '/_data_stream',
  '/_ingest/pipeline',
  '/_template',
  '/_index_template',
  '/_component_template',
  '/_ilm/policy',
  '/_cluster/state/metadata?filter_path=metadata.stored_scripts',
]

async function objectsOf(wire: Wire, path: string, name: string): Promise<string> {
  const { status, body } = await wire.send('GET', path)
  if (status >= 400) return ''
  const metadata = body['metadata'] as { stored_scripts?: object } | undefined
  const listed = Object.values(body).find(Array.isArray) as { name: string }[] | undefined
  const all = path.startsWith('/_cluster') ? (metadata?.stored_scripts ?? {}) : (listed ?? body)
  const entries = Array.isArray(all) ? all.map((one) => [one.name, one] as const) : Object.entries(all)
  return sorted(Object.fromEntries(entries.filter(([key]) => key.startsWith(name))))
}

function sorted(value: unknown): string {
  return JSON.stringify(value, (_, inner: unknown) => {
    if (typeof inner !== 'object' || inner === null || Array.isArray(inner)) return inner
    const entries = Object.entries(inner).filter(([key]) => !NOTED.test(key))
    return Object.fromEntries(entries.toSorted(([a], [b]) => (a < b ? -1 : 1)))
  })
}
