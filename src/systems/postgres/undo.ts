import { randomUUID } from 'node:crypto'
import type { Pool } from 'pg'
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
import type { SafetyOptions } from '../../safety.ts'
import { requireAccess, requireTestPlace } from './access.ts'
import { Copies } from './copies.ts'
import { changesSince } from './changes.ts'
import { Control } from './control.ts'
import { type Driver, loadDriver } from './driver.ts'
import { install, leaveInstalled, uninstall } from './install.ts'
import { takeLease } from './lease.ts'
import { Observed } from './observe.ts'
import { configOf, placeName } from './place.ts'
import { now, type Patience, whenQuiet } from './quiet.ts'
import { explained } from './refusals.ts'
import { reset } from './reset.ts'
import { connectionLost } from './trouble.ts'

/** How a PostgreSQL database is put back. */
export interface PostgresOptions extends SafetyOptions {
  readonly way?: 'undo'
  /** How long a checkpoint or a rollback waits for open write transactions, in ms. Default 2000. */
  readonly settle?: number
  /** Ends the sessions that are still writing after `settle` ms, instead of failing. Default false. */
  readonly terminate?: boolean
  /** Leaves the triggers installed when the world closes, so that the next run opens faster. Default false. */
  readonly keep?: boolean
  /**
   * Makes a copy of the database for each worker when the world opens, and drops it when the world closes: the
   * application of the worker connects to `world.url(…)`. Default false.
   */
  readonly perWorker?: boolean
}

/** A mark, by its number in the database: names are for people. */
export interface Mark {
  readonly id: number
  readonly name: string
}

/** How long the session of a run that was killed may take to notice, in ms. */
const LEAST_PATIENCE = 1000

/** The size from which it is worth to sweep what rollbacks leave behind, in bytes. */
const SWEEP_FROM = 128 * 1024

/** The way `undo`: triggers record every version of a row, whoever writes it, and a rollback puts back the versions of the mark. */
export class Undo implements Rollbackable<Mark, Pool> {
  readonly kind = 'stack'
  readonly restores: Restores = { data: true, generatedIds: true, createdObjects: true }
  readonly #url: string
  readonly #options: PostgresOptions
  readonly #patience: Patience
  readonly #observed = new Observed()
  /** By this the database knows the run again when a connection broke. */
  readonly #run: string = randomUUID()
  #control: Control | undefined
  #copies: Copies | undefined
  #pool: Pool | undefined
  #way = 'undo: not open yet'
  /** The size of the past when it was last swept, in bytes. */
  #swept = 0

  constructor(url: string, options: PostgresOptions) {
    this.#url = url
    this.#options = options
    this.#patience = { settle: options.settle ?? 2000, terminate: options.terminate ?? false }
  }

  get way(): string {
    return this.#way
  }

  /** Where the application of this worker must connect. Absent unless the worker has a copy of its own. */
  get url(): string | undefined {
    return this.#copies?.url
  }

  /** A small pool of connections for steps, as the application would have. Throws `NOT_OPEN`. */
  get handle(): Pool {
    return this.#pool ?? notOpen()
  }

  async open(worker: Worker): Promise<void> {
    const driver = await loadDriver()
    if (!this.#options.perWorker) return this.#open(driver, this.#url, worker, this.#options)
    const copies = await Copies.open(driver, this.#url, worker, { ...this.#options, settle: this.#patience.settle })
    try {
      await copies.make()
      await this.#open(driver, copies.url, worker, { ...this.#options, keep: false })
      this.#copies = copies
    } catch (error) {
      await copies.end()
      throw error
    }
  }

  async #open(driver: Driver, url: string, worker: Worker, options: PostgresOptions): Promise<void> {
    const control = new Control(driver, url, `venomqa ${worker.runner} worker ${worker.id}, process ${process.pid}`)
    requireTestPlace(control.place, options)
    await control.connect()
    try {
      await requireAccess(control, options)
      await takeLease(control, Math.max(this.#patience.settle, LEAST_PATIENCE))
      const keep = options.keep ?? false
      await install(control, { run: this.#run, keep, patience: this.#patience, notice: (text) => worker.notice(text) })
      this.#way = await wayOf(control)
    } catch (error) {
      await control.close()
      throw error
    }
    control.onReconnect(() => this.#takeUpAgain(control))
    this.#control = control
    this.#pool = poolOf(driver, url)
  }

  async checkpoint(name: string): Promise<Mark> {
    const control = this.#opened()
    try {
      const [row] = await whenQuiet(control, this.#patience, `so "${name}" cannot be taken`, (wait) =>
        control.query(
          'select id, moved, lines from venomqa.checkpoint($1, true, $2)',
          [storable(name), wait],
          'venomqa_checkpoint',
        ),
      )
      const id = Number(row?.['id'])
      const lines = list(row?.['lines']).map(Number)
      this.#observed.marked(id, new Map(list(row?.['moved']).map((rel, i) => [rel, lines[i] ?? 0])))
      return { id, name }
    } catch (error) {
      throw explained(error, name)
    }
  }

  async rollback({ id, name }: Mark): Promise<void> {
    const control = this.#opened()
    try {
      const [row] = await whenQuiet(control, this.#patience, `so the way back to "${name}" is not clear`, (wait) =>
        control.query('select touched, past_size from venomqa.rollback($1, $2)', [id, wait], 'venomqa_rollback'),
      )
      this.#observed.rolledBack(id, list(row?.['touched']))
      await this.#sweep(control, Number(row?.['past_size'] ?? 0))
    } catch (error) {
      throw explained(error, name)
    }
  }

  async release({ id }: Mark): Promise<void> {
    await this.#opened().query('select venomqa.release($1)', [id], 'venomqa_release')
    this.#observed.released(id)
  }

  async changes({ id, name }: Mark): Promise<readonly Change[]> {
    try {
      return await changesSince(this.#opened(), id)
    } catch (error) {
      throw explained(error, name)
    }
  }

  async observe(): Promise<Observation> {
    return observation('postgres', await this.#observed.look(this.#opened()))
  }

  async reset(options: ResetOptions = {}): Promise<void> {
    const control = this.#opened()
    await whenQuiet(control, this.#patience, 'so the tables cannot be emptied', () => reset(control, options))
  }

  async ping(): Promise<Health> {
    const started = now()
    await this.#opened().query('select 1')
    return { ok: true, latencyMs: now() - started }
  }

  /** Writes as a step does, into a table of ours, and goes back. Throws `SELF_TEST_FAILED`. */
  async selfTest(): Promise<void> {
    const probe = async (): Promise<string> =>
      String(
        (await this.handle.query('select count(*) as n, max(note) as note from venomqa.probe')).rows.map(Object.values),
      )
    const before = await probe()
    const mark = await this.checkpoint('self-test')
    await this.handle.query(`insert into venomqa.probe (note) values ('written by the self-test')`)
    const written = await probe()
    await this.rollback(mark)
    await this.release(mark)
    const after = await probe()
    if (written !== before && after === before) return
    throw new VenomError(
      'SELF_TEST_FAILED',
      `postgres: what the self-test wrote to ${placeName(this.#opened().place)} ${written === before ? 'did not arrive' : 'was not undone'}.\n` +
        'Something stands between us and the server, such as a pooler that hands out other sessions, or triggers were disabled.\n' +
        'Connect to the server itself, and do not disable triggers named venomqa_….',
    )
  }

  async close(): Promise<void> {
    const [control, pool, copies] = [this.#control, this.#pool, this.#copies]
    this.#control = undefined
    this.#pool = undefined
    this.#copies = undefined
    this.#observed.forget()
    // First the pool, since its connections may hold locks on what is dropped.
    await pool?.end()
    try {
      // A copy goes as a whole.
      if (control && !copies) {
        await (this.#options.keep ? leaveInstalled(control, this.#patience) : uninstall(control, this.#patience))
      }
    } finally {
      await control?.close()
      await copies?.end()
    }
  }

  /** Each rollback below an earlier mark rewrites lines of the past, and leaves the old ones in its file. */
  async #sweep(control: Control, size: number): Promise<void> {
    if (size <= 2 * this.#swept + SWEEP_FROM) return
    await control.query('vacuum venomqa.past')
    const [row] = await control.query(`select pg_relation_size('venomqa.past') as size`)
    this.#swept = Number(row?.['size'] ?? 0)
  }

  #opened(): Control {
    return this.#control ?? notOpen()
  }

  /** After a connection broke: the marks are in the database, unless another run had it meanwhile. */
  async #takeUpAgain(control: Control): Promise<void> {
    await control.configure()
    await takeLease(control, Math.max(this.#patience.settle, LEAST_PATIENCE))
    this.#observed.forget()
    const [about] = await control.query(`select to_regclass('venomqa.about') is not null as there`)
    const [run] = about?.['there'] === 't' ? await control.query('select run from venomqa.about') : []
    if (run?.['run'] !== this.#run)
      throw connectionLost(control.place, new Error('another run used the database meanwhile'))
  }
}

async function wayOf(control: Control): Promise<string> {
  const [about] = await control.query(
    'select told_of_ddl, (select count(*) from venomqa.tables) - 1 as tables from venomqa.about',
  )
  const watch = `undo: triggers on ${about?.['tables']} tables record every version, whoever writes it`
  return about?.['told_of_ddl'] === 't'
    ? `${watch}; event triggers tell of changes of the schema`
    : `${watch}; the role may not make event triggers, so the catalogs are compared each time`
}

/** A small pool of connections for steps. */
export function poolOf({ Pool }: Driver, url: string): Pool {
  const pool = new Pool({ ...configOf(url, 'venomqa step'), max: 4, allowExitOnIdle: true })
  // A connection that breaks while it is idle is replaced by the next query.
  pool.on('error', () => undefined)
  return pool
}

/** A text column takes no NUL. */
function storable(name: string): string {
  return name.replaceAll('\0', '\ufffd')
}

/** An array of numbers as PostgreSQL prints it: `{1,2}`. */
function list(array: string | null | undefined): string[] {
  return array ? array.slice(1, -1).split(',').filter(Boolean) : []
}

/** Throws `NOT_OPEN`. */
export function notOpen(): never {
  throw new VenomError(
    'NOT_OPEN',
    'postgres: the system is not open.\n' +
      'It is used before the world was opened, or after it was closed.\n' +
      'Use it inside a step, or between World.open() and world.close().',
  )
}
