import { VenomError } from '../../errors.ts'
import {
  type Change,
  type Health,
  type Observation,
  observation,
  type ResetOptions,
  type Restores,
  type Worker,
} from '../../rollbackable.ts'
import { Holding } from './holding.ts'
import type { ElasticsearchMark, ElasticsearchOptions, ElasticsearchSystem } from './index.ts'
import { explained } from './troubles.ts'
import { notConnected } from '../shared/refusals.ts'

/** What each way does, for people. */
const WAYS = {
  pit: 'points in time say what was, sequence numbers what changed',
  copies: 'as with pit, and each mark keeps clones of the indices',
  snapshot: 'as with pit, and each mark keeps a snapshot of what changed',
}

/** Indices of an Elasticsearch or OpenSearch server: what a world calls. */
export class System<C> implements ElasticsearchSystem<C> {
  readonly kind = 'tree'
  readonly restores: Restores = { data: true, schema: true, createdObjects: true }
  readonly #url: string
  readonly #options: ElasticsearchOptions<C>
  #holding: Holding<C> | undefined

  constructor(url: string, options: ElasticsearchOptions<C>) {
    this.#url = url
    this.#options = options
  }

  get handle(): C {
    return this.#open.client
  }

  get url(): string {
    return this.#holding?.url ?? this.#url
  }

  get way(): string {
    const { way = 'pit' } = this.#options
    const where = this.#holding ? `; ${this.#holding.name}` : ''
    return `${way}: ${WAYS[way]}${where}`
  }

  async open(worker: Worker): Promise<void> {
    this.#holding = await explaining('opening', () => Holding.open(this.#url, this.#options, worker))
  }

  checkpoint(name: string): Promise<ElasticsearchMark> {
    return explaining('a checkpoint', () => this.#open.checkpoint(name))
  }

  rollback(mark: ElasticsearchMark): Promise<void> {
    return explaining('a rollback', () => this.#open.rollback(mark))
  }

  changes(since: ElasticsearchMark): Promise<readonly Change[]> {
    return explaining('changes()', () => this.#open.history.changes(since))
  }

  observe(): Promise<Observation> {
    return explaining('observe()', async () => observation('elasticsearch', await this.#open.identity.look()))
  }

  release(mark: ElasticsearchMark): Promise<void> {
    return explaining('releasing a mark', async () => this.#holding?.history.release(mark))
  }

  reset(options: ResetOptions = {}): Promise<void> {
    return explaining('reset()', () => this.#open.reset(options))
  }

  async ping(): Promise<Health> {
    const started = performance.now()
    const detail = await explaining('a ping', () => this.#open.ping())
    return { ok: true, latencyMs: performance.now() - started, detail }
  }

  async selfTest(): Promise<void> {
    const mark = await this.checkpoint('self-test')
    const left = await explaining('the self-test', () => this.#open.tryOut(() => this.rollback(mark)))
    await this.release(mark)
    if (left) throw selfTestFailed(this.way)
  }

  async close(): Promise<void> {
    const holding = this.#holding
    this.#holding = undefined
    await explaining('closing', async () => holding?.close())
  }

  get #open(): Holding<C> {
    if (!this.#holding) throw notConnected('elasticsearch', 'search: elasticsearch(url, { indices })')
    return this.#holding
  }
}

async function explaining<T>(what: string, work: () => Promise<T>): Promise<T> {
  try {
    return await work()
  } catch (error) {
    throw explained(error, what)
  }
}

function selfTestFailed(way: string): VenomError {
  return new VenomError(
    'SELF_TEST_FAILED',
    `elasticsearch: a document written as a step would was still there after a rollback (${way}).\n` +
      'The URL may lead to several clusters in turn, or through a proxy that answers by itself.\n' +
      'Connect to one node directly.',
  )
}
