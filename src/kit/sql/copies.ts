import { isVenomError, messageOf, VenomError } from '../../errors.ts'
import { type Change, type Observation, observation, type Row } from '../../rollbackable.ts'
import { BackendError, isBackendError } from '../../systems/shared/backend-error.ts'
import type { Dialect } from './dialect.ts'
import type { Access } from './handle.ts'
import {
  changesOf,
  type Column,
  dataOf,
  type Difference,
  differences,
  type Image,
  imageOf,
  requireSameSchema,
} from './image.ts'
import type { Reached, Session } from './session.ts'
import type { Limits, Mark, Way } from './way.ts'

// Taken at load, so that a runner's fake timers never stop us.
const { setTimeout } = globalThis

/** How long to wait before what somebody else was in the way of is tried again, in ms. */
const PAUSE = 20

/** How many values one statement carries at most; every server takes that many. */
const MOST_VALUES = 500

/**
 * The application works as in production, on connections of its own, and commits. A mark is a copy of all rows; a
 * rollback compares, and writes back the rows that differ.
 */
export class CopiesWay<C> implements Way<Mark> {
  readonly #access: Access<C>
  readonly #reached: Reached<C>
  readonly #settle: number
  readonly #maxRows: number
  #latest: Image | undefined

  constructor(access: Access<C>, reached: Reached<C>, { settle, maxRows }: Limits) {
    this.#access = access
    this.#reached = reached
    this.#settle = settle
    this.#maxRows = maxRows
  }

  /** Finds out before the first step whether rows can be written back. Throws `MISSING_GRANT`, `UNSUPPORTED`. */
  async open(): Promise<void> {
    if (!this.#reached.dialect.unconstrained) throw notConstrainable(this.#reached.backend)
    await this.#access.alone('opening', (session) => this.#unconstrained(session, async () => undefined))
  }

  async checkpoint(name: string): Promise<Mark> {
    this.#latest = await this.#read()
    return { name, image: this.#latest }
  }

  async rollback({ name, image }: Mark): Promise<void> {
    const end = performance.now() + this.#settle
    // What is written back is read again: somebody may have written meanwhile, or a trigger.
    for (let isFirst = true; ; isFirst = false) {
      const now = await this.#read()
      requireSameSchema(this.#reached.backend, image, now)
      const differing = differences(image, now)
      if (differing.length === 0) return
      if (!isFirst && performance.now() > end) throw this.#notQuiet(name)
      try {
        await this.#patiently((session) =>
          this.#unconstrained(session, () => session.manager.transaction(() => this.#writeBack(session, differing))),
        )
      } catch (error) {
        throw isBackendError(error, 'integrity') ? this.#refusedRow(name, error) : error
      }
    }
  }

  async release(): Promise<void> {}

  async changes({ image }: Mark): Promise<readonly Change[]> {
    const now = await this.#read()
    requireSameSchema(this.#reached.backend, image, now)
    return changesOf(differences(image, now))
  }

  async observe(): Promise<Observation> {
    return observation(this.#reached.backend, dataOf(await this.#read()))
  }

  async close(): Promise<void> {}

  /** All rows at one moment, whoever writes meanwhile. */
  #read(): Promise<Image> {
    const { dialect } = this.#reached
    return this.#patiently(async (session) => {
      await session.transact('begin', dialect.beginReading)
      try {
        const reading = { maxRows: this.#maxRows, isExact: true, known: this.#latest }
        return await imageOf(session.run.bind(session), dialect, reading)
      } finally {
        await session.transact('rollback', [dialect.rollback]).catch(() => session.discard())
      }
    })
  }

  /** Tries again for `settle` ms what somebody else was in the way of. */
  async #patiently<T>(work: (session: Session<C>) => Promise<T>): Promise<T> {
    for (const end = performance.now() + this.#settle; ;) {
      try {
        return await this.#access.alone('the world', work)
      } catch (error) {
        if (!isMomentary(error) || performance.now() > end) throw error
        await new Promise((resolve) => setTimeout(resolve, PAUSE))
      }
    }
  }

  async #unconstrained<T>(session: Session<C>, work: () => Promise<T>): Promise<T> {
    const { ask, before, after } = this.#reached.dialect.unconstrained!
    const [was] = ask === undefined ? [] : (await session.run(ask)).rows
    try {
      for (const sql of before) await session.run(sql)
      return await work()
    } finally {
      const value = was === undefined ? undefined : Object.values(was)[0]
      await Promise.all(after(value).map((sql) => session.run(sql).catch(() => session.discard())))
    }
  }

  async #writeBack(session: Session<C>, differing: readonly Difference[]): Promise<void> {
    const { dialect } = this.#reached
    const run = ({ sql, params }: Statement): Promise<unknown> => session.run(sql, params)
    for (const { table, was, gone, come } of differing) {
      const keys = table.columns.filter(({ isKey }) => isKey)
      const columns = table.columns.filter(({ isComputed }) => !isComputed)
      // Of rows that are the same, only some may have to go, and none can be named.
      if (keys.length === 0) await run({ sql: `delete from ${dialect.only ?? ''} ${table.sql}`, params: [] })
      else for (const rows of chunks(come, keys)) await run(deletion(dialect, table.sql, keys, rows))
      for (const rows of chunks(keys.length === 0 ? was : gone, columns)) {
        await run(insertion(dialect, table.sql, columns, rows))
      }
    }
  }

  #refusedRow(name: string, cause: BackendError): VenomError {
    const [what] = messageOf(cause).split('\n', 1)
    return new VenomError(
      'ROLLBACK_FAILED',
      `${what}\n` +
        `Rows are put back to "${name}" in any order, and something still checks them one by one: a foreign key, a CHECK, a trigger.\n` +
        "Have `unconstrained` of the dialect turn that off, or drop it for the tests; or use way 'savepoints'.",
      { cause },
    )
  }

  #notQuiet(name: string): VenomError {
    return new VenomError(
      'NOT_QUIET',
      `${this.#reached.backend}: somebody kept writing while "${name}" was gone back to.\n` +
        'Each time all was as it was at the mark, something had changed again; or a trigger of the database changes rows that are written back.\n' +
        'End what the application does by itself before the step ends; drop such triggers for the tests.',
      { retryable: true },
    )
  }
}

/** Whether somebody else was in the way: a lock, or rows that came after ours were read. */
function isMomentary(error: unknown): boolean {
  return isBackendError(error, 'integrity', 'lock') || (isVenomError(error) && error.code === 'SERIALIZATION')
}

interface Statement {
  readonly sql: string
  readonly params: readonly unknown[]
}

function chunks(rows: readonly Row[], columns: readonly Column[]): Row[][] {
  const size = Math.max(1, Math.floor(MOST_VALUES / columns.length))
  return Array.from({ length: Math.ceil(rows.length / size) }, (_, i) => rows.slice(i * size, (i + 1) * size))
}

function deletion(dialect: Dialect, table: string, keys: readonly Column[], rows: readonly Row[]): Statement {
  const params: unknown[] = []
  const alternatives = rows.map((row) => {
    const terms = keys.map(({ name }) => `${dialect.quote(name)} = ${dialect.placeholder(params.push(row[name]))}`)
    return `(${terms.join(' and ')})`
  })
  return { sql: `delete from ${dialect.only ?? ''} ${table} where ${alternatives.join(' or ')}`, params }
}

function insertion(dialect: Dialect, table: string, columns: readonly Column[], rows: readonly Row[]): Statement {
  const params: unknown[] = []
  const values = rows.map(
    (row) => `(${columns.map(({ name }) => dialect.placeholder(params.push(row[name]))).join(', ')})`,
  )
  const names = columns.map(({ name }) => dialect.quote(name)).join(', ')
  const { overriding = '' } = dialect
  return { sql: `insert into ${table} (${names}) ${overriding} values ${values.join(', ')}`, params }
}

function notConstrainable(backend: string): VenomError {
  return new BackendError(
    { family: 'query', code: 'UNSUPPORTED' },
    `${backend}: the dialect does not say how rows are written while no constraint is checked.\n` +
      'A rollback deletes and inserts rows in any order, which foreign keys would refuse or answer with more deletions.\n' +
      "Give the dialect `unconstrained`: what turns the checks off and on again, or where there are no foreign keys { before: [], after: () => [] }; or use way 'savepoints'.",
    { backend },
  )
}
