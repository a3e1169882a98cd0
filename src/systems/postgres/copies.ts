import { createHash } from 'node:crypto'
import { messageOf, VenomError } from '../../errors.ts'
import type { Worker } from '../../rollbackable.ts'
import type { SafetyOptions } from '../../safety.ts'
import { causeOf } from '../shared/cause.ts'
import { requireTestPlace, requireTestServer, TEST_DATABASE } from './access.ts'
import { ServerControl, type TextRow } from './control.ts'
import type { Driver } from './driver.ts'
import { LEASE_KEY } from './lease.ts'
import { literal, type Place, placeName, quoted } from './place.ts'
import { now, pause } from './quiet.ts'
import { codeOf } from './trouble.ts'

/** How long a name may be, in bytes: the server cuts what is longer. */
const LONGEST = 63

/** The databases in which others are made and dropped: one of them is on every server. */
const MAINTENANCE = ['postgres', 'template1']

/**
 * Copies of one database that are made for a worker, and dropped again. No other database is ever dropped: each of ours
 * says in its comment what it was made from.
 */
export class Copies {
  /** The database that belongs to the worker. */
  readonly name: string
  /** The URL of that database. */
  readonly url: string
  readonly #control: ServerControl
  readonly #source: string
  readonly #comment: string
  readonly #patience: number
  #how = ''

  private constructor(control: ServerControl, source: Place, url: string, worker: Worker, patience: number) {
    this.#control = control
    this.#source = source.database
    this.#patience = patience
    this.#comment = `${TEST_DATABASE}, made from ${quoted(source.database)} for worker ${worker.id}`
    this.name = copyName(source.database, worker.id)
    this.url = urlOf(url, this.name)
  }

  /**
   * Proves that the source may be copied, and takes the worker's place.
   *
   * Throws `CONNECTION_REFUSED`, `NOT_FOUND`, `NOT_A_TEST_DATABASE`, `READ_ONLY`, `UNSUPPORTED`, `LEASED`.
   */
  static async open(
    driver: Driver,
    url: string,
    worker: Worker,
    { settle, ...safety }: SafetyOptions & { readonly settle: number },
  ): Promise<Copies> {
    const who = `venomqa ${worker.runner} worker ${worker.id}, process ${process.pid}`
    const source = new ServerControl(driver, url, who)
    requireTestPlace(source.place, safety)
    await source.connect()
    let version: number
    try {
      version = Number((await requireTestServer(source, safety)).version)
    } finally {
      // Nobody may be connected to what is copied, not even we.
      await source.close()
    }
    const copies = new Copies(await maintenance(driver, url, who), source.place, url, worker, settle)
    try {
      await copies.#take(version)
    } catch (error) {
      await copies.#control.close()
      throw error
    }
    return copies
  }

  /** Makes the worker's database anew, from what the user has. Throws `NOT_QUIET`, `MISSING_GRANT`. */
  async make(): Promise<void> {
    await this.#copy(this.#source, this.name, this.#comment)
  }

  /** Keeps a copy of the worker's database as it is. Ends all connections to it. Throws `NOT_QUIET`. */
  async keep(number: number): Promise<void> {
    await this.#whileClosed(() => this.#copy(this.name, this.#kept(number), `${this.#comment}, mark ${number}`))
  }

  /** Makes the worker's database as it was kept. Ends all connections to it. */
  async back(number: number): Promise<void> {
    await this.#quiet()
    await this.#control.run(`drop database if exists ${quoted(this.name)} with (force)`)
    await this.#copy(this.#kept(number), this.name, this.#comment)
  }

  /** Drops what was kept. */
  async forget(number: number): Promise<void> {
    await this.#control.run(`drop database if exists ${quoted(this.#kept(number))} with (force)`)
  }

  /** Drops all copies that were made for this worker, and gives its place back. */
  async end(): Promise<void> {
    try {
      await this.#drop()
    } finally {
      await this.#control.close()
    }
  }

  #kept(number: number): string {
    return copyName(this.name, `m${number}`, '_')
  }

  async #take(version: number): Promise<void> {
    // The session of a run that was killed a moment ago may not have noticed yet.
    const deadline = now() + Math.max(this.#patience, 1000)
    for (;;) {
      const [answer] = await this.#control.query(
        `select pg_try_advisory_lock($1, hashtext($2)) and not exists (
           select from pg_locks l join pg_database d on d.oid = l.database
           where l.locktype = 'advisory' and l.granted and l.classid = 0 and l.objid = $1 and d.datname = $2) as mine`,
        [LEASE_KEY, this.name],
      )
      if (answer?.['mine'] === 't') break
      if (now() > deadline) throw leased(this.name, placeName(this.#control.place))
      await pause(50)
    }
    const [free] = await this.#control.query(
      `select shobj_description(oid, 'pg_database') as comment from pg_database where datname = $1`,
      [this.name],
    )
    if (free && !free['comment']?.startsWith(this.#comment)) throw notOurs(this.name)
    if (version >= 150_000) this.#how = ' strategy file_copy'
    // Where the file system can, PostgreSQL 18 then shares the blocks of both copies.
    if (version >= 180_000) await this.#control.run('set file_copy_method = clone').catch(() => undefined)
    await this.#drop()
  }

  /** This run's copies, or those of one that was killed. */
  async #drop(): Promise<void> {
    const ours = await this.#control.query(
      `select datname as name from pg_database
       where left(shobj_description(oid, 'pg_database'), length($1)) = $1
         and substr(shobj_description(oid, 'pg_database'), length($1) + 1, 1) in ('', ',')`,
      [this.#comment],
    )
    for (const { name } of ours) await this.#control.run(`drop database if exists ${quoted(name!)} with (force)`)
  }

  async #copy(from: string, to: string, comment: string): Promise<void> {
    const deadline = now() + this.#patience
    for (;;) {
      try {
        await this.#control.run(`create database ${quoted(to)} template ${quoted(from)}${this.#how}`)
        break
      } catch (error) {
        if (codeOf(error) === '42501') throw mayNotCopy(from, error)
        if (codeOf(error) !== '55006') throw error
        if (now() > deadline) {
          throw inTheWay(
            `"${from}" cannot be copied while somebody is connected to it`,
            await this.#sessions('true', from),
          )
        }
        await pause(20)
      }
    }
    await this.#control.run(`comment on database ${quoted(to)} is ${literal(comment)}`)
  }

  /** Waits until nobody writes: to end a connection is to undo its open transaction. */
  async #quiet(): Promise<void> {
    const deadline = now() + this.#patience
    for (;;) {
      const writers = await this.#sessions('backend_xid is not null')
      if (writers.length === 0) return
      if (now() > deadline)
        throw inTheWay(`the connections to "${this.name}" cannot be ended while one writes`, writers)
      await pause(20)
    }
  }

  async #whileClosed(work: () => Promise<void>): Promise<void> {
    await this.#quiet()
    const name = quoted(this.name)
    await this.#control.run(`alter database ${name} with allow_connections false`)
    try {
      await this.#control.query('select pg_terminate_backend(pid, 5000) from pg_stat_activity where datname = $1', [
        this.name,
      ])
      await work()
    } finally {
      await this.#control.run(`alter database ${name} with allow_connections true`)
    }
  }

  #sessions(which: string, name = this.name): Promise<TextRow[]> {
    return this.#control.query(
      `select pid, application_name, state from pg_stat_activity where datname = $1 and ${which} order by backend_start`,
      [name],
    )
  }
}

function inTheWay(what: string, sessions: readonly TextRow[]): VenomError {
  const [first] = sessions
  const who = first
    ? `pid ${first['pid']} (application_name "${first['application_name'] ?? ''}", ${first['state'] ?? 'state not visible'})`
    : 'somebody who has gone meanwhile'
  const others = sessions.length > 1 ? ` and ${sessions.length - 1} more` : ''
  return new VenomError(
    'NOT_QUIET',
    `postgres: ${what}: ${who}${others}.\n` +
      'PostgreSQL copies a database only when nobody is connected to it: that may be the application, or a console.\n' +
      'Let the application connect to world.url(…), the copy of its worker, and await its work; close consoles; or raise settle.',
    { retryable: true },
  )
}

/** The name of a copy: cut where it would be too long, and then told apart by a digest. */
export function copyName(source: string, what: string, between = '_vq_'): string {
  const name = `${source}${between}${what}`
  if (Buffer.byteLength(name) <= LONGEST) return name
  const digest = createHash('sha256').update(name).digest('hex').slice(0, 10)
  return `vq_${digest}${between}${what}`
}

/** The same server and user, another database. */
function urlOf(url: string, database: string): string {
  const parsed = new URL(url)
  parsed.pathname = `/${encodeURIComponent(database)}`
  return parsed.href
}

async function maintenance(driver: Driver, url: string, who: string): Promise<ServerControl> {
  for (const [i, database] of MAINTENANCE.entries()) {
    const control = new ServerControl(driver, urlOf(url, database), who)
    try {
      await control.connect()
      await control.run('set statement_timeout = 0; set client_min_messages = warning')
      return control
    } catch (error) {
      await control.close()
      if (i === MAINTENANCE.length - 1) throw error
    }
  }
  throw new Error('unreachable')
}

function leased(name: string, place: string): VenomError {
  return new VenomError(
    'LEASED',
    `postgres: "${name}", the copy for this worker, is in use by another run on the server of ${place}.\n` +
      'Two runs at once number their workers alike: a watch mode, a second terminal, or a run that hangs.\n' +
      'Wait for it to end, or end it.',
    { retryable: true },
  )
}

function notOurs(name: string): VenomError {
  return new VenomError(
    'NOT_A_TEST_DATABASE',
    `postgres: the copy for this worker would be called "${name}", but there is a database of that name which venomqa did not make.\n` +
      'Nothing is dropped that was not made here.\n' +
      `Rename or drop it: DROP DATABASE ${quoted(name)}.`,
  )
}

function mayNotCopy(name: string, cause: unknown): VenomError {
  return new VenomError(
    'MISSING_GRANT',
    `postgres: the role may not copy "${name}": ${messageOf(cause)}.\n` +
      'A copy is made by who owns the database and may create others.\n' +
      `As a superuser, once: ALTER ROLE … CREATEDB; ALTER DATABASE ${quoted(name)} OWNER TO …`,
    { cause: causeOf(cause, { backend: 'postgres' }) },
  )
}
