import { isVenomError, VenomError } from '../../errors.ts'
import type { Change, Observation } from '../../rollbackable.ts'
import { observation } from '../../rollbackable.ts'
import { stillUnderWay } from '../../systems/shared/refusals.ts'
import { shortened } from '../../systems/shared/statements.ts'
import { type Holder, locked, Turns } from '../../systems/shared/turns.ts'
import { BackendError } from '../../systems/shared/backend-error.ts'
import type { Access } from './handle.ts'
import { changesOf, dataOf, differences, type Image, imageOf } from './image.ts'
import type { Reached, Session } from './session.ts'
import type { Savepoint } from './transaction.ts'
import type { Limits, Mark, Way } from './way.ts'

interface SavepointMark extends Mark {
  readonly savepoint: Savepoint
}

/**
 * Everything runs on one connection, in one transaction that is never committed while the world is open. A mark is a
 * savepoint in it; a transaction of the application is one too.
 */
export class SavepointWay<C> implements Way<SavepointMark>, Access<C> {
  readonly isGuarded = true
  readonly #session: Session<C>
  readonly #reached: Reached<C>
  readonly #turns = new Turns()
  readonly #settle: number
  readonly #maxRows: number
  #latest: Image | undefined
  /** Why nothing runs any more. */
  #lost: VenomError | undefined

  private constructor(session: Session<C>, reached: Reached<C>, limits: Limits) {
    this.#session = session
    this.#reached = reached
    this.#settle = limits.settle
    this.#maxRows = limits.maxRows
  }

  /** Begins the transaction that the world is in. */
  static async open<C>(session: Session<C>, reached: Reached<C>, limits: Limits): Promise<SavepointWay<C>> {
    if (!reached.dialect.supports.savepoints) throw noSavepoints(reached.backend)
    // What other connections commit must be seen: by the application, as it is in production, and by the verification.
    const isolation = reached.dialect.isolationLevels.find((level) => level === 'read committed')
    await session.manager.begin(isolation === undefined ? {} : { isolation })
    return new SavepointWay(session, reached, limits)
  }

  async alone<T>(doing: string, work: (session: Session<C>) => Promise<T>): Promise<T> {
    const holder: Holder = { doing: shortened(doing) }
    if (!(await this.#turns.take(holder, this.#settle))) {
      throw locked(this.#reached.backend, holder, this.#turns.holder, this.#settle)
    }
    try {
      return await this.#guarded(work)
    } finally {
      this.#turns.give(holder)
    }
  }

  checkpoint(name: string): Promise<SavepointMark> {
    return this.#quietly(`"${name}" was not taken`, async (session) => {
      const image = await this.#read()
      this.#latest = image
      return { name, image, savepoint: await session.manager.savepoint() }
    })
  }

  rollback({ name, savepoint }: SavepointMark): Promise<void> {
    return this.#quietly(`"${name}" was not gone back to`, (session) => session.manager.rollbackTo(savepoint))
  }

  release({ name, savepoint }: SavepointMark): Promise<void> {
    return this.#quietly(`"${name}" was not released`, (session) => session.manager.release(savepoint))
  }

  changes({ image }: SavepointMark): Promise<readonly Change[]> {
    return this.#quietly('its changes are not known', async () => changesOf(differences(image, await this.#read())))
  }

  observe(): Promise<Observation> {
    return this.#quietly('its state is not known', async () =>
      observation(this.#reached.backend, dataOf(await this.#read())),
    )
  }

  async close(): Promise<void> {
    try {
      // The world has gone back to where it wants to end: what is here now is to stay.
      if (this.#lost === undefined && this.#session.manager.depth === 1) await this.#session.manager.commit()
    } finally {
      await this.#session.release()
    }
  }

  #read(): Promise<Image> {
    const run = this.#session.run.bind(this.#session)
    // Rows are only compared, so that what a driver parsed is exact enough.
    return imageOf(run, this.#reached.dialect, { maxRows: this.#maxRows, isExact: false, known: this.#latest })
  }

  async #quietly<T>(not: string, work: (session: Session<C>) => Promise<T>): Promise<T> {
    const holder: Holder = { doing: 'the world' }
    const done = await this.#turns.alone(holder, this.#settle, async () => ({ value: await this.#guarded(work) }))
    if ('value' in done) return done.value
    throw stillUnderWay(this.#reached.backend, 'connection', done.doing, this.#settle, not)
  }

  /** Nothing may run once the transaction is gone: it would be written for good. */
  async #guarded<T>(work: (session: Session<C>) => Promise<T>): Promise<T> {
    if (this.#lost) throw this.#lost
    const { manager } = this.#session
    try {
      return await work(this.#session)
    } catch (error) {
      if (isVenomError(error) && error.code === 'MARK_LOST') this.#lost = error
      throw error
    } finally {
      if (this.#lost === undefined && (manager.depth !== 1 || manager.isAborted))
        this.#lost = gone(this.#reached.backend)
      if (this.#lost !== undefined) await this.#session.discard()
    }
  }
}

function gone(backend: string): VenomError {
  return new BackendError(
    { family: 'transaction', code: 'MARK_LOST' },
    `${backend}: the transaction that the world is in has ended, and its savepoints with it.\n` +
      'A deadlock, a lost connection or a COMMIT by hand ended it; what was written since is undone, or there for good.\n' +
      "Look at what failed before; use way 'copies', where the application commits as in production.",
    { backend },
  )
}

function noSavepoints(backend: string): VenomError {
  return new VenomError(
    'UNSUPPORTED',
    `${backend}: this database has no savepoints.\n` +
      "They are the marks of way 'savepoints'.\n" +
      "Use way 'copies'.",
  )
}
