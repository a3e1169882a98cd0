import { randomBytes } from 'node:crypto'
import { Client } from 'elasticsearch8'
import {
  elasticsearch,
  type ElasticsearchOptions,
  type ElasticsearchSystem,
} from '../../../src/systems/elasticsearch/index.ts'
import { leftovers } from './leftovers.ts'
import { Wire } from './wire.ts'

const SETTINGS = { number_of_shards: 1, number_of_replicas: 0, 'translog.durability': 'async' }

/** Indices of one test, which nobody else has. */
export class Place implements AsyncDisposable {
  readonly url: string
  readonly name = `shop_test_${randomBytes(4).toString('hex')}`
  readonly wire: Wire
  /** What systems told the user. */
  readonly notices: string[] = []
  readonly #systems: ElasticsearchSystem<unknown>[] = []

  constructor(url: string) {
    this.url = url
    this.wire = new Wire(url)
  }

  /** An index with two documents. */
  static async stocked(url: string): Promise<Place> {
    const place = new Place(url)
    await place.create('stock', { dynamic: false, properties: { left: { type: 'long' } } })
    await place.put('stock', 'lamp', { left: 5 })
    await place.put('stock', 'chair', { left: 5 })
    return place
  }

  /** The name of an index of this test. */
  of(index: string): string {
    return `${this.name}-${index}`
  }

  async create(index: string, mappings: object, settings: object = {}): Promise<void> {
    await this.wire.ask('PUT', `/${this.of(index)}`, { mappings, settings: { ...SETTINGS, ...settings } })
  }

  /** Writes a document; a string is its text. */
  async put(index: string, id: string, source: object | string, query = ''): Promise<void> {
    await this.wire.ask('PUT', `/${this.of(index)}/_doc/${encodeURIComponent(id)}?${query}`, source)
  }

  async delete(index: string, id: string): Promise<void> {
    await this.wire.ask('DELETE', `/${this.of(index)}/_doc/${encodeURIComponent(id)}`)
  }

  /** The text of each document's `_source`, by id. */
  async sources(index: string): Promise<Record<string, string>> {
    await this.wire.ask('POST', `/${this.of(index)}/_refresh`)
    const found = await this.wire.ask('POST', `/${this.of(index)}/_search`, { size: 1000, _source: false })
    const { hits } = (found as { hits: { hits: { _id: string; _routing?: string }[] } }).hits
    const texts = hits.map(async ({ _id, _routing }) => {
      const query = _routing === undefined ? '' : `?routing=${_routing}`
      return [
        _id,
        await this.wire.text('GET', `/${this.of(index)}/_source/${encodeURIComponent(_id)}${query}`),
      ] as const
    })
    return Object.fromEntries((await Promise.all(texts)).toSorted(([a], [b]) => (a < b ? -1 : 1)))
  }

  /** The same as another user. */
  as(url: string): Promise<ElasticsearchSystem<unknown>> {
    return this.open({}, '1', url)
  }

  /** A data stream with two indices, an alias, and an event in each; its template is `of('events')` too. */
  async stream(): Promise<void> {
    const events = this.of('events')
    const template = { settings: { number_of_replicas: 0 }, mappings: { properties: { what: { type: 'keyword' } } } }
    const body = { index_patterns: [`${events}*`], data_stream: {}, priority: 300, template }
    await this.wire.ask('PUT', `/_index_template/${events}`, body)
    await this.event('bought')
    await this.wire.ask('POST', `/${events}/_rollover`)
    await this.event('sent')
    const add = { index: events, alias: this.of('all-events'), filter: { term: { what: 'sent' } } }
    // OpenSearch has no aliases of data streams.
    await this.wire.send('POST', '/_aliases', { actions: [{ add }] })
  }

  async event(what: string, more: object = {}): Promise<void> {
    await this.wire.ask('POST', `/${this.of('events')}/_doc`, { '@timestamp': '2026-01-01T00:00:00Z', what, ...more })
  }

  /** A system over all indices of this test, opened. */
  async open(
    options: Partial<ElasticsearchOptions<unknown>> = {},
    worker = '1',
    url = this.url,
  ): Promise<ElasticsearchSystem<unknown>> {
    const client: unknown = new Client({ node: url })
    const system = elasticsearch(url, { indices: [`${this.name}-*`], client, ...options })
    const notice = (message: string): void => void this.notices.push(message)
    await system.open?.({ id: worker, runner: 'none', runId: 'test', notice })
    this.#systems.push(system)
    return system
  }

  /** What of ours is in the server. */
  leftovers(): Promise<string[]> {
    return leftovers(this.wire, this.name)
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const system of this.#systems) await system.close?.()
    await this.wire.send('DELETE', `/_data_stream/*${this.name}*`)
    await this.wire.send('DELETE', `/_index_template/${this.of('events')}`)
    const found = await this.wire.ask('GET', `/*${this.name}*?expand_wildcards=all&filter_path=*.aliases`)
    for (const index of Object.keys(found)) await this.wire.send('DELETE', `/${index}`)
    this.wire.close()
  }
}
