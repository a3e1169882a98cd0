import type { Wire } from './wire.ts'

/** What an operation works on. `below` is a random number below a limit. */
export interface Place {
  readonly wire: Wire
  readonly name: string
  readonly below: (limit: number) => number
}

/** One thing an application does. It throws when the server refuses it. */
export type Operation = (place: Place) => Promise<unknown>

/** Three indices: one shard, three shards, and a join. */
const SHARDS = { a: 1, b: 3, c: 1 }

const mappings = (dynamic: boolean): object => ({
  dynamic,
  properties: {
    k: { type: 'keyword', copy_to: 'all' },
    n: { type: 'long' },
    f: { type: 'double' },
    t: { type: 'text' },
    all: { type: 'text' },
    off: { type: 'object', enabled: false },
    nest: { type: 'nested', properties: { q: { type: 'integer' } } },
    ...(dynamic ? {} : { join: { type: 'join', relations: { up: 'down' } } }),
  },
})

const settings = { number_of_replicas: 0, 'translog.durability': 'async', refresh_interval: '-1' }

/** What the indices are: whether their mappings grow by themselves, and whether there is a data stream beside. */
export interface Indices {
  readonly dynamic?: boolean
  readonly streams?: boolean
}

/** Makes the indices, with a few documents of each kind. */
export async function prepare(wire: Wire, name: string, { dynamic = false, streams = false }: Indices): Promise<void> {
  const lines: string[] = []
  for (const [index, number_of_shards] of Object.entries(SHARDS)) {
    const aliases = { [`${name}-alias-${index}`]: {} }
    const made = { settings: { ...settings, number_of_shards }, mappings: mappings(dynamic && index !== 'c'), aliases }
    await wire.ask('PUT', `/${name}-${index}`, made)
    for (let id = 0; id < 30; id += 1) {
      lines.push(
        `{"index":{"_index":"${name}-${index}","_id":"${id}"}}\n${flat(TEXTS[id % TEXTS.length]?.(id) ?? '')}\n`,
      )
    }
  }
  await wire.ask('POST', '/_bulk?refresh=true', lines.join(''))
  if (streams) await prepareStream(wire, name)
}

async function prepareStream(wire: Wire, name: string): Promise<void> {
  await wire.ask('PUT', `/_index_template/${name}-stream`, streamTemplate(name))
  const events = [1, 2, 3, 4].map(
    (n) => `{"create":{}}\n{"@timestamp":"2026-01-0${n}T00:00:00Z","k":"k${n}","n":${n}}\n`,
  )
  await wire.ask('POST', `/${name}-log0/_bulk?refresh=true`, events.join(''))
}

/** Documents as no program would print them. */
const TEXTS: readonly ((n: number) => string)[] = [
  (n) => `{"k":"k${n % 5}","n":${n},"f":${n % 9}.0}`,
  (n) => `{"n":${n}, "k" : "k${n % 5}","f":1.50e1,"t":"a\\"_source\\":{ é ${n}"}`,
  (n) => `{\n  "k": "k${n % 5}",\r\n  "n": ${n}\n}`,
  () => '{"k":"k1","off":{"big":123456789012345678901234567890,"x":1e400}}',
  (n) => `{"k":["a","b"],"n":null,"nest":[{"q":${n % 9}},{"q":${n % 7}}]}`,
  (n) => `{"k":"${'x'.repeat(n % 300)}","f":-0.0}`,
]

const flat = (text: string): string => text.replaceAll(/[\r\n]/g, ' ')
const pick = <T>(below: Place['below'], list: readonly T[]): T => list[below(list.length)] as T
const textOf = ({ below }: Place): string => pick(below, TEXTS)(below(100))
const indexOf = ({ name, below }: Place): string => `${name}-${pick(below, ['a', 'b', 'c'])}`
const idOf = ({ below }: Place): string => {
  const id = below(4) === 0 ? pick(below, ['x/y', 'é"q', 'a b', '_w']) : String(below(40))
  return encodeURIComponent(id)
}
const routed = (index: string, { below }: Place): string =>
  index.endsWith('-b') && below(2) === 1 ? `routing=r${below(3)}` : ''

/** Operations on documents. */
export const writes: Readonly<Record<string, Operation>> = {
  put: (at) => {
    const index = indexOf(at)
    return at.wire.ask('PUT', `/${index}/_doc/${idOf(at)}?${routed(index, at)}`, textOf(at))
  },
  'put without an id': (at) => at.wire.ask('POST', `/${indexOf(at)}/_doc`, textOf(at)),
  delete: (at) => {
    const index = indexOf(at)
    return at.wire.ask('DELETE', `/${index}/_doc/${idOf(at)}?${routed(index, at)}`)
  },
  update: (at) => {
    const bodies = [{ doc: { n: at.below(50) }, doc_as_upsert: true }, { script: 'ctx._source.n = 7' }]
    return at.wire.ask('POST', `/${indexOf(at)}/_update/${idOf(at)}`, pick(at.below, bodies))
  },
  'delete by a script': (at) =>
    at.wire.ask('POST', `/${indexOf(at)}/_update/${idOf(at)}`, { script: "ctx.op = 'delete'" }),
  'put with an external version': (at) => {
    const version = `version=${at.below(1000) + 5}&version_type=external`
    return at.wire.ask('PUT', `/${indexOf(at)}/_doc/${idOf(at)}?${version}`, textOf(at))
  },
  bulk: (at) => {
    const lines = Array.from({ length: at.below(40) + 1 }, () => {
      const [index, id] = [indexOf(at), decodeURIComponent(idOf(at))]
      const route = routed(index, at).replace('routing=', '')
      const where = { _index: index, _id: id, ...(route === '' ? {} : { routing: route }) }
      if (at.below(3) === 0) return `${JSON.stringify({ delete: where })}\n`
      return `${JSON.stringify({ index: where })}\n${flat(textOf(at))}\n`
    })
    return at.wire.ask('POST', `/_bulk${pick(at.below, ['', '?refresh=true'])}`, lines.join(''))
  },
  'delete by query': (at) => {
    const from = at.below(50)
    const queries = [
      { range: { n: { lt: at.below(60) } } },
      { term: { k: `k${at.below(5)}` } },
      { match_all: {} },
      { range: { _seq_no: { gte: from, lt: from + at.below(50) } } },
    ]
    const path = `/${indexOf(at)}/_delete_by_query?conflicts=proceed&refresh=true`
    return at.wire.ask('POST', path, { query: pick(at.below, queries) })
  },
  'update by query': (at) => {
    const body = { query: { range: { n: { lt: at.below(60) } } }, script: 'ctx._source.n = 1' }
    return at.wire.ask('POST', `/${indexOf(at)}/_update_by_query?conflicts=proceed&refresh=true`, body)
  },
  reindex: (at) => {
    const source = { index: `${at.name}-a`, query: { range: { n: { lt: at.below(60) } } } }
    return at.wire.ask('POST', '/_reindex?refresh=true', {
      conflicts: 'proceed',
      source,
      dest: { index: `${at.name}-b` },
    })
  },
  join: (at) => {
    const text = pick(at.below, ['{"join":"up"}', '{"join":{"name":"down","parent":"up1"},"n":3}'])
    const path = `/${at.name}-c/_doc/${pick(at.below, ['up1', 'down1', 'down2'])}?routing=${pick(at.below, ['p', 'q'])}`
    return at.wire.ask('PUT', path, text)
  },
}

/** Operations on everything else. */
export const reshapings: Readonly<Record<string, Operation>> = {
  refresh: (at) => at.wire.ask('POST', `/${indexOf(at)}/_refresh`),
  flush: (at) => at.wire.ask('POST', `/${indexOf(at)}/_flush?force=true`),
  merge: (at) => at.wire.ask('POST', `/${indexOf(at)}/_forcemerge?max_num_segments=1`),
  'add an alias': (at) => {
    const routing = { index_routing: 'r2', search_routing: 'r1,r2' }
    const more = pick<object>(at.below, [
      {},
      { filter: { term: { k: 'k1' } } },
      { routing: 'r1' },
      routing,
      { is_write_index: true },
    ])
    const add = { index: indexOf(at), alias: `${at.name}-alias-${pick(at.below, ['a', 'b', 'c', 'd'])}`, ...more }
    return at.wire.ask('POST', '/_aliases', { actions: [{ add }] })
  },
  'remove an alias': (at) => {
    const remove = { index: indexOf(at), alias: `${at.name}-alias-${pick(at.below, ['a', 'b', 'c'])}` }
    return at.wire.ask('POST', '/_aliases', { actions: [{ remove }] })
  },
  setting: (at) => {
    const settings_ = [
      { 'index.refresh_interval': pick(at.below, ['1s', '-1', '5s', null]) },
      { 'index.max_result_window': 20_000 + at.below(5) },
      { 'index.number_of_replicas': at.below(2) },
      { 'index.default_pipeline': pick(at.below, [`${at.name}-stamp`, '_none', null]) },
      { 'index.final_pipeline': pick(at.below, [`${at.name}-stamp`, null]) },
    ]
    return at.wire.ask('PUT', `/${indexOf(at)}/_settings`, pick<object>(at.below, settings_))
  },
  block: (at) => {
    const kind = pick(at.below, ['write', 'read_only'])
    return at.wire.ask('PUT', `/${indexOf(at)}/_settings`, { [`index.blocks.${kind}`]: true })
  },
  unblock: (at) => {
    const kinds = ['write', 'read_only']
    const none = Object.fromEntries(kinds.map((kind) => [`index.blocks.${kind}`, null]))
    return at.wire.ask('PUT', `/${indexOf(at)}/_settings`, none)
  },
  pipeline: (at) => {
    const processors = [{ set: { field: 'z', value: at.below(9) } }]
    return at.wire.ask('PUT', `/_ingest/pipeline/${at.name}-stamp`, { description: `d${at.below(9)}`, processors })
  },
  'remove a pipeline': (at) => at.wire.ask('DELETE', `/_ingest/pipeline/${at.name}-stamp`),
  component: (at) => {
    const body = { template: { settings: { 'index.priority': at.below(9) } } }
    return at.wire.ask('PUT', `/_component_template/${at.name}-part`, body)
  },
  'remove a component': (at) => at.wire.ask('DELETE', `/_component_template/${at.name}-part`),
  template: (at) => {
    const template = { mappings: { properties: { z: { type: 'keyword' } } }, aliases: { [`${at.name}-alias-t`]: {} } }
    const composed_of = at.below(2) === 0 ? [] : [`${at.name}-part`]
    return at.wire.ask('PUT', `/_index_template/${at.name}-template`, {
      index_patterns: [`${at.name}-new*`],
      composed_of,
      template,
    })
  },
  'remove a template': (at) => at.wire.ask('DELETE', `/_index_template/${at.name}-template`),
  'legacy template': (at) =>
    at.wire.ask('PUT', `/_template/${at.name}-old`, { index_patterns: [`${at.name}-leg*`], order: at.below(5) }),
  'remove a legacy template': (at) => at.wire.ask('DELETE', `/_template/${at.name}-old`),
  script: (at) => {
    const script = { lang: 'painless', source: `return ${at.below(9)}` }
    return at.wire.ask('PUT', `/_scripts/${at.name}-script`, { script })
  },
  'remove a script': (at) => at.wire.ask('DELETE', `/_scripts/${at.name}-script`),
  policy: (at) => {
    const phases = { delete: { min_age: `${50 + at.below(9)}d`, actions: { delete: {} } } }
    return at.wire.ask('PUT', `/_ilm/policy/${at.name}-policy`, { policy: { phases } })
  },
  create: (at) => {
    const body = { settings: { number_of_replicas: 0, number_of_shards: 1 + at.below(2) }, mappings: mappings(false) }
    return at.wire.ask('PUT', `/${at.name}-new${at.below(3)}`, body)
  },
  'create by a write': (at) => at.wire.ask('PUT', `/${at.name}-new${at.below(3)}/_doc/1`, textOf(at)),
}

/** Operations that let a mapping grow. */
export const growing: Readonly<Record<string, Operation>> = {
  'a new field': (at) => {
    const value = pick(at.below, ['1', '"s"', '{"in":2.5}'])
    return at.wire.ask('PUT', `/${indexOf(at)}/_doc/${at.below(40)}`, `{"dyn${at.below(4)}":${value},"n":1}`)
  },
  'a field put into the mapping': (at) => {
    const body = { properties: { [`m${at.below(3)}`]: { type: 'keyword' } } }
    return at.wire.ask('PUT', `/${indexOf(at)}/_mapping`, body)
  },
}

/** Operations that only clones undo. */
export const destroying: Readonly<Record<string, Operation>> = {
  'delete an index': (at) => at.wire.ask('DELETE', `/${indexOf(at)}`),
  'make an index anew': async (at) => {
    const index = indexOf(at)
    await at.wire.ask('DELETE', `/${index}`)
    const shards = { ...settings, number_of_shards: 1 + at.below(2) }
    await at.wire.ask('PUT', `/${index}`, { settings: shards, mappings: mappings(false) })
  },
  close: (at) => at.wire.ask('POST', `/${indexOf(at)}/_close`),
  open: (at) => at.wire.ask('POST', `/${indexOf(at)}/_open`),
}

/** Operations that end points in time. */
export const closing: Readonly<Record<string, Operation>> = {
  close: (at) => at.wire.ask('POST', `/${indexOf(at)}/_close`),
  open: (at) => at.wire.ask('POST', `/${indexOf(at)}/_open`),
}

/** Operations on two data streams, which the first event makes. */
export const streaming: Readonly<Record<string, Operation>> = {
  event: (at) => at.wire.ask('POST', `/${streamOf(at)}/_doc`, eventOf(at)),
  events: (at) => {
    const lines = Array.from({ length: at.below(20) + 1 }, () => `{"create":{}}\n${eventOf(at)}\n`)
    return at.wire.ask('POST', `/${streamOf(at)}/_bulk${pick(at.below, ['', '?refresh=true'])}`, lines.join(''))
  },
  'delete events': (at) => {
    const query = { term: { k: `k${at.below(5)}` } }
    return at.wire.ask('POST', `/${streamOf(at)}/_delete_by_query?conflicts=proceed&refresh=true`, { query })
  },
  'update events': (at) => {
    const body = { query: { term: { k: `k${at.below(5)}` } }, script: 'ctx._source.n = 7' }
    return at.wire.ask('POST', `/${streamOf(at)}/_update_by_query?conflicts=proceed&refresh=true`, body)
  },
  'a new field of events': (at) => {
    const text = `{"@timestamp":"2026-01-01T00:00:00.000Z","dyn${at.below(4)}":${pick(at.below, ['1', '"s"'])}}`
    return at.wire.ask('POST', `/${streamOf(at)}/_doc`, text)
  },
  'roll over': (at) => at.wire.ask('POST', `/${streamOf(at)}/_rollover`),
  'make a stream': (at) => at.wire.ask('PUT', `/_data_stream/${streamOf(at)}`),
  'delete a stream': (at) => at.wire.ask('DELETE', `/_data_stream/${streamOf(at)}`),
  'delete the first index of a stream': async (at) => {
    const { data_streams } = await at.wire.ask('GET', `/_data_stream/${streamOf(at)}`)
    const [stream] = data_streams as { indices: { index_name: string }[] }[]
    await at.wire.ask('DELETE', `/${stream?.indices[0]?.index_name}`)
  },
  'an alias of a stream': (at) => {
    const alias = `${at.name}-alias-${pick(at.below, ['e', 'f'])}`
    const filter = pick<object>(at.below, [{}, { filter: { term: { k: 'k1' } } }])
    const actions = [{ [pick(at.below, ['add', 'remove'])]: { index: streamOf(at), alias, ...filter } }]
    return at.wire.ask('POST', '/_aliases', { actions })
  },
  'an index in place of a stream': async (at) => {
    const stream = streamOf(at)
    await at.wire.send('DELETE', `/_data_stream/${stream}`)
    await at.wire.send('DELETE', `/_index_template/${at.name}-stream`)
    await at.wire.ask('PUT', `/${stream}/_doc/1`, textOf(at))
  },
  'the template of streams': (at) => at.wire.ask('PUT', `/_index_template/${at.name}-stream`, streamTemplate(at.name)),
}

const streamOf = ({ name, below }: Place): string => `${name}-log${below(2)}`
const eventOf = ({ below }: Place): string =>
  `{"@timestamp":"2026-01-0${1 + below(9)}T00:00:00.000Z","k":"k${below(5)}","n":${below(50)}}`

/** The template that makes `name-log…` data streams. */
export function streamTemplate(name: string): object {
  return {
    index_patterns: [`${name}-log*`],
    data_stream: {},
    template: {
      settings: { number_of_replicas: 0 },
      mappings: { properties: { k: { type: 'keyword' }, n: { type: 'long' } } },
    },
  }
}
