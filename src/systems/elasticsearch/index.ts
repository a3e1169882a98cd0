import type { ConnectionOptions } from 'node:tls'
import type { Client } from '@elastic/elasticsearch'
import type { Change, Observation, ResetOptions, Rollbackable, Worker } from '../../rollbackable.ts'
import type { SafetyOptions } from '../../safety.ts'
import type { Mark } from './marks.ts'
import { System } from './system.ts'

/** How indices of an Elasticsearch or OpenSearch server are rolled back. */
export interface ElasticsearchOptions<C = Client> extends SafetyOptions {
  /** The indices that are rolled back together, by name or as patterns such as `shop_test-*`. Needed, unless there is a prefix. */
  readonly indices?: readonly string[]
  /** Not these. */
  readonly except?: readonly string[]
  /** What the names in `indices` begin with; alone, all indices that begin with it. A function gives each worker its own. */
  readonly prefix?: string | ((worker: Worker) => string)
  /**
   * Names of templates, pipelines, lifecycle policies and stored scripts that are rolled back too, beside those named
   * like the indices and templates that are only for these indices.
   */
  readonly objects?: readonly string[]
  /**
   * `pit` (default): a mark is a point in time of each shard, which costs nothing and copies nothing. `copies`: each
   * mark keeps a clone of the indices that changed as well, by which deleted ones and those without `_source` come back.
   * `snapshot`: it keeps a snapshot of what changed instead, by which data streams come back too; the server must have
   * `path.repo` set.
   */
  readonly way?: 'pit' | 'copies' | 'snapshot'
  /** `exact`: `_version` of every document comes back too, for applications with external versions. */
  readonly versions?: 'exact' | 'any'
  /** How long a mark or a rollback waits for running writes, in ms. Default 2000. */
  readonly settle?: number
  /** Gives each worker copies of the indices, whose names begin with `w1-`. The application finds that in `url`: `?prefix=w1-`. */
  readonly perWorker?: boolean
  /** What to do with indices that a killed process left changed. `restore` (default): put its first mark back. `keep`: take them as they are. */
  readonly recover?: 'restore' | 'keep'
  /** The client that steps see. Default: one of `@elastic/elasticsearch`. For OpenSearch it must be given. */
  readonly client?: C
  /** For `https://`: what `tls.connect` takes, such as `ca`. */
  readonly tls?: ConnectionOptions
}

/** A mark of `elasticsearch()`. */
export type ElasticsearchMark = Mark

/** Indices of an Elasticsearch or OpenSearch server as a system. Steps see a client. */
export interface ElasticsearchSystem<C = Client> extends Rollbackable<ElasticsearchMark, C> {
  readonly kind: 'tree'
  readonly handle: C
  readonly way: string
  changes(since: ElasticsearchMark): Promise<readonly Change[]>
  observe(): Promise<Observation>
  reset(options?: ResetOptions): Promise<void>
}

/**
 * Rolls back indices of an Elasticsearch (8 or newer) or OpenSearch (2.4 or newer) server, whoever writes to them: the
 * application keeps its process and its client.
 *
 * A mark copies nothing; a rollback writes the documents that changed. The server must be one for tests (see
 * `allowDatabase` and `allowHosts`), and the indices this worker's alone.
 *
 * @param url `http://user:password@localhost:9200`
 */
export function elasticsearch(url: string, options: ElasticsearchOptions & { client?: never }): ElasticsearchSystem
/** The same with a client of yours, such as one of `@opensearch-project/opensearch`. */
export function elasticsearch<C>(url: string, options: ElasticsearchOptions<C> & { client: C }): ElasticsearchSystem<C>
export function elasticsearch<C>(url: string, options: ElasticsearchOptions<C>): ElasticsearchSystem<C> {
  return new System(url, options)
}
