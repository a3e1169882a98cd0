import { EventEmitter } from 'node:events'
import type { Pool, PoolClient, QueryConfig, QueryResult } from 'pg'
import { cover, faceOf, inOrder } from '../../shared/face.ts'
import { leftOpen } from '../../shared/refusals.ts'
import type { Session, SharedConnection } from './connection.ts'

type Callback = (error: unknown, result?: unknown, release?: unknown) => void

/** What a driver's own query objects have: a cursor, a stream, a COPY. */
interface Submittable {
  readonly text?: string
  readonly cursor?: { readonly text?: string }
  submit: unknown
  handleError(...values: unknown[]): unknown
  handleReadyForQuery(...values: unknown[]): unknown
}

const EVENTS = ['error', 'end', 'notice', 'notification'] as const

/**
 * Makes a pool hand out connections that all share one, and answers with how to make it as it was. `notice` is told of
 * connections that were given back with an open transaction.
 */
export function sharePool(
  pool: Pool,
  client: PoolClient,
  shared: SharedConnection,
  notice: (message: string) => void,
): () => Promise<void> {
  let isEnded = false
  let isBroken = false
  // Without a listener, a connection that breaks would end the process; whoever uses it next is told.
  const broke = (): void => void (isBroken = true)
  client.on('error', broke)
  const connect = (): PoolClient => {
    if (isEnded) throw new Error('Cannot use a pool after calling end on the pool')
    return sessionOf(client, shared, notice)
  }
  const members = {
    connect(callback?: Callback) {
      if (!callback) return promised(connect)
      let session: PoolClient
      try {
        session = connect()
      } catch (error) {
        return process.nextTick(callback, error)
      }
      return process.nextTick(callback, undefined, session, session.release)
    },
    query(...asked: unknown[]) {
      return answer(asked, async (values) => {
        const session = connect()
        try {
          return await (session.query as (...given: unknown[]) => unknown)(...values)
        } finally {
          session.release()
        }
      })
    },
    end(callback?: Callback) {
      isEnded = true
      if (callback) process.nextTick(callback, undefined)
      return callback ? undefined : Promise.resolve()
    },
  }
  const uncover = cover(pool, members)
  return async () => {
    uncover()
    client.removeListener('error', broke)
    client.release(isBroken)
    if (isEnded) await pool.end()
  }
}

/** A connection of the application: all of the real one, but for its queries, its release and its listeners. */
function sessionOf(client: PoolClient, shared: SharedConnection, notice: (message: string) => void): PoolClient {
  const session: Session = { doing: 'a query', isOpen: false }
  const events = new EventEmitter()
  const forward = EVENTS.map((name) => {
    const listener = (...values: unknown[]): void => {
      if (name !== 'error' || events.listenerCount('error') > 0) events.emit(name, ...values)
    }
    client.on(name as 'error', listener)
    return () => client.removeListener(name, listener)
  })
  // As on a connection of its own.
  const inTurn = inOrder()
  let isReleased = false
  const own: Record<PropertyKey, unknown> = {
    query(...asked: unknown[]) {
      if (isReleased) throw new Error('Client was given back to its pool: it takes no more queries.')
      const [first] = asked
      if (isSubmittable(first)) {
        void inTurn(() => shared.run(session, textOf(first), () => submitted(client, first))).catch(() => undefined)
        return first
      }
      return answer(asked, (values) =>
        inTurn(() => shared.run(session, textOf(values[0]), (text) => send(client, values, text))),
      )
    },
    release(error?: unknown) {
      if (isReleased) throw new Error('Release called on client which has already been released to the pool.')
      isReleased = true
      for (const stop of forward) stop()
      void inTurn(async () => {
        if (session.isOpen && !error) {
          notice(leftOpen('postgres', 'client', session.doing))
        }
        await shared.abandon(session)
      }).catch(() => undefined)
    },
    end(callback?: Callback) {
      if (!isReleased) (own['release'] as (error: unknown) => void)(true)
      if (callback) process.nextTick(callback)
      return callback ? undefined : Promise.resolve()
    },
  }
  return faceOf(client, own, events)
}

/** Answers by the callback that was given last, or else by a promise. */
function answer(asked: readonly unknown[], run: (values: unknown[]) => Promise<unknown>): Promise<unknown> | undefined {
  const [first] = asked as [{ callback?: Callback } | undefined]
  const callback = (asked.find((value) => typeof value === 'function') as Callback | undefined) ?? first?.callback
  const values = asked.filter((value) => typeof value !== 'function')
  if (!callback) return promised(() => run(values))
  void promised(() => run(values)).then(
    (result) => process.nextTick(callback, undefined, result),
    (error: unknown) => process.nextTick(callback, error),
  )
  return undefined
}

async function promised<T>(work: () => T): Promise<Awaited<T>> {
  return await work()
}

/** Sends what was asked, or only a part of its text. */
function send(client: PoolClient, values: readonly unknown[], text?: string): Promise<QueryResult | QueryResult[]> {
  const [asked, parameters] = values as [string | QueryConfig, unknown[]?]
  const { callback: _, ...config } = (typeof asked === 'string' ? { text: asked } : asked) as QueryConfig & {
    callback?: unknown
  }
  return client.query({
    ...config,
    ...(parameters && { values: parameters }),
    ...(text !== undefined && { text }),
  })
}

/** Sends a query object of the driver, and waits until the server is done with it. */
function submitted(client: PoolClient, query: Submittable): Promise<QueryResult> {
  return new Promise((resolve, reject) => {
    const { handleError, handleReadyForQuery } = query
    query.handleError = function (...values) {
      reject(values[0] as Error)
      return handleError.apply(this, values)
    }
    query.handleReadyForQuery = function (...values) {
      resolve({} as QueryResult)
      return handleReadyForQuery.apply(this, values)
    }
    client.query(query as unknown as QueryConfig).catch?.(() => undefined)
  })
}

function isSubmittable(value: unknown): value is Submittable {
  return typeof (value as Submittable | undefined)?.submit === 'function'
}

function textOf(asked: unknown): string {
  if (typeof asked === 'string') return asked
  const { text, cursor } = (asked ?? {}) as Partial<Submittable>
  return text ?? cursor?.text ?? ''
}
