import { EventEmitter } from 'node:events'
import { VenomError } from '../../../errors.ts'
import { cover, faceOf, inOrder } from '../../shared/face.ts'
import { leftOpen } from '../../shared/refusals.ts'
import type { Answer, Caller, SharedConnection } from './connection.ts'

type Callback = (error: unknown, rows?: unknown, fields?: unknown) => void

/** A query of the driver, under way. */
interface Command extends EventEmitter {
  sql: string
  readonly values?: unknown
  readonly namedPlaceholders?: boolean
  onResult?: Callback | undefined
  /** What it was asked with: how rows are to look. */
  readonly _queryOptions?: object
}

/** The driver's connection with callbacks, under the one with promises; as far as it is used here. */
export interface Core extends EventEmitter {
  readonly config: Readonly<Record<string, unknown>>
  query(...asked: unknown[]): Command
  execute(...asked: unknown[]): EventEmitter
  format(sql: string, values: unknown, named?: boolean): string
  promise(...of: unknown[]): unknown
  ping(callback: Callback): unknown
  destroy(): void
}

/** The driver's pool with callbacks. */
export interface CorePool extends EventEmitter {
  readonly config: { readonly connectionConfig: Readonly<Record<string, unknown>> }
  getConnection(callback: (error: unknown, connection?: Core) => void): void
  end(callback?: Callback): void
}

const EVENTS = ['error', 'drain', 'connect', 'end', 'enqueue'] as const

/**
 * Makes a pool hand out connections that all share one, and answers with how to make it as it was. `notice` is told of
 * connections that were given back with an open transaction.
 */
export function sharePool(
  pool: CorePool,
  client: Core,
  shared: SharedConnection,
  notice: (message: string) => void,
): () => Promise<void> {
  let isEnded = false
  const open = new Set<EventEmitter>()
  for (const name of EVENTS) {
    client.on(name, (...values: unknown[]) => {
      // An error that nobody listens for would end the process; whoever uses the connection next is told.
      for (const events of open) if (name !== 'error' || events.listenerCount(name) > 0) events.emit(name, ...values)
    })
  }
  const members = {
    getConnection(callback: (error: unknown, connection?: Core) => void): void {
      if (isEnded) return process.nextTick(callback, new Error('Pool is closed.'))
      const caller = callerOf(client, shared, open, notice)
      process.nextTick(() => {
        pool.emit('acquire', caller)
        callback(null, caller)
      })
    },
    end(callback?: Callback): void {
      isEnded = true
      if (callback) process.nextTick(callback, null)
    },
  }
  const uncover = cover(pool, members)
  return async () => {
    uncover()
    // Its settings, temporary tables and variables go with it.
    client.destroy()
    if (isEnded) await new Promise<void>((resolve) => pool.end(() => resolve()))
  }
}

/** A connection of the application: all of the real one, but for its queries, its release and its listeners. */
function callerOf(
  client: Core,
  shared: SharedConnection,
  open: Set<EventEmitter>,
  notice: (message: string) => void,
): Core {
  const caller: Caller = { doing: 'a query', isOpen: false, autocommit: true }
  const events = new EventEmitter()
  open.add(events)
  // As on a connection of its own.
  const inTurn = inOrder()
  let isReleased = false
  const leave = (): void => {
    if (isReleased) return
    isReleased = true
    open.delete(events)
    void inTurn(async () => {
      if (caller.isOpen) {
        notice(leftOpen('mysql', 'connection', caller.doing))
      }
      await shared.abandon(caller)
    }).catch(() => undefined)
  }
  const own: Record<PropertyKey, unknown> = {
    query(...asked: unknown[]) {
      const command = commandOf(client, asked)
      const given = command.onResult
      const text = client.format(command.sql, command.values ?? [], command.namedPlaceholders)
      let isSent = false
      const send = (part?: string): Promise<Answer> => {
        if (part !== undefined)
          return sent(client, 'query', {
            ...command._queryOptions,
            sql: part,
            values: undefined,
            namedPlaceholders: false,
          })
        isSent = true
        return forwarded(client, command)
      }
      // What was sent as it is tells its owner itself.
      tell(
        command,
        given,
        inTurn(() => shared.run(caller, text, send)),
        () => isSent,
      )
      return command
    },
    execute(...asked: unknown[]) {
      const [first] = asked as [string | { readonly sql: string }]
      const given = asked.find((it): it is Callback => typeof it === 'function')
      const values = asked.filter((it) => typeof it !== 'function')
      const command = new EventEmitter()
      const send = (part?: string): Promise<Answer> =>
        part === undefined ? sent(client, 'execute', ...values) : sent(client, 'query', part)
      const text = typeof first === 'string' ? first : first.sql
      tell(
        command,
        given,
        inTurn(() => shared.run(caller, text, send)),
      )
      return command
    },
    beginTransaction: (callback: Callback) => (session.query as Core['query'])('START TRANSACTION', callback),
    commit: (callback: Callback) => (session.query as Core['query'])('COMMIT', callback),
    rollback: (callback: Callback) => (session.query as Core['query'])('ROLLBACK', callback),
    ping: (callback: Callback) =>
      void inTurn(() => new Promise<void>((done) => client.ping((error) => (callback(error), done())))),
    reset: (callback: Callback) =>
      tell(
        new EventEmitter(),
        callback,
        inTurn(() => shared.abandon(caller).then(() => NOTHING)),
      ),
    prepare: (_: unknown, callback: Callback) => process.nextTick(callback, refused('prepare()')),
    changeUser: (_: unknown, callback: Callback) => process.nextTick(callback, refused('changeUser()')),
    release: leave,
    destroy: leave,
    end: (callback?: Callback) => (leave(), callback && process.nextTick(callback, null)),
    [Symbol.dispose]: leave,
    promise: (...of: unknown[]): unknown => client.promise.apply(session, of),
  }
  const session: Core = faceOf(client, own, events)
  return session
}

const NOTHING: Answer = { rows: undefined, fields: undefined }

/** Tells who asked, by a callback or else by events, unless somebody else does. */
function tell(
  command: EventEmitter,
  callback: Callback | undefined,
  asked: Promise<Answer>,
  isTold = (): boolean => false,
): void {
  const finish = (error: unknown, answer: Answer = NOTHING): void => {
    if (isTold()) return
    if (callback) process.nextTick(callback, error, answer.rows, answer.fields)
    else if (error) command.emit('error', error)
    else command.emit('result', answer.rows)
    command.emit('end')
  }
  asked.then(
    (answer) => finish(null, answer),
    (error: unknown) => finish(error),
  )
}

/** What a query becomes before it is sent; a pool has made it already. */
function commandOf(client: Core, asked: readonly unknown[]): Command {
  const [first, values, callback] = asked
  if (first instanceof EventEmitter) return first as Command
  const { createQuery } = client.constructor as unknown as {
    createQuery(sql: unknown, values: unknown, callback: unknown, config: unknown): Command
  }
  return createQuery(first, values, callback, client.config)
}

/** Sends a query as it is, and waits for what its owner is told. */
function forwarded(client: Core, command: Command): Promise<Answer> {
  return new Promise((resolve, reject) => {
    const { onResult } = command
    let failed: unknown
    if (onResult) {
      command.onResult = (error, rows, fields) => {
        failed = error
        onResult(error, rows, fields)
      }
    } else command.once('error', (error) => (failed = error))
    command.once('end', () => (failed ? reject(failed as Error) : resolve(NOTHING)))
    client.query(command)
  })
}

function sent(client: Core, how: 'query' | 'execute', ...asked: unknown[]): Promise<Answer> {
  return new Promise((resolve, reject) => {
    client[how](...asked, (error: unknown, rows: unknown, fields: unknown) =>
      error ? reject(error as Error) : resolve({ rows, fields }),
    )
  })
}

function refused(what: string): VenomError {
  return new VenomError(
    'UNSUPPORTED',
    `mysql.shared: ${what} does not work on a shared connection.\n` +
      'It would bypass the turns that the connections of the application take on the one, or end its transaction.\n' +
      'Use execute() or query(), or mysql(url), which leaves the application its connections.',
  )
}
