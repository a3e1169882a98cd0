// Elasticsearch: our rollback against the ways people put indices back by hand, by how much there is and how much changed.
import assert from 'node:assert/strict'
import { Client } from 'elasticsearch8'
import { elasticsearch, type ElasticsearchMark, type ElasticsearchSystem } from '../src/systems/elasticsearch/index.ts'
import type { Bench } from './bench.ts'
import { milliseconds, type Timing } from './row.ts'

interface Order {
  readonly n: number
  readonly state: string
  readonly email: string
  readonly pad: string
}

const INDEX = 'bench_test-orders'
const COPY = 'bench_copy'
const SETTINGS = {
  number_of_shards: 1,
  number_of_replicas: 0,
  refresh_interval: '-1',
  translog: { durability: 'async' as const },
}
const MAPPINGS = {
  dynamic: false as const,
  properties: {
    n: { type: 'long' as const },
    state: { type: 'keyword' as const },
    email: { type: 'keyword' as const },
    pad: { type: 'text' as const },
  },
}

/** Measures P8a, P8b, what a mark costs, and what the application pays for its writes. The server holds its data in memory. */
export async function run(bench: Bench): Promise<void> {
  const { quick } = bench
  const url = bench.service('elasticsearch')
  const client = new Client({ node: url })
  for (const count of quick ? [1000, 10_000] : [1000, 10_000, 100_000]) {
    const shop = await Shop.filled(client, count)
    const undone = await rollbacks(bench, shop, url)
    await marks(bench, shop, url, undone)
  }
  await writes(bench, await Shop.filled(client, 1000), url)
  await client.close()
}

/** Answers with what a rollback of 100 changes took. */
async function rollbacks(bench: Bench, shop: Shop, url: string): Promise<Timing> {
  const { quick, measure, row } = bench
  const floor = {
    name: 'refresh',
    ms: await measure({ runs: 20, before: () => shop.touch(), run: () => shop.refresh() }),
  }
  await shop.fill()
  const { system, mark } = await opened(url)
  const ours = new Map<number, Timing>()
  for (const changed of [0, 1, 10, 100, 1000].filter((many) => many <= shop.count)) {
    const ms = await measure({
      runs: quick ? 5 : 15,
      before: () => shop.change(changed),
      run: async () => system.rollback(mark),
      after: () => shop.prove(),
    })
    ours.set(changed, ms)
  }
  await system.close?.()
  const { rewriting, cloning } = await byHand(bench, shop)
  for (const [changed, ms] of ours) {
    const isP8a = shop.count === 100_000 && changed === 100
    const work = `${shop.count} documents, ${changed} changed, against writing them again`
    const goal = isP8a ? { id: 'P8a', goal: { atLeast: 40 } } : {}
    row({ ...goal, work, ours: { name: 'pit', ms }, peers: rewriting, floor, correct: true })
    const others = `${shop.count} documents, ${changed} changed, against clones and snapshots`
    row({ work: others, ours: { name: 'pit', ms }, peers: cloning, floor, correct: true })
  }
  return ours.get(100) ?? assert.fail('100 changes were not measured')
}

type Peers = Record<string, Timing>

/** These write all documents or files whatever changed, so they are measured once for each size. */
async function byHand({ quick, measure }: Bench, shop: Shop): Promise<{ rewriting: Peers; cloning: Peers }> {
  const runs = quick || shop.count >= 100_000 ? 3 : 7
  const timed = (way: () => Promise<unknown>): Promise<Timing> =>
    measure({ runs, warmUp: 1, before: () => shop.change(100), run: way, after: () => shop.prove() })
  await shop.copy()
  await shop.snapshot()
  const rewriting = {
    'delete_by_query + bulk': await timed(() => shop.deleteAndFill()),
    'drop + create + bulk': await timed(() => shop.fill()),
    'drop + create + _reindex from a copy': await timed(() => shop.reindexBack()),
  }
  const cloning = {
    'drop + _clone of a copy': await timed(() => shop.cloneBack()),
    'drop + snapshot restore': await timed(() => shop.restoreBack()),
  }
  return { rewriting, cloning }
}

/** A mark after a change, and P8b: a mark and a rollback against a clone and a clone back. */
async function marks({ quick, measure, row }: Bench, shop: Shop, url: string, undone: Timing): Promise<void> {
  const runs = quick || shop.count >= 100_000 ? 5 : 9
  const copied = await measure({ runs, warmUp: 1, before: () => shop.touch(), run: () => shop.copy() })
  const clonedBack = await measure({ runs, warmUp: 1, before: () => shop.touch(), run: () => shop.cloneBack() })
  const saved = await measure({ runs, warmUp: 1, before: () => shop.touch(), run: () => shop.snapshot() })
  const { system } = await opened(url)
  const unchanged = await measure({ runs: 30, run: async () => system.release?.(await system.checkpoint('mark')) })
  let last: ElasticsearchMark | undefined
  const changed = await measure({
    runs: quick ? 9 : 25,
    before: () => shop.touch(),
    run: async () => {
      last = await system.checkpoint('mark')
    },
    after: async () => {
      if (last) await system.release?.(last)
    },
  })
  await system.close?.()
  const peers = { _clone: copied, snapshot: saved }
  const what = `a mark of ${shop.count} documents`
  row({ work: `${what}, none changed since the last`, ours: { name: 'pit', ms: unchanged }, peers, correct: true })
  row({ work: `${what}, one changed`, ours: { name: 'pit', ms: changed }, peers, correct: true })
  const sum = (one: Timing, other: Timing): number => milliseconds(one) + milliseconds(other)
  row({
    ...(shop.count === 100_000 ? { id: 'P8b', goal: { atLeast: 8 } } : {}),
    work: `${what} and a rollback of 100 changes`,
    ours: { name: 'pit', ms: sum(changed, undone) },
    peers: { '_clone + _clone back': sum(copied, clonedBack) },
    correct: true,
  })
}

/** What a write of the application costs while a world is open, and without one. */
async function writes({ quick, measure, row }: Bench, shop: Shop, url: string): Promise<void> {
  const runs = quick ? 500 : 2000
  const time = (): Promise<Timing> => measure({ runs, warmUp: 200, run: () => shop.touch() })
  await time()
  const without = await time()
  const { system } = await opened(url)
  const within = await time()
  await system.close?.()
  row({
    work: 'one write of one document by the application',
    ours: { name: 'a world is open', ms: within },
    peers: { 'no world': without },
    figure: 'overhead',
    correct: true,
  })
}

async function opened(url: string): Promise<{ system: ElasticsearchSystem<unknown>; mark: ElasticsearchMark }> {
  const client: unknown = new Client({ node: url })
  const system = elasticsearch(url, { indices: [INDEX], client })
  await system.open?.({ id: '1', runner: 'none', runId: 'bench', notice: () => {} })
  return { system, mark: await system.checkpoint('mark') }
}

/** One index of orders, and the ways to put it back by hand. */
class Shop {
  readonly #client: Client
  readonly count: number

  private constructor(client: Client, count: number) {
    this.#client = client
    this.count = count
  }

  static async filled(client: Client, count: number): Promise<Shop> {
    const shop = new Shop(client, count)
    const location = 'bench'
    await client.snapshot.createRepository({ name: 'bench', repository: { type: 'fs', settings: { location } } })
    await client.indices.delete({ index: [INDEX, COPY], ignore_unavailable: true })
    await shop.fill()
    return shop
  }

  /** Half is updated, a quarter deleted, and a quarter inserted. Nobody refreshes. */
  async change(changed: number): Promise<void> {
    if (changed === 0) return
    const step = this.count / changed
    const operations = Array.from({ length: changed }, (_, at) => {
      const _id = String(Math.floor(at * step))
      if (at % 4 === 3) return [{ delete: { _id } }]
      if (at % 4 === 2) return [{ index: { _id: `new ${at}` } }, orderOf(this.count + at)]
      return [{ index: { _id } }, { ...orderOf(Number(_id)), state: 'changed' }]
    }).flat()
    await this.#bulk(operations)
  }

  /** Writes one document as it is. */
  async touch(): Promise<void> {
    await this.#client.index({ index: INDEX, id: '7', document: orderOf(7) })
  }

  async refresh(): Promise<void> {
    await this.#client.indices.refresh({ index: INDEX })
  }

  /** The content by count, sum, and the texts of what may have changed. */
  async prove(): Promise<void> {
    await this.refresh()
    const found = await this.#client.search({
      index: INDEX,
      size: 0,
      track_total_hits: true,
      aggs: { n: { sum: { field: 'n' } }, states: { terms: { field: 'state' } } },
    })
    const { n, states } = found.aggregations as unknown as { n: { value: number }; states: { buckets: object[] } }
    assert.deepEqual(found.hits.total, { value: this.count, relation: 'eq' })
    assert.equal(n.value, (this.count * (this.count - 1)) / 2)
    assert.equal(states.buckets.length, 1, 'a document is still changed')
    const ids = Array.from({ length: 100 }, (_, at) => String(Math.floor((at * this.count) / 100)))
    const { docs } = await this.#client.mget<Order>({ index: INDEX, ids })
    for (const doc of docs) assert.deepEqual('_source' in doc && doc._source, orderOf(Number(doc._id)))
  }

  async fill(): Promise<void> {
    await this.#client.indices.delete({ index: INDEX, ignore_unavailable: true })
    await this.#client.indices.create({ index: INDEX, settings: SETTINGS, mappings: MAPPINGS })
    await this.#insert()
  }

  async deleteAndFill(): Promise<void> {
    await this.refresh()
    await this.#client.deleteByQuery({ index: INDEX, query: { match_all: {} }, refresh: true })
    await this.#insert()
  }

  async reindexBack(): Promise<void> {
    await this.#client.indices.delete({ index: INDEX })
    await this.#client.indices.create({ index: INDEX, settings: SETTINGS, mappings: MAPPINGS })
    await this.#client.reindex({ source: { index: COPY, size: 5000 }, dest: { index: INDEX }, refresh: true })
  }

  async copy(): Promise<void> {
    await this.#client.indices.delete({ index: COPY, ignore_unavailable: true })
    await this.#clone(INDEX, COPY)
    await this.#client.indices.putSettings({ index: INDEX, settings: { 'index.blocks.write': null } })
  }

  async cloneBack(): Promise<void> {
    await this.#client.indices.delete({ index: INDEX })
    await this.#clone(COPY, INDEX)
    await this.#client.indices.putSettings({ index: INDEX, settings: { 'index.blocks.write': null } })
  }

  async snapshot(): Promise<void> {
    const at = { repository: 'bench', snapshot: 'one' }
    await this.#client.snapshot.delete(at, { ignore: [404] })
    await this.#client.snapshot.create({
      ...at,
      indices: INDEX,
      wait_for_completion: true,
      include_global_state: false,
    })
  }

  async restoreBack(): Promise<void> {
    await this.#client.indices.delete({ index: INDEX })
    const from = { repository: 'bench', snapshot: 'one', indices: INDEX, include_global_state: false }
    await this.#client.snapshot.restore({ ...from, wait_for_completion: true })
  }

  async #clone(index: string, target: string): Promise<void> {
    await this.#client.indices.putSettings({ index, settings: { 'index.blocks.write': true } })
    await this.#client.indices.clone({ index, target, wait_for_active_shards: 1 })
  }

  async #insert(): Promise<void> {
    for (let from = 0; from < this.count; from += 5000) {
      const length = Math.min(5000, this.count - from)
      const operations = Array.from({ length }, (_, at) => [{ index: { _id: String(from + at) } }, orderOf(from + at)])
      await this.#bulk(operations.flat())
    }
    await this.refresh()
  }

  async #bulk(operations: object[]): Promise<void> {
    const { errors } = await this.#client.bulk({ index: INDEX, operations })
    assert.equal(errors, false)
  }
}

function orderOf(n: number): Order {
  return { n, state: 'new', email: `u${n}@shop.example`, pad: 'some words that a search may find '.repeat(4) }
}
