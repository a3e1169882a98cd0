import { VenomError } from '../../errors.ts'
import { isTestPath, requireTestDatabase, type SafetyOptions } from '../../safety.ts'
import { type Answer, type Control, type TextRow, UNDOING } from './control.ts'
import type { Place } from './place.ts'
import type { Ground } from './undo.ts'

/** What PGlite answers for one statement. */
interface Results {
  readonly rows: readonly unknown[]
  readonly fields: readonly { readonly name: string }[]
}

/** What can be asked of PGlite, inside of a transaction or not. */
interface Inner {
  query(text: string, values?: unknown[], options?: object): Promise<Results>
  exec(text: string, options?: object): Promise<readonly Results[]>
}

/** A PGlite database, as far as it is used here. */
export interface PgliteDatabase extends Inner {
  readonly waitReady: Promise<void>
  transaction<T>(work: (inner: Inner) => Promise<T>): Promise<T>
}

/** Settings for one transaction: PGlite has one session, which is the application's. */
const HERE = UNDOING.replaceAll(/\bset (?=[a-z_.]+ =)/g, 'set local ')

/**
 * Reaches a PGlite database in this process. Throws `BAD_ARGUMENT`, `NOT_A_TEST_DATABASE`.
 */
export async function reachPglite<P extends PgliteDatabase>(db: P, options: SafetyOptions): Promise<Ground<P>> {
  if (typeof db?.transaction !== 'function' || typeof db.exec !== 'function') throw notPglite()
  await db.waitReady
  const path = (db as { dataDir?: string }).dataDir ?? ''
  const isInMemory = path === '' || path.startsWith('memory:')
  const database = isInMemory ? 'PGlite in memory' : path
  requireTestDatabase({ system: 'pglite', database, proved: isInMemory || isTestPath(path) }, options)
  return {
    control: new PgliteControl(db, { host: '/', port: 0, database, user: 'postgres' }),
    handle: db,
    // It is a server with one user, in which event triggers do not fire.
    canTellOfDdl: false,
    prepare: async () => undefined,
    leave: async () => undefined,
    end: async () => undefined,
  }
}

/** The only session of PGlite, made the one that undoes for the length of each call. */
class PgliteControl implements Control {
  readonly place: Place
  readonly #db: PgliteDatabase

  constructor(db: PgliteDatabase, place: Place) {
    this.#db = db
    this.place = place
  }

  async query(text: string, values: readonly unknown[] = []): Promise<TextRow[]> {
    const { rows } = await this.#inside((inner) => inner.query(text, [...values], this.#asText()))
    return rows as TextRow[]
  }

  async transaction(text: string): Promise<readonly Answer[]> {
    const results = await this.#inside((inner) => inner.exec(text, { ...this.#asText(), rowMode: 'array' }))
    return results.map(({ fields, rows }) => ({
      fields: fields.map(({ name }) => name),
      rows: rows as (string | null)[][],
    }))
  }

  async alone(text: string): Promise<void> {
    await this.#db.exec(text)
  }

  onReconnect(): void {
    // A database in this process has no connection that could break.
  }

  async close(): Promise<void> {
    // It belongs to the application.
  }

  #inside<T>(work: (inner: Inner) => Promise<T>): Promise<T> {
    return this.#db.transaction(async (inner) => {
      await inner.exec(HERE)
      return work(inner)
    })
  }

  /** Every type that the database knows is left as the text that it sends. */
  #asText(): { parsers: Record<number, (value: string) => unknown> } {
    const known = (this.#db as unknown as { parsers?: Record<number, unknown> }).parsers ?? {}
    return { parsers: Object.fromEntries(Object.keys(known).map((type) => [type, (value: string) => value])) }
  }
}

function notPglite(): VenomError {
  return new VenomError(
    'BAD_ARGUMENT',
    'pglite: the argument is not a PGlite database.\n' +
      'It is the object itself that the application uses, from "@electric-sql/pglite".\n' +
      'const db = await PGlite.create(); pglite(db).',
  )
}
