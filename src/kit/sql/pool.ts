import { VenomError } from '../../errors.ts'
import { inTime, LATE } from '../../in-time.ts'
import type { Awaitable } from '../../rollbackable.ts'
import { BackendError, isBackendError } from '../../systems/shared/backend-error.ts'

// Taken at load, so that a runner's fake timers never stop us.
const { clearTimeout, setTimeout } = globalThis

/** How connections are made and ended. */
export interface ConnectionSource<C> {
  open(): Awaitable<C>
  close(connection: C): Awaitable<void>
}

/** How many connections there may be, and how long to wait for one, in ms. */
export interface PoolLimits {
  readonly poolSize: number
  readonly acquireTimeoutMs: number
  readonly connectTimeoutMs: number
}

/** A connection that is somebody's until it is given back. */
export interface Lease<C> {
  readonly connection: C
  /** Gives it back; a second time does nothing. */
  release(): Promise<void>
  /** Ends it instead of giving it back: it is broken, or in a state that nobody must inherit. */
  discard(): Promise<void>
}

interface Waiting<C> {
  readonly resolve: (lease: Lease<C>) => void
  readonly reject: (error: unknown) => void
  readonly timer: ReturnType<typeof setTimeout>
}

/** A few connections that many take turns with, in the order in which they ask. */
export class Pool<C> {
  readonly #backend: string
  readonly #source: ConnectionSource<C>
  readonly #limits: PoolLimits
  readonly #idle: C[] = []
  readonly #waiting: Waiting<C>[] = []
  #count = 0
  #isClosed = false

  constructor(backend: string, source: ConnectionSource<C>, limits: PoolLimits) {
    this.#backend = backend
    this.#source = source
    this.#limits = limits
  }

  /** How many connections there are, how many of them are free, and how many leases wait. */
  get counts(): { readonly open: number; readonly idle: number; readonly waiting: number } {
    return { open: this.#count, idle: this.#idle.length, waiting: this.#waiting.length }
  }

  /** Takes a connection. Throws `TIMED_OUT` after `acquireTimeoutMs`, `CLOSED`, and what opening one throws. */
  lease(): Promise<Lease<C>> {
    if (this.#isClosed) return Promise.reject(closed(this.#backend))
    return new Promise((resolve, reject) => {
      const timer = setTimeout(() => {
        this.#waiting.splice(this.#waiting.indexOf(waiting), 1)
        reject(exhausted(this.#backend, this.#limits))
      }, this.#limits.acquireTimeoutMs)
      const waiting = { resolve, reject, timer }
      this.#waiting.push(waiting)
      this.#serve()
    })
  }

  /** Does `work` with a connection, and gives it back whether that failed or not. One that was lost is not given back. */
  async use<T>(work: (connection: C) => Awaitable<T>): Promise<T> {
    const lease = await this.lease()
    try {
      return await work(lease.connection)
    } catch (error) {
      if (isBackendError(error, 'connection')) await lease.discard()
      throw error
    } finally {
      await lease.release()
    }
  }

  /** Ends the free connections now, and the others when they are given back. Who waits is refused with `CLOSED`. */
  async close(): Promise<void> {
    this.#isClosed = true
    for (const waiting of this.#waiting.splice(0)) {
      clearTimeout(waiting.timer)
      waiting.reject(closed(this.#backend))
    }
    await Promise.all(this.#idle.splice(0).map((connection) => this.#end(connection)))
  }

  #serve(): void {
    const connection = this.#idle.pop()
    if (connection === undefined && this.#count >= this.#limits.poolSize) return
    const next = this.#waiting.shift()
    if (!next) return void (connection !== undefined && this.#idle.push(connection))
    clearTimeout(next.timer)
    if (connection !== undefined) return next.resolve(this.#leaseOf(connection))
    this.#count += 1
    this.#open().then(
      (made) => next.resolve(this.#leaseOf(made)),
      (error: unknown) => {
        this.#count -= 1
        next.reject(error)
        this.#serve()
      },
    )
  }

  async #open(): Promise<C> {
    const { connectTimeoutMs } = this.#limits
    const opening = Promise.resolve(this.#source.open())
    const made = await inTime(opening, connectTimeoutMs)
    if (made !== LATE) return made
    // It may still come, and then nobody knows of it.
    opening.then((connection) => this.#source.close(connection)).catch(() => undefined)
    throw new BackendError(
      { family: 'connection', code: 'CONNECTION_REFUSED', retryable: true },
      `${this.#backend}: no connection was made in ${connectTimeoutMs} ms.\n` +
        'The server does not answer: it is starting, overloaded, or behind a firewall that drops what it does not know.\n' +
        'Start it, correct the settings, or raise connectTimeoutMs.',
      { backend: this.#backend },
    )
  }

  #leaseOf(connection: C): Lease<C> {
    let isOut = true
    const back = async (keep: boolean): Promise<void> => {
      if (!isOut) return
      isOut = false
      if (keep && !this.#isClosed) this.#idle.push(connection)
      else await this.#end(connection)
      this.#serve()
    }
    return { connection, release: () => back(true), discard: () => back(false) }
  }

  async #end(connection: C): Promise<void> {
    this.#count -= 1
    // One that is broken may fail to end as well: it is gone either way.
    await Promise.allSettled([(async () => this.#source.close(connection))()])
  }
}

function exhausted(backend: string, { poolSize, acquireTimeoutMs }: PoolLimits): BackendError {
  return new BackendError(
    { family: 'operational', code: 'TIMED_OUT', retryable: true },
    `${backend}: none of the ${poolSize} connections of the pool was free for ${acquireTimeoutMs} ms.\n` +
      'Something holds them: a transaction that waits for another connection, or a lease that is never released.\n' +
      'Release leases in finally, or raise poolSize or acquireTimeoutMs.',
    { backend },
  )
}

function closed(backend: string): VenomError {
  return new VenomError(
    'CLOSED',
    `${backend}: the backend is disconnected.\nIt is used after disconnect(), or after its world was closed.\nCall connect() first.`,
  )
}
