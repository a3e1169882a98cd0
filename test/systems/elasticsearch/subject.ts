import { randomBytes } from 'node:crypto'
import { Client } from 'elasticsearch8'
import type { Subject } from '../../../src/kit/index.ts'
import { elasticsearch, type ElasticsearchOptions } from '../../../src/systems/elasticsearch/index.ts'
import { Application } from './application.ts'
import { leftovers } from './leftovers.ts'
import { Wire } from './wire.ts'

const settings = { number_of_shards: 1, number_of_replicas: 0, 'translog.durability': 'async', refresh_interval: '-1' }
const mappings = {
  dynamic: false,
  properties: { key: { type: 'keyword', ignore_above: 300 }, value: { type: 'keyword', ignore_above: 100 } },
}

interface Hits {
  readonly hits: { readonly hits: readonly { readonly _source: { readonly key: string; readonly value: string } }[] }
}

/** Three processes of one application on one server. Every subject has indices of its own. */
export class Shop {
  readonly #url: string
  readonly #name: string
  readonly #processes: readonly Application[]
  readonly #reader: Wire
  #turn = 0
  #subjects = 0
  #ports: readonly number[] = []

  private constructor(url: string, name: string, processes: readonly Application[]) {
    this.#url = url
    this.#name = name
    this.#processes = processes
    this.#reader = new Wire(url)
  }

  static async start(url: string): Promise<Shop> {
    const processes = await Promise.all([1, 2, 3].map(() => Application.start(url)))
    return new Shop(url, `kit_test_${randomBytes(4).toString('hex')}`, processes)
  }

  async stop(): Promise<void> {
    this.#reader.close()
    await Promise.all(this.#processes.map((application) => application.kill()))
  }

  /** Entries in an index of their own, written by the three processes in turn. */
  async subject(options: Partial<ElasticsearchOptions<unknown>> = {}): Promise<Subject> {
    const name = `${this.#name}_${(this.#subjects += 1)}`
    const entries = `${name}-entries`
    await this.#reader.ask('PUT', `/${entries}`, { settings, mappings })
    const client: unknown = new Client({ node: this.#url })
    const write = {
      put: async (key: string, value: string) => {
        await this.#next.ask('PUT', `/${entries}/_doc/${encodeURIComponent(key)}`, { key, value })
      },
      remove: async (key: string) => {
        await this.#next.send('DELETE', `/${entries}/_doc/${encodeURIComponent(key)}`)
      },
    }
    return {
      system: elasticsearch(this.#url, { indices: [`${name}-*`], client, ...options }),
      ...write,
      other: write,
      putMany: async (all) => {
        const lines = Object.entries(all).map(([key, value]) => {
          return `${JSON.stringify({ index: { _id: key } })}\n${JSON.stringify({ key, value })}\n`
        })
        const { body } = await this.#next.ask('POST', `/${entries}/_bulk`, lines.join(''))
        if (body['errors'] !== false) throw new Error(JSON.stringify(body).slice(0, 500))
      },
      all: async () => {
        await this.#reader.ask('POST', `/${entries}/_refresh`)
        const found = await this.#reader.ask('POST', `/${entries}/_search`, { size: 10_000 })
        const { hits } = (found as unknown as Hits).hits
        return Object.fromEntries(hits.map(({ _source: { key, value } }) => [key, value]))
      },
      fail: async () => {
        await this.#next.send('PUT', `/${entries}/_create/only`, { key: 'only', value: '1' })
        await this.#next.ask('PUT', `/${entries}/_create/only`, { key: 'only', value: '2' })
      },
      crash: async () => {
        await using application = await Application.start(this.#url)
        const lines = Array.from(
          { length: 2000 },
          (_, at) => `{"index":{"_id":"${at}"}}\n{"key":"k${at}","value":""}\n`,
        )
        await application.ask('PUT', `/${entries}/_doc/crashed`, { key: 'crashed', value: '1' })
        application.send('POST', `/${entries}/_bulk`, lines.join('')).catch(() => undefined)
        await new Promise((resolve) => setTimeout(resolve, 3))
        await application.kill()
      },
      connections: async () => {
        const ports = await Promise.all(this.#processes.map(async (it) => (await it.send('GET', '/')).port))
        if (this.#ports.length === 0) this.#ports = ports
        return ports.join()
      },
      reshape: async () => {
        await this.#next.ask('PUT', `/${entries}/_mapping`, { properties: { later: { type: 'long' } } })
        await this.#next.ask('PUT', `/${entries}/_settings`, { 'index.max_result_window': 20_000 })
        await this.#next.ask('POST', '/_aliases', { actions: [{ add: { index: entries, alias: `${name}-alias` } }] })
      },
      create: async () => {
        await this.#next.ask('PUT', `/${name}-orders/_doc/1`, { of: 'lamp' })
        await this.#next.ask('PUT', `/_ingest/pipeline/${name}-stamp`, { processors: [] })
        await this.#next.ask('PUT', `/_scripts/${name}-sum`, { script: { lang: 'painless', source: 'return 1' } })
        const template = { index_patterns: [`${name}-new-*`], template: { settings: { number_of_replicas: 0 } } }
        await this.#next.ask('PUT', `/_index_template/${name}-new`, template)
      },
      shape: async () => {
        const indices = await this.#reader.ask('GET', `/${name}-*?flat_settings=true&expand_wildcards=all`)
        const own = /uuid|creation_date|provided_name|version\.|resize|initial_recovery|routing_partition_size/
        const text = JSON.stringify(indices, (key, value: unknown) => (own.test(key) ? undefined : value))
        const objects = ['_ingest/pipeline', '_scripts', '_index_template'].map(async (kind) => {
          const suffix = { '_ingest/pipeline': 'stamp', _scripts: 'sum', _index_template: 'new' }[kind]
          return (await this.#reader.send('GET', `/${kind}/${name}-${suffix}`)).status
        })
        return `${text} ${(await Promise.all(objects)).join()}`
      },
      leftovers: () => leftovers(this.#reader, name),
      dispose: async () => {
        const found = await this.#reader.ask('GET', `/${name}-*?expand_wildcards=all&filter_path=*.aliases`)
        for (const index of Object.keys(found)) await this.#reader.ask('DELETE', `/${index}`)
      },
    }
  }

  get #next(): Application {
    this.#turn += 1
    return this.#processes[this.#turn % this.#processes.length] as Application
  }
}
