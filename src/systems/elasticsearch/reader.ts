import { part, statusOf } from './http.ts'
import type { Server } from './server.ts'
import type { Bucket, Found, Hit } from './source.ts'
import { pitGone } from './troubles.ts'

/** How long a point in time lives after it was last used. A killed process's end by themselves. */
export const KEEP_ALIVE = '1h'
/** How many documents come at once, and how many ids are asked for. */
const PAGE = 5000
/** An index that was never written to does not know its own sequence numbers. */
const SORT = { _seq_no: { order: 'asc', unmapped_type: 'long' } }

/** How much of each document is read. */
export type Depth = 'ids' | 'whole'

/** Reads one shard, as it is or as it was. */
export class Reader {
  readonly #server: Server
  readonly #index: string
  readonly #path: string
  readonly #body: object

  private constructor(server: Server, index: string, path: string, body: object) {
    this.#server = server
    this.#index = index
    this.#path = path
    this.#body = body
  }

  /** The shard as it was last refreshed. */
  static now(server: Server, index: string, shard: string): Reader {
    const query = `preference=_shards:${shard}&allow_partial_search_results=false`
    return new Reader(server, index, `/${part(index)}/_search?${query}`, {})
  }

  /** The shard as it was. */
  static past(server: Server, index: string, pit: string | undefined): Reader {
    if (pit === undefined) throw pitGone(index)
    const body = { pit: { id: pit, keep_alive: KEEP_ALIVE } }
    return new Reader(server, index, '/_search?allow_partial_search_results=false', body)
  }

  /** How many documents there are. */
  async count(): Promise<number> {
    const { hits } = await this.search({ size: 0, track_total_hits: true })
    return hits.total?.value ?? 0
  }

  /** Documents per range of `width` sequence numbers. */
  async buckets(query: object, width: number): Promise<readonly Bucket[]> {
    const histogram = { field: '_seq_no', interval: width, min_doc_count: 1 }
    const aggs = { ranges: { histogram, aggs: { sum: { sum: { field: '_seq_no' } } } } }
    const { aggregations } = await this.search({ size: 0, track_total_hits: false, query, aggs })
    return aggregations?.['ranges']?.buckets ?? []
  }

  /** All documents that a query finds. */
  async all(query: object, depth: Depth): Promise<Hit[]> {
    const found: Hit[] = []
    for await (const page of this.pages(query, depth)) found.push(...page)
    return found
  }

  /** The documents with these ids. */
  async byIds(ids: readonly string[], depth: Depth): Promise<Hit[]> {
    const found: Hit[] = []
    for (const values of parts(ids)) found.push(...(await this.all({ ids: { values } }, depth)))
    return found
  }

  /** All documents that a query finds, in the order in which they were written, some at a time. */
  async *pages(query: object, depth: Depth): AsyncGenerator<readonly Hit[]> {
    const _source = depth === 'whole' ? this.#server.wholeSource : false
    const body = { size: PAGE, query, _source, sort: [SORT], track_total_hits: false }
    const always = { seq_no_primary_term: true, version: true }
    for (let after: readonly unknown[] | undefined; ;) {
      const { hits } = await this.search({ ...body, ...always, ...(after && { search_after: after }) })
      if (hits.hits.length > 0) yield hits.hits
      if (hits.hits.length < PAGE) return
      after = hits.hits.at(-1)?.sort
    }
  }

  /** Any search in this shard. */
  async search(body: object): Promise<Found> {
    try {
      return await this.#server.http.search(this.#path, { ...this.#body, ...body })
    } catch (error) {
      throw 'pit' in this.#body && statusOf(error) === 404 ? pitGone(this.#index) : error
    }
  }
}

/** A list in parts that one request can hold. */
export function parts<T>(list: readonly T[], size = PAGE): T[][] {
  return Array.from({ length: Math.ceil(list.length / size) }, (_, at) => list.slice(at * size, (at + 1) * size))
}
