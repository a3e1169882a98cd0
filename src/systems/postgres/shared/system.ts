import type { Pool, PoolClient } from 'pg'
import { messageOf, VenomError } from '../../../errors.ts'
import {
  type Health,
  type Observation,
  observation,
  type ResetOptions,
  type Restores,
  type Rollbackable,
  type Worker,
} from '../../../rollbackable.ts'
import type { SafetyOptions } from '../../../safety.ts'
import { causeOf, LOST } from '../../shared/cause.ts'
import { classify } from '../../shared/classify.ts'
import { alreadyLent, notOpen, stillUnderWay } from '../../shared/refusals.ts'
import type { Holder } from '../../shared/turns.ts'
import { loadDriver } from '../driver.ts'
import { now } from '../quiet.ts'
import { wanted } from '../reset.ts'
import { truncate } from '../tables.ts'
import { isLost } from '../trouble.ts'
import { SharedConnection } from './connection.ts'
import { SharedObserved } from './observe.ts'
import { sharePool } from './pool.ts'
import { Sentinel } from './sentinel.ts'

/** How a pool that the application handed over is rolled back. */
export interface SharedOptions extends SafetyOptions {
  /** How long a checkpoint or a rollback waits for an open transaction of the application, in ms. Default 2000. */
  readonly settle?: number
  /** How long a query waits for a transaction on another client to end, in ms. Default 5000. */
  readonly patience?: number
}

/** A mark: a savepoint, by its number. */
export interface SharedMark {
  readonly id: number
  readonly name: string
  /** The last value of each sequence as JSON; null for one that gave none yet. */
  readonly sequences: string
}

interface Opened {
  readonly shared: SharedConnection
  readonly sentinel: Sentinel
  /** Makes the pool as it was. */
  readonly undo: () => Promise<void>
}

const DISTORTS =
  'postgres.shared: the whole application runs in one transaction that is never committed. So now() stands still, ' +
  'nobody is notified, isolation levels do nothing, and settings such as search_path are shared by all its connections.'

/** What is set for the transaction: it may be idle for as long as tests take. */
const BEGIN = `
  begin;
  select set_config(name, '0', true) from pg_settings
  where name in ('idle_in_transaction_session_timeout', 'transaction_timeout', 'statement_timeout')`

const SEQUENCES = {
  name: 'venomqa_sequences',
  text: `
    select coalesce(json_object_agg(format('%I.%I', schemaname, sequencename), last_value::text), '{}')::text as sequences
    from pg_sequences where has_sequence_privilege(format('%I.%I', schemaname, sequencename), 'update')`,
}

const PUT_BACK = {
  name: 'venomqa_put_back',
  text: `
    select setval(name::regclass, coalesce(past.value::bigint, start_value), past.value is not null)
    from json_each_text($1) as past (name, value)
    join pg_sequences on format('%I.%I', schemaname, sequencename) = name
    where last_value is distinct from past.value::bigint`,
}

/** The way `shared`: a pool in this process, whose connections all become one, and whose transactions become savepoints. */
export class Shared implements Rollbackable<SharedMark, Pool> {
  readonly kind = 'stack'
  readonly restores: Restores = { data: true, generatedIds: true, schema: true, createdObjects: true }
  readonly way = 'shared: the pool that was handed over runs in one transaction, and marks are savepoints in it'
  readonly handle: Pool
  readonly #options: SharedOptions
  readonly #observed = new SharedObserved()
  #opened: Opened | undefined
  #last = 0

  constructor(pool: Pool, options: SharedOptions) {
    this.handle = requirePool(pool)
    this.#options = options
  }

  async open(worker: Worker): Promise<void> {
    const pool = this.handle
    const lent = pool.totalCount - pool.idleCount
    if (lent > 0) throw alreadyLent('postgres.shared', 'client', lent)
    const driver = await loadDriver()
    // The pool hides its password from copies.
    const address = { ...pool.options, password: pool.options.password }
    const who = `venomqa ${worker.runner} worker ${worker.id}, process ${process.pid}`
    const sentinel = new Sentinel(driver, address, who)
    await sentinel.open(this.#options, this.#settle)
    let client: PoolClient | undefined
    try {
      client = await pool.connect()
      await client.query(BEGIN)
      const refusal = (code: string, message: string): Error =>
        Object.assign(new driver.DatabaseError(message, message.length, 'error'), { code, severity: 'ERROR' })
      const shared = new SharedConnection(client, this.#options.patience ?? 5000, refusal)
      this.#opened = { shared, sentinel, undo: sharePool(pool, client, shared, (text) => worker.notice(text)) }
      worker.notice(DISTORTS)
    } catch (error) {
      client?.release(true)
      await sentinel.close()
      throw error
    }
  }

  async checkpoint(name: string): Promise<SharedMark> {
    const id = (this.#last += 1)
    const sequences = await this.#alone(name, 'cannot be taken', async (shared) => {
      await shared.mark(`savepoint venomqa_${id}`)
      const { rows } = await shared.ask(SEQUENCES)
      return String(rows[0]?.['sequences'])
    })
    this.#observed.marked(id)
    return { id, name, sequences }
  }

  async rollback({ id, name, sequences }: SharedMark): Promise<void> {
    await this.#alone(name, 'cannot be gone back to', async (shared) => {
      await shared.back(`venomqa_${id}`)
      await shared.ask({ ...PUT_BACK, values: [sequences] })
    })
    this.#observed.rolledBack(id)
  }

  async release({ id, name }: SharedMark): Promise<void> {
    await this.#alone(name, 'cannot be released', (shared) => shared.mark(`release savepoint venomqa_${id}`))
    this.#observed.released(id)
  }

  async observe(): Promise<Observation> {
    const { shared } = this.#open()
    return observation('postgres', await this.#quiet('the state cannot be read', () => this.#observed.look(shared)))
  }

  async reset(options: ResetOptions = {}): Promise<void> {
    const { shared } = this.#open()
    await this.#quiet('the tables cannot be emptied', async () => {
      await truncate((text) => shared.guarded(text), wanted(await shared.tables(), options))
    })
  }

  async ping(): Promise<Health> {
    const started = now()
    await this.handle.query('select 1')
    return { ok: true, latencyMs: now() - started }
  }

  /** Sets a value as a step would, and goes back. Throws `SELF_TEST_FAILED`. */
  async selfTest(): Promise<void> {
    const read = async (): Promise<unknown> =>
      (await this.handle.query(`select current_setting('venomqa.probe', true) as value`)).rows[0]?.['value']
    const mark = await this.checkpoint('self-test')
    await this.handle.query(`select set_config('venomqa.probe', 'written', false)`)
    const written = await read()
    await this.rollback(mark)
    await this.release(mark)
    const after = await read()
    if (written === 'written' && after !== 'written') return
    throw new VenomError(
      'SELF_TEST_FAILED',
      `postgres: what the self-test set in ${this.#open().sentinel.place} ${written === 'written' ? 'was not undone' : 'did not arrive'}.\n` +
        'Something stands between the pool and the server, such as a pooler in statement mode.\n' +
        'Connect the pool to the server itself, or use postgres(url).',
    )
  }

  async close(): Promise<void> {
    const opened = this.#opened
    if (!opened) return
    this.#opened = undefined
    this.#observed.forget()
    try {
      await opened.shared.mark('commit')
    } finally {
      await opened.undo()
      await opened.sentinel.close()
    }
  }

  /** Works on the mark `name` while the application does nothing, once nobody wrote past us. */
  async #alone<T>(name: string, not: string, work: (shared: SharedConnection) => Promise<T>): Promise<T> {
    const { shared, sentinel } = this.#open()
    return this.#quiet(`"${name}" ${not}`, async () => {
      await sentinel.look()
      try {
        return await work(shared)
      } catch (error) {
        throw isLost(error) || classify(error)?.family === 'transaction' ? lost(name, error) : error
      }
    })
  }

  async #quiet<T>(not: string, work: () => Promise<T>): Promise<T> {
    const ours: Holder = { doing: 'venomqa' }
    const done = await this.#open().shared.alone(ours, this.#settle, async () => ({ value: await work() }))
    if ('value' in done) return done.value
    throw stillUnderWay('postgres', 'client', done.doing, this.#settle, not)
  }

  get #settle(): number {
    return this.#options.settle ?? 2000
  }

  #open(): Opened {
    if (this.#opened) return this.#opened
    throw notOpen('postgres.shared')
  }
}

function requirePool(pool: Pool): Pool {
  const { connect, query, options } = (pool ?? {}) as Partial<Pool>
  if (typeof connect === 'function' && typeof query === 'function' && typeof options === 'object') return pool
  throw new VenomError(
    'BAD_ARGUMENT',
    'postgres.shared: the argument is not a pool of the driver "pg".\n' +
      "It is the application's own pool that is handed over, the object that `new Pool(…)` of 'pg' gave.\n" +
      'postgres.shared(pool); for a URL, postgres(url); for PGlite, pglite(db).',
  )
}

function lost(name: string, cause: unknown): VenomError {
  return new VenomError(
    'MARK_LOST',
    `postgres.shared: the mark "${name}" is gone, since the transaction that it was in has ended: ${messageOf(cause)}.\n` +
      'The connection was ended, by the server or by somebody, and the server rolled back all that was written on it.\n' +
      'Find out what ended it; the next run begins with the database as it was before this one.',
    { cause: causeOf(cause, { backend: 'postgres' }, LOST) },
  )
}
