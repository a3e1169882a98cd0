import type { Pool } from 'mysql2/promise'
import { VenomError } from '../../errors.ts'
import {
  type Change,
  type Health,
  type Observation,
  observation,
  type ResetOptions,
  type Restores,
  type Rollbackable,
  type Worker,
} from '../../rollbackable.ts'
import { type Address, addressOf, withDatabase } from './address.ts'
import { closeDatabase, openDatabase, type Opened, type OpenOptions } from './open.ts'
import { observed, type Sightings } from './observe.ts'
import { emptied } from './reset.ts'
import { patiently } from './quiet.ts'
import { prove } from './self-test.ts'
import { poolOf } from './session.ts'
import type { Mark } from './state.ts'
import { nextId } from './undo.sql.ts'

/** A MySQL or MariaDB database that is put back by logs of its rows. */
export class MysqlSystem implements Rollbackable<Mark, Pool> {
  readonly restores: Restores
  readonly #url: string
  readonly #options: OpenOptions
  readonly #address: Address
  #opened: Opened | undefined
  #pool: Pool | undefined
  /** What `observe` saw, as long as nothing was written. */
  readonly #seen: Sightings = new Map()

  constructor(url: string, options: OpenOptions) {
    this.#url = url
    this.#address = addressOf(url)
    this.#options = options
    this.restores = {
      data: true,
      createdObjects: true,
      ...(options.autoIncrement && { generatedIds: true }),
      ...(options.copy === true && { schema: true }),
    }
  }

  get way(): string {
    const version = this.#opened ? ` (${this.#opened.ground.server.version})` : ''
    const tables = [...(this.#opened?.history.state.tracking.values() ?? [])]
    const copied = tables.filter(({ way }) => way === 'copy').length
    const copies = copied > 0 ? `; copies of ${copied} of ${tables.length} tables` : ''
    return `undo: row triggers remember every change${copies}${version}`
  }

  get url(): string | undefined {
    if (!this.#opened || !this.#options.perWorker) return undefined
    return withDatabase(this.#url, this.#opened.ground.places.database)
  }

  /** Connections for steps, of the same user and to the same database. */
  get handle(): Pool {
    if (!this.#pool) throw notOpen()
    return this.#pool
  }

  async open(worker: Worker): Promise<void> {
    this.#opened = await openDatabase(this.#address, this.#options, worker)
    this.#pool = await poolOf({ ...this.#address.options, database: this.#opened.ground.places.database })
  }

  checkpoint(name: string): Promise<Mark> {
    return this.#patiently(`the checkpoint "${name}" could not be taken`, ({ history }) => history.checkpoint(name))
  }

  async rollback(mark: Mark): Promise<void> {
    const what = `the rollback to "${mark.name}" could not be made`
    for (const table of await this.#patiently(what, ({ history }) => history.rollback(mark))) this.#seen.delete(table)
  }

  changes(since: Mark): Promise<readonly Change[]> {
    return this.#patiently('the changes could not be read', ({ history }) => history.changes(since))
  }

  release(mark: Mark): Promise<void> {
    return this.#patiently(`"${mark.name}" could not be released`, ({ history }) => history.release(mark))
  }

  async observe(): Promise<Observation> {
    return this.#patiently('the rows could not be read', async ({ ground, history }) => {
      const data = await observed(ground, history, this.#seen)
      return observation('mysql', data, { server: ground.server.version })
    })
  }

  async reset(options: ResetOptions = {}): Promise<void> {
    await this.#patiently('the tables could not be emptied', async ({ ground: { session, places }, history }) => {
      const tables = await emptied(session, places, history.state, options)
      for (const table of tables) this.#seen.delete(table)
      if (!this.#options.autoIncrement) return
      const { tables: counters } = await history.counters()
      const moved = tables.filter((table) => (counters.get(table)?.next ?? 1n) > 1n)
      await session.run(moved.map((table) => nextId(places, table, 1n)))
    })
  }

  async ping(): Promise<Health> {
    const started = performance.now()
    const ok = await this.#open.ground.session.allowed('SELECT 1')
    return { ok, latencyMs: performance.now() - started, detail: this.#open.ground.server.version }
  }

  selfTest(): Promise<void> {
    return prove(this.#open, this.handle)
  }

  async close(): Promise<void> {
    const [opened, pool] = [this.#opened, this.#pool]
    this.#opened = undefined
    this.#pool = undefined
    this.#seen.clear()
    await pool?.end()
    if (opened) await closeDatabase(opened, this.#options)
  }

  get #open(): Opened {
    if (!this.#opened) throw notOpen()
    return this.#opened
  }

  async #patiently<T>(what: string, work: (opened: Opened) => Promise<T>): Promise<T> {
    const opened = this.#open
    return patiently(opened.ground, what, () => work(opened))
  }
}

function notOpen(): VenomError {
  return new VenomError(
    'NOT_OPEN',
    'mysql: the database is not open.\nIt is opened by the world, before the first step, and closed after the last.\nUse it inside a step, or call open() first.',
  )
}
