import type { Pool } from 'pg'
import { VenomError } from '../../errors.ts'
import {
  type Health,
  type Observation,
  observation,
  type ResetOptions,
  type Restores,
  type Rollbackable,
  type Worker,
} from '../../rollbackable.ts'
import type { SafetyOptions } from '../../safety.ts'
import { notOpen } from '../shared/refusals.ts'
import { type Answer, answersOf, AS_TEXT } from './control.ts'
import { Copies } from './copies.ts'
import { type Driver, loadDriver } from './driver.ts'
import { readTables } from './observe.ts'
import { now } from './quiet.ts'
import { wanted } from './reset.ts'
import { listTables, truncate } from './tables.ts'
import { poolOf } from './server.ts'

/** How a database is put back by copies of it. */
export interface TemplateOptions extends SafetyOptions {
  readonly way: 'template'
  /** How long to wait until nobody is connected to what is copied, in ms. Default 2000. */
  readonly settle?: number
}

/** A mark: a copy of the database, by its number. */
export interface TemplateMark {
  readonly id: number
  readonly name: string
}

interface Opened {
  readonly driver: Driver
  readonly copies: Copies
  pool: Pool
}

/**
 * The way `template`: each mark is a copy of the whole database, and a rollback makes the worker's database anew from
 * it. It undoes everything, and costs as much as there is; it ends the connections of the application each time.
 */
export class Template implements Rollbackable<TemplateMark, Pool> {
  readonly kind = 'tree'
  readonly restores: Restores = { data: true, generatedIds: true, schema: true, createdObjects: true }
  readonly way = 'template: each mark is a copy of the database; connections end at every mark and rollback'
  readonly #url: string
  readonly #options: TemplateOptions
  #opened: Opened | undefined
  #last = 0

  constructor(url: string, options: TemplateOptions) {
    this.#url = url
    this.#options = options
  }

  /** Where the application of this worker must connect: the copy of the database that belongs to it. */
  get url(): string | undefined {
    return this.#opened?.copies.url
  }

  /** A pool of connections for steps; another one after each mark and rollback. Throws `NOT_OPEN`. */
  get handle(): Pool {
    return this.#open().pool
  }

  async open(worker: Worker): Promise<void> {
    const driver = await loadDriver()
    const settle = this.#options.settle ?? 2000
    const copies = await Copies.open(driver, this.#url, worker, { ...this.#options, settle })
    try {
      await copies.make()
    } catch (error) {
      await copies.end()
      throw error
    }
    this.#opened = { driver, copies, pool: poolOf(driver, copies.url) }
  }

  async checkpoint(name: string): Promise<TemplateMark> {
    const id = (this.#last += 1)
    await this.#disconnected((copies) => copies.keep(id))
    return { id, name }
  }

  async rollback({ id }: TemplateMark): Promise<void> {
    await this.#disconnected((copies) => copies.back(id))
  }

  async release({ id }: TemplateMark): Promise<void> {
    await this.#open().copies.forget(id)
  }

  async observe(): Promise<Observation> {
    const client = await this.handle.connect()
    try {
      const run = (text: string): Promise<Answer[]> => answersOf(client, text)
      await run(`begin isolation level repeatable read read only; ${AS_TEXT}`)
      const tables = await listTables(client)
      const contents = await readTables(run, tables)
      return observation('postgres', Object.fromEntries(tables.map(({ shown }, i) => [shown, contents[i]])))
    } finally {
      await client.query('rollback')
      client.release()
    }
  }

  async reset(options: ResetOptions = {}): Promise<void> {
    const client = await this.handle.connect()
    try {
      await truncate((text) => client.query(text), wanted(await listTables(client), options))
    } finally {
      client.release()
    }
  }

  async ping(): Promise<Health> {
    const started = now()
    await this.handle.query('select 1')
    return { ok: true, latencyMs: now() - started }
  }

  /** Makes a table as a step could, and goes back. Throws `SELF_TEST_FAILED`. */
  async selfTest(): Promise<void> {
    const isThere = async (): Promise<boolean> =>
      (await this.handle.query(`select to_regclass('venomqa_probe') is not null as yes`)).rows[0]?.['yes'] === true
    const mark = await this.checkpoint('self-test')
    await this.handle.query('create table venomqa_probe ()')
    const wasThere = await isThere()
    await this.rollback(mark)
    await this.release(mark)
    if (wasThere && !(await isThere())) return
    throw new VenomError(
      'SELF_TEST_FAILED',
      `postgres: a table that the self-test made in "${this.#open().copies.name}" ${wasThere ? 'is still there' : 'was not made'}.\n` +
        'Something stands between us and the server, such as a pooler that keeps connections to another database.\n' +
        'Connect to the server itself.',
    )
  }

  async close(): Promise<void> {
    const opened = this.#opened
    this.#opened = undefined
    await opened?.pool.end()
    await opened?.copies.end()
  }

  async #disconnected(work: (copies: Copies) => Promise<void>): Promise<void> {
    const opened = this.#open()
    await opened.pool.end()
    try {
      await work(opened.copies)
    } finally {
      opened.pool = poolOf(opened.driver, opened.copies.url)
    }
  }

  #open(): Opened {
    if (!this.#opened) throw notOpen('postgres')
    return this.#opened
  }
}
