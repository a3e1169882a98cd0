import type { Db } from 'mongodb'
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
import type { MongodbMark, MongodbOptions, MongodbSystem } from './index.ts'
import { Holding } from './holding.ts'
import { explained } from './troubles.ts'
import { WAYS } from './way.ts'
import { notConnected } from '../shared/refusals.ts'

/** The name of the collection by which the self-test tries. The server's own half-made collections are called so. */
const TRIAL = 'tmpvq.self-test'

/** Databases of a MongoDB server: what a world calls. */
export class System implements MongodbSystem {
  readonly kind = 'tree'
  readonly restores: Restores = { data: true, schema: true, createdObjects: true }
  readonly #url: string
  readonly #options: MongodbOptions
  #holding: Holding | undefined

  constructor(url: string, options: MongodbOptions) {
    this.#url = url
    this.#options = options
  }

  get handle(): Db {
    return this.#open.db
  }

  get url(): string {
    return this.#holding?.url ?? this.#url
  }

  get way(): string {
    const { way = 'past' } = this.#options
    const where = this.#holding ? `; ${this.#holding.name}` : ''
    return `${way}: ${WAYS[way]}${where}`
  }

  async open(worker: Worker): Promise<void> {
    this.#holding = await explaining('opening', () => Holding.open(this.#url, this.#options, worker))
  }

  checkpoint(name: string): Promise<MongodbMark> {
    return explaining('a checkpoint', () => this.#open.checkpoint(name))
  }

  rollback(mark: MongodbMark): Promise<void> {
    return explaining('a rollback', () => this.#open.rollback(mark))
  }

  changes(since: MongodbMark): Promise<readonly Change[]> {
    return explaining('changes()', () => this.#open.way.changes(since))
  }

  observe(): Promise<Observation> {
    return explaining('observe()', async () => observation('mongodb', await this.#open.identity.look()))
  }

  release(mark: MongodbMark): Promise<void> {
    return explaining('releasing a mark', async () => this.#holding?.way.release(mark))
  }

  reset(options: ResetOptions = {}): Promise<void> {
    return explaining('reset()', () => this.#open.reset(options))
  }

  async ping(): Promise<Health> {
    const started = performance.now()
    const { version } = await explaining('a ping', () => this.handle.command({ buildInfo: 1 }))
    return { ok: true, latencyMs: performance.now() - started, detail: `MongoDB ${String(version)}` }
  }

  async selfTest(): Promise<void> {
    const mark = await this.checkpoint('self-test')
    await this.handle.collection(TRIAL).insertOne({ written: 'as a step would' })
    await this.rollback(mark)
    const left = await this.handle.listCollections({ name: TRIAL }).toArray()
    await this.release(mark)
    if (left.length > 0) throw selfTestFailed(this.way)
  }

  async close(): Promise<void> {
    const holding = this.#holding
    this.#holding = undefined
    await explaining('closing', async () => holding?.close())
  }

  get #open(): Holding {
    if (!this.#holding) throw notConnected('mongodb', 'db: mongodb(url)')
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
    `mongodb: a document written as a step would was still there after a rollback (${way}).\n` +
      'The URL may lead to another member, or through a proxy that does not speak to one server only.\n' +
      'Connect to the primary directly: ?directConnection=true.',
  )
}
