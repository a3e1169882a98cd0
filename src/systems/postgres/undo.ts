import { randomUUID } from 'node:crypto'
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
import { notOpen } from '../shared/refusals.ts'
import { changesSince } from './changes.ts'
import type { Control } from './control.ts'
import { install, leaveInstalled, uninstall } from './install.ts'
import { Observed } from './observe.ts'
import { placeName } from './place.ts'
import { now, type Patience, whenAlone, whenQuiet } from './quiet.ts'
import { explained } from './refusals.ts'
import { reset } from './reset.ts'
import { connectionLost } from './trouble.ts'

/** How changes are undone. */
export interface UndoOptions {
  /** How long a checkpoint or a rollback waits for open write transactions, in ms. Default 2000. */
  readonly settle?: number
  /** Ends the sessions that are still writing after `settle` ms, instead of failing. Default false. */
  readonly terminate?: boolean
  /** Leaves the triggers installed when the world closes, so that the next run opens faster. Default false. */
  readonly keep?: boolean
}

/** What the self-test writes through: a pool, or PGlite. */
interface Queryable {
  query(text: string): Promise<{ readonly rows: readonly unknown[] }>
}

/** A mark, by its number in the database: names are for people. */
export interface Mark {
  readonly id: number
  readonly name: string
}

/** The size from which it is worth to sweep what rollbacks leave behind, in bytes. */
const SWEEP_FROM = 128 * 1024

/** The database that is rolled back, and how it is reached. */
export interface Ground<Handle> {
  readonly control: Control
  /** What steps see. */
  readonly handle: Handle
  /** Where the application of this worker must connect, if the database is a copy that was made for it. */
  readonly url?: string
  /** Whether event triggers fire there. */
  readonly canTellOfDdl: boolean
  /** Makes a session that was made anew the one that undoes. */
  prepare(): Promise<void>
  /** Closes what steps see: its connections may hold locks. */
  leave(): Promise<void>
  /** Closes the rest, and drops a copy. */
  end(): Promise<void>
}

/** The way `undo`: triggers record every version of a row, whoever writes it, and a rollback puts back the versions of the mark. */
export class Undo<Handle extends Queryable> implements Rollbackable<Mark, Handle> {
  readonly kind = 'stack'
  readonly restores: Restores = { data: true, generatedIds: true, createdObjects: true }
  readonly #reach: (worker: Worker) => Promise<Ground<Handle>>
  readonly #keep: boolean
  readonly #patience: Patience
  readonly #observed = new Observed()
  /** By this the database knows the run again when a connection broke. */
  readonly #run: string = randomUUID()
  #ground: Ground<Handle> | undefined
  #way = 'undo: not open yet'
  /** The size of the past when it was last swept, in bytes. */
  #swept = 0

  constructor(reach: (worker: Worker) => Promise<Ground<Handle>>, options: UndoOptions) {
    this.#reach = reach
    this.#keep = options.keep ?? false
    this.#patience = { settle: options.settle ?? 2000, terminate: options.terminate ?? false }
  }

  get way(): string {
    return this.#way
  }

  /** Where the application of this worker must connect. Absent unless the worker has a copy of its own. */
  get url(): string | undefined {
    return this.#ground?.url
  }

  /** What steps see. Throws `NOT_OPEN`. */
  get handle(): Handle {
    return this.#opened().handle
  }

  async open(worker: Worker): Promise<void> {
    const ground = await this.#reach(worker)
    const { control, canTellOfDdl } = ground
    try {
      const notice = (text: string): void => worker.notice(text)
      await install(control, { run: this.#run, keep: this.#keep, patience: this.#patience, notice, canTellOfDdl })
      this.#way = await wayOf(ground)
    } catch (error) {
      await ground.leave()
      await ground.end()
      throw error
    }
    control.onReconnect(() => this.#takeUpAgain(ground))
    this.#ground = ground
  }

  async checkpoint(name: string): Promise<Mark> {
    const { control } = this.#opened()
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
    const { control } = this.#opened()
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
    await this.#opened().control.query('select venomqa.release($1)', [id], 'venomqa_release')
    this.#observed.released(id)
  }

  async changes({ id, name }: Mark): Promise<readonly Change[]> {
    try {
      return await changesSince(this.#opened().control, id)
    } catch (error) {
      throw explained(error, name)
    }
  }

  async observe(): Promise<Observation> {
    return observation('postgres', await this.#observed.look(this.#opened().control))
  }

  async reset(options: ResetOptions = {}): Promise<void> {
    const { control } = this.#opened()
    await whenAlone(control, this.#patience, 'so the tables cannot be emptied', () => reset(control, options))
  }

  async ping(): Promise<Health> {
    const { control } = this.#opened()
    const started = now()
    await control.query('select 1')
    const latencyMs = now() - started
    const [server] = await control.query(
      `select current_setting('server_version') as version, pg_size_pretty(pg_database_size(current_database())) as size`,
    )
    return { ok: true, latencyMs, detail: `PostgreSQL ${server?.['version']}, ${server?.['size']}` }
  }

  /** Writes as a step does, into a table of ours, and goes back. Throws `SELF_TEST_FAILED`. */
  async selfTest(): Promise<void> {
    const probe = async (): Promise<string> =>
      String(
        (await this.handle.query('select count(*) as n, max(note) as note from venomqa.probe')).rows.map((row) =>
          Object.values(row as object),
        ),
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
      `postgres: what the self-test wrote to ${placeName(this.#opened().control.place)} ${written === before ? 'did not arrive' : 'was not undone'}.\n` +
        'Something stands between us and the server, such as a pooler that hands out other sessions, or triggers were disabled.\n' +
        'Connect to the server itself, and do not disable triggers named venomqa_….',
    )
  }

  async close(): Promise<void> {
    const ground = this.#ground
    this.#ground = undefined
    this.#observed.forget()
    if (!ground) return
    const { control, url } = ground
    try {
      await ground.leave()
      // A copy goes as a whole.
      if (url === undefined) await (this.#keep ? leaveInstalled : uninstall)(control, this.#patience)
    } finally {
      await ground.end()
    }
  }

  /** Each rollback below an earlier mark rewrites lines of the past, and leaves the old ones in its file. */
  async #sweep(control: Control, size: number): Promise<void> {
    if (size <= 2 * this.#swept + SWEEP_FROM) return
    await control.alone('vacuum venomqa.past')
    const [row] = await control.query(`select pg_relation_size('venomqa.past') as size`)
    this.#swept = Number(row?.['size'] ?? 0)
  }

  #opened(): Ground<Handle> {
    if (!this.#ground) throw notOpen('postgres')
    return this.#ground
  }

  /** After a connection broke: the marks are in the database, unless another run had it meanwhile. */
  async #takeUpAgain({ control, prepare }: Ground<Handle>): Promise<void> {
    await prepare()
    this.#observed.forget()
    const [about] = await control.query(`select to_regclass('venomqa.about') is not null as there`)
    const [run] = about?.['there'] === 't' ? await control.query('select run from venomqa.about') : []
    if (run?.['run'] !== this.#run)
      throw connectionLost(control.place, new Error('another run used the database meanwhile'))
  }
}

async function wayOf({ control, canTellOfDdl }: Ground<unknown>): Promise<string> {
  const [about] = await control.query(
    'select told_of_ddl, (select count(*) from venomqa.tables) - 1 as tables from venomqa.about',
  )
  const watch = `undo: triggers on ${about?.['tables']} tables record every version, whoever writes it`
  if (about?.['told_of_ddl'] === 't') return `${watch}; event triggers tell of changes of the schema`
  const why = canTellOfDdl ? 'the role may not make event triggers' : 'event triggers do not fire here'
  return `${watch}; ${why}, so the catalogs are compared each time`
}

/** A text column takes no NUL. */
function storable(name: string): string {
  return name.replaceAll('\0', '\ufffd')
}

/** An array of numbers as PostgreSQL prints it: `{1,2}`. */
function list(array: string | null | undefined): string[] {
  return array ? array.slice(1, -1).split(',').filter(Boolean) : []
}
