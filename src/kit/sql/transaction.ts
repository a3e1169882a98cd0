import { VenomError } from '../../errors.ts'
import type { Awaitable } from '../../rollbackable.ts'
import { BackendError, isBackendError } from '../../systems/shared/backend-error.ts'
import type { Dialect, TransactionOptions } from './dialect.ts'

/** One connection, as a transaction needs it. Both throw `BackendError`. */
export interface Speaker {
  /** Runs one statement without parameters. */
  run(sql: string): Awaitable<unknown>
  /** Begins or ends the outermost transaction. By default the statements are run one after the other. */
  transact?(what: 'begin' | 'commit' | 'rollback', statements: readonly string[]): Awaitable<void>
}

/** A place in an open transaction that can be gone back to. Good until its transaction ends, or one before it is gone back to. */
export interface Savepoint {
  readonly name: string
}

/** A transaction inside of which others may be: the outermost is a real one, each inner one a savepoint. */
interface Level {
  /** Absent for the outermost. */
  readonly savepoint?: Savepoint
  readonly inner: Savepoint[]
}

/**
 * The transaction of one connection: begun, nested, ended, and never left in a state that the next one would inherit.
 *
 * Names of savepoints are its own, short and counted: two levels can never mean the same one.
 */
export class TransactionManager {
  readonly #backend: string
  readonly #speaker: Speaker
  readonly #dialect: Dialect
  #levels: Level[] = []
  #names = 0
  /** The savepoints before the error after which PostgreSQL takes no statement until a rollback. */
  #aborted: { readonly by: unknown } | undefined
  /** The error with which the server ended the whole transaction. */
  #ended: { readonly by: unknown } | undefined

  #isBroken = false

  constructor(backend: string, speaker: Speaker, dialect: Dialect) {
    this.#backend = backend
    this.#speaker = speaker
    this.#dialect = dialect
  }

  /** How many transactions are open inside of each other; 0 for none. */
  get depth(): number {
    return this.#levels.length
  }

  /** Whether nothing but a rollback is possible. */
  get isAborted(): boolean {
    return this.#aborted !== undefined || this.#ended !== undefined
  }

  /** Whether a rollback failed, so that nobody knows what is open on the connection: it is of no use to anybody. */
  get isBroken(): boolean {
    return this.#isBroken
  }

  /**
   * Begins a transaction, inside of the one that is open if there is one.
   *
   * Throws `UNSUPPORTED` for a level that the dialect does not have, for options of an inner one, which has those of
   * the outermost, and for an inner one where there are no savepoints.
   */
  async begin(options: TransactionOptions = {}): Promise<void> {
    if (this.depth > 0) {
      if (options.isolation !== undefined || options.readOnly !== undefined) throw this.#tooLate()
      const savepoint = await this.#set()
      this.#levels.push({ savepoint, inner: [] })
      return
    }
    const statements = this.#dialect.begin(options)
    this.#levels = [{ inner: [] }]
    try {
      await this.#transact('begin', statements)
    } catch (error) {
      await Promise.allSettled([this.#end()])
      throw error
    }
  }

  /**
   * Commits the innermost transaction. Throws `TRANSACTION` when none is open, or when it was aborted: the server
   * would roll it back and call that a success.
   */
  async commit(): Promise<void> {
    const level = this.#innermost()
    if (this.isAborted) {
      const { by } = (this.#ended ?? this.#aborted)!
      await this.rollback()
      throw this.#trouble(
        'a transaction that was aborted cannot be committed; it was rolled back.',
        'An error in it was caught, and its statements went on as if nothing had been.',
        'Let the error out of the transaction, or put the statement that may fail into a transaction of its own inside.',
        by,
      )
    }
    if (level.savepoint) {
      await this.#release(level.savepoint)
      this.#levels.pop()
      return
    }
    try {
      await this.#transact('commit', [this.#dialect.commit])
      this.#forget()
    } catch (error) {
      // SQLite leaves it open, others do not: either way nothing of it must stay.
      await Promise.allSettled([this.#end()])
      throw error
    }
  }

  /** Rolls the innermost transaction back. Throws `TRANSACTION` when none is open. */
  async rollback(): Promise<void> {
    const { savepoint } = this.#innermost()
    if (!savepoint) return this.#end()
    this.#levels.pop()
    if (this.#ended) return
    await this.#back(savepoint)
    await this.#release(savepoint)
  }

  /** Remembers this place of the innermost transaction. Throws `TRANSACTION` when none is open, or it is aborted, and `UNSUPPORTED`. */
  async savepoint(): Promise<Savepoint> {
    const { inner } = this.#innermost()
    const savepoint = await this.#set()
    inner.push(savepoint)
    return savepoint
  }

  /** Goes back to a place, any number of times; those after it are gone. Throws `MARK_LOST`. */
  async rollbackTo(savepoint: Savepoint): Promise<void> {
    const { inner } = this.#innermost()
    const at = inner.indexOf(savepoint)
    if (at < 0 || this.#ended) throw this.#gone(savepoint, this.#ended?.by)
    inner.length = at + 1
    await this.#back(savepoint)
  }

  /** Forgets a place and those after it; what was written stays. Throws `MARK_LOST`. */
  async release(savepoint: Savepoint): Promise<void> {
    const { inner } = this.#innermost()
    const at = inner.indexOf(savepoint)
    if (at < 0 || this.#ended) throw this.#gone(savepoint, this.#ended?.by)
    inner.length = at
    await this.#release(savepoint)
  }

  /** Says that a statement failed, since that may have aborted or ended the transaction; `isLost`: and the connection with it. */
  failed(error: unknown, isLost = false): void {
    if (this.depth === 0 || !isBackendError(error)) return
    const aftermath = this.#dialect.aftermath(error.code)
    if (isLost || error.family === 'connection' || aftermath === 'ended') this.#ended ??= { by: error }
    else if (aftermath === 'aborted') this.#aborted ??= { by: error }
  }

  /**
   * Runs `work` in a transaction of its own, inside of the one that is open if there is one. It is committed, or
   * rolled back when `work` throws; what it threw is then thrown as it is. When the rollback fails too, that error is
   * its `rollbackError`.
   */
  async transaction<T>(work: () => Awaitable<T>, options: TransactionOptions = {}): Promise<T> {
    const outside = this.depth
    await this.begin(options)
    try {
      const result = await work()
      if (this.depth !== outside + 1) throw this.#unbalanced(outside + 1)
      await this.commit()
      return result
    } catch (error) {
      try {
        while (this.depth > outside) await this.rollback()
      } catch (rollbackError) {
        if (typeof error === 'object' && error !== null) Object.assign(error, { rollbackError })
        this.#forget()
        this.#isBroken = true
      }
      throw error
    }
  }

  #innermost(): Level {
    const level = this.#levels.at(-1)
    if (level) return level
    throw this.#trouble(
      'no transaction is open.',
      'It was ended before, or never begun.',
      'Begin one first, or let transaction(work) begin and end it.',
    )
  }

  async #set(): Promise<Savepoint> {
    if (!this.#dialect.supports.savepoints) throw this.#noSavepoints()
    const savepoint: Savepoint = { name: `vq_${(++this.#names).toString(36)}` }
    await this.#speaker.run(this.#dialect.savepoint(savepoint.name))
    return savepoint
  }

  async #back(savepoint: Savepoint): Promise<void> {
    try {
      await this.#speaker.run(this.#dialect.rollbackTo(savepoint.name))
      this.#aborted = undefined
    } catch (error) {
      throw isBackendError(error, 'transaction') ? this.#gone(savepoint, error) : error
    }
  }

  async #release(savepoint: Savepoint): Promise<void> {
    try {
      await this.#speaker.run(this.#dialect.release(savepoint.name))
    } catch (error) {
      throw isBackendError(error, 'transaction') ? this.#gone(savepoint, error) : error
    }
  }

  async #end(): Promise<void> {
    this.#forget()
    await this.#transact('rollback', [this.#dialect.rollback])
  }

  #forget(): void {
    this.#levels = []
    this.#aborted = undefined
    this.#ended = undefined
  }

  async #transact(what: 'begin' | 'commit' | 'rollback', statements: readonly string[]): Promise<void> {
    if (this.#speaker.transact) return this.#speaker.transact(what, statements)
    for (const sql of statements) await this.#speaker.run(sql)
  }

  #gone({ name }: Savepoint, cause: unknown): VenomError {
    return new BackendError(
      { family: 'transaction', code: 'MARK_LOST' },
      `${this.#backend}: the savepoint ${name} is gone, so what came after it cannot be undone.\n` +
        'The transaction it was in has ended: by a COMMIT or ROLLBACK by hand, a statement that commits by itself (CREATE, ALTER, TRUNCATE on some servers), a deadlock, or a lost connection.\n' +
        'Begin and end transactions with transaction() only, and change the schema before the world opens.',
      { backend: this.#backend, ...(cause !== undefined && { cause }) },
    )
  }

  #tooLate(): VenomError {
    return new VenomError(
      'UNSUPPORTED',
      `${this.#backend}: an inner transaction cannot have an isolation level or be read-only by itself.\n` +
        'It is a savepoint of the one around it (with the way of savepoints: the one that the world is in) and has what that began with.\n' +
        'Give isolation and readOnly to the outermost transaction().',
    )
  }

  #noSavepoints(): VenomError {
    return new VenomError(
      'UNSUPPORTED',
      `${this.#backend}: this database has no savepoints, so a transaction cannot be inside of another one.\n` +
        'The inner one would be rolled back with the outer one only, and the test would prove something else.\n' +
        'Use one transaction() for all, or one after the other.',
    )
  }

  #unbalanced(expected: number): VenomError {
    return this.#trouble(
      `transaction(work) ended with ${this.depth} open transactions instead of ${expected}.`,
      'Something in it begins what it does not end, or ends what it did not begin.',
      'Let transaction(work) begin and end them.',
    )
  }

  #trouble(what: string, means: string, fix: string, cause?: unknown): VenomError {
    return new BackendError(
      { family: 'transaction', code: 'TRANSACTION' },
      `${this.#backend}: ${what}\n${means}\n${fix}`,
      { backend: this.#backend, ...(cause !== undefined && { cause }) },
    )
  }
}
