import type { PoolClient, QueryResult } from 'pg'
import { VenomError } from '../../../errors.ts'
import { partsOf, POSTGRES, shortened, type Statement, statementsOf } from '../../shared/statements.ts'
import { effectOf } from '../../shared/transactions.ts'
import { type Holder, locked, Turns } from '../../shared/turns.ts'
import { type ListedTable, listTables } from '../tables.ts'
import { codeOf } from '../trouble.ts'

/** A connection as the application sees it: one of many that share the real one. */
export interface Session extends Holder {
  /** Whether its transaction is open. */
  isOpen: boolean
}

/** Runs a text, or the whole of what was asked when none is given. */
export type Send = (text?: string) => Promise<QueryResult | QueryResult[]>

/** Checks what would be checked at the end of a transaction; what is deferred at first is deferred again. */
const CHECK_CONSTRAINTS = `
  do $$ declare deferred text; begin
    set constraints all immediate;
    select string_agg(distinct format('%I.%I', nspname, conname), ', ') into deferred
    from pg_constraint c join pg_namespace s on s.oid = c.connamespace where condeferred;
    if deferred is not null then execute 'set constraints ' || deferred || ' deferred'; end if;
  end $$`

/** What may have made or dropped a constraint. */
const MAY_CHANGE_CONSTRAINTS = new Set(['ALTER', 'CALL', 'CREATE', 'DO', 'DROP'])

/**
 * The one connection and the one transaction in which a whole application runs. What begins and ends transactions
 * becomes savepoints; each statement that is in none is guarded by one, so that an error undoes that statement alone.
 */
export class SharedConnection {
  readonly #client: PoolClient
  readonly #turns = new Turns()
  readonly #patience: number
  readonly #refusal: (code: string, message: string) => Error
  /** Whether the savepoint before the last statement is still there: it costs a round trip less to release it later. */
  #isGuarded = false
  /** Whether any constraint can be deferred; unknown at first and after changes of the schema. */
  #canDefer: boolean | undefined

  constructor(client: PoolClient, patience: number, refusal: (code: string, message: string) => Error) {
    this.#client = client
    this.#patience = patience
    this.#refusal = refusal
  }

  /** Runs what the application asked on one of its connections. Throws the server's error, `LOCKED`, `UNSUPPORTED`. */
  async run(session: Session, text: string, send: Send): Promise<QueryResult | QueryResult[]> {
    const statements = statementsOf(text, POSTGRES)
    if (!session.isOpen) session.doing = `"${shortened(text)}"`
    if (!(await this.#turns.take(session, this.#patience))) {
      throw locked('postgres', session, this.#turns.holder, this.#patience)
    }
    try {
      if (statements.every(isPlain)) return await this.#plain(session, statements, send)
      const results: QueryResult[] = []
      for (const part of partsOf(statements, isPlain)) results.push(...[await this.#part(session, part, send)].flat())
      return results.length === 1 ? results[0]! : results
    } finally {
      if (!session.isOpen) this.#turns.give(session)
    }
  }

  /** Undoes what a connection left open that was given back. */
  async abandon(session: Session): Promise<void> {
    if (!session.isOpen) return
    session.isOpen = false
    try {
      await this.#do('rollback to savepoint venomqa_tx; release savepoint venomqa_tx')
    } finally {
      this.#turns.give(session)
    }
  }

  /** Does `work` while no statement and no transaction is under way; answers who is when that took `patience` ms. */
  alone<T>(holder: Holder, patience: number, work: () => Promise<T>): Promise<T | Holder> {
    return this.#turns.alone(holder, patience, work)
  }

  /** Runs a statement of ours behind the guard of the application's last one. */
  async mark(text: string): Promise<void> {
    await this.#do(`${this.#unguarded()}${text}`)
    this.#isGuarded = false
    this.#canDefer = undefined
  }

  /** Runs a query of ours that the server plans once. */
  async ask(query: { name: string; text: string; values?: unknown[] }): Promise<QueryResult> {
    return this.#client.query(query)
  }

  /** All tables of the user. */
  tables(): Promise<ListedTable[]> {
    return listTables(this.#client)
  }

  /** Goes back to a savepoint, which stays. */
  async back(savepoint: string): Promise<void> {
    // What came after it is gone with it, the guard too.
    this.#isGuarded = false
    this.#canDefer = undefined
    await this.#do(`rollback to savepoint ${savepoint}`)
  }

  /** Runs a statement of ours, which an error undoes. */
  async guarded(text: string): Promise<void> {
    await this.#plain({ doing: text, isOpen: false }, [], () => this.#client.query({ text }))
  }

  /** Runs `work` with settings of ours, and undoes all of it. */
  async aside<T>(settings: string, work: (client: PoolClient) => Promise<T>): Promise<T> {
    await this.#do(`savepoint venomqa_aside; ${settings}`)
    try {
      return await work(this.#client)
    } finally {
      await this.#do('rollback to savepoint venomqa_aside; release savepoint venomqa_aside')
    }
  }

  async #plain(session: Session, statements: readonly Statement[], send: Send): Promise<QueryResult | QueryResult[]> {
    if (statements.some(({ words }) => MAY_CHANGE_CONSTRAINTS.has(words[0] ?? ''))) this.#canDefer = undefined
    if (session.isOpen) return send()
    await this.#do(`${this.#unguarded()}savepoint venomqa_guard`)
    this.#isGuarded = true
    try {
      const result = await send()
      await this.#checkConstraints()
      return result
    } catch (error) {
      await this.#do('rollback to savepoint venomqa_guard').catch(() => undefined)
      throw error
    }
  }

  async #part(session: Session, part: readonly Statement[], send: Send): Promise<QueryResult | QueryResult[]> {
    const text = part.map((statement) => statement.text).join(';')
    const { kind, chain, readOnly } = effectOf(part[0]!)
    switch (kind) {
      case 'other':
        return this.#plain(session, part, () => send(text))
      case 'begin':
        if (session.isOpen) await this.#amend(readOnly)
        else await this.#begin(session, text, readOnly)
        return this.#answer(part[0]!.words[0]!)
      case 'set':
        // Which isolation a transaction has cannot be chosen inside of another one.
        if (session.isOpen) await this.#amend(readOnly)
        return this.#answer('SET')
      case 'commit':
      case 'rollback': {
        if (chain && !session.isOpen)
          throw this.#refusal('25P01', `${kind.toUpperCase()} AND CHAIN can only be used in transaction blocks`)
        const isReadOnly = chain && (await this.#isReadOnly())
        const command = session.isOpen ? await this.#end(session, kind) : kind.toUpperCase()
        if (chain) await this.#begin(session, text, isReadOnly)
        return this.#answer(command)
      }
      case 'prepare':
        throw new VenomError(
          'UNSUPPORTED',
          'postgres: PREPARE TRANSACTION does not work on a shared connection.\n' +
            'All of the application runs in one transaction there, which must not end.\n' +
            'Use postgres(url), which lets the application commit as in production.',
        )
      case 'savepoint':
      case 'rollback to':
      case 'release':
        if (session.isOpen) return send(text)
        throw this.#refusal('25P01', `${kind.toUpperCase()} can only be used in transaction blocks`)
    }
  }

  async #begin(session: Session, text: string, readOnly: boolean): Promise<void> {
    await this.#do(`${this.#unguarded()}savepoint venomqa_tx`)
    this.#isGuarded = false
    session.isOpen = true
    session.doing = `the transaction that began with "${shortened(text)}"`
    if (readOnly) await this.#amend(readOnly)
  }

  /** What a transaction is told while it is open; one that has failed refuses it. */
  async #amend(readOnly: boolean): Promise<void> {
    await this.#do(readOnly ? 'set transaction read only' : 'select')
  }

  /** Ends a transaction, and answers with what the server calls that: a COMMIT after an error is a ROLLBACK. */
  async #end(session: Session, kind: 'commit' | 'rollback'): Promise<string> {
    const back = 'rollback to savepoint venomqa_tx; release savepoint venomqa_tx'
    session.isOpen = false
    if (kind === 'rollback') {
      await this.#do(back)
      return 'ROLLBACK'
    }
    try {
      await this.#checkConstraints()
      await this.#do('release savepoint venomqa_tx')
      return 'COMMIT'
    } catch (error) {
      await this.#do(back)
      if (codeOf(error) === '25P02') return 'ROLLBACK'
      throw error
    }
  }

  /** What is deferred is checked when a transaction ends: else it would be, all at once, when nobody asks any more. */
  async #checkConstraints(): Promise<void> {
    if (this.#canDefer === undefined) {
      const [answer] = await this.#do('select exists (select from pg_constraint where condeferrable) as yes')
      this.#canDefer = answer?.rows[0]?.['yes'] === true
    }
    if (this.#canDefer) await this.#do(CHECK_CONSTRAINTS)
  }

  /** What a driver answers for a statement that the server never saw: an empty query, called by another name. */
  async #answer(command: string): Promise<QueryResult> {
    const [empty] = await this.#do('')
    return Object.assign(empty!, { command })
  }

  /** What AND CHAIN passes on; a transaction that has failed passes on nothing. */
  async #isReadOnly(): Promise<boolean> {
    try {
      const [answer] = await this.#do('show transaction_read_only')
      return answer?.rows[0]?.['transaction_read_only'] === 'on'
    } catch (error) {
      if (codeOf(error) === '25P02') return false
      throw error
    }
  }

  #unguarded(): string {
    return this.#isGuarded ? 'release savepoint venomqa_guard; ' : ''
  }

  async #do(text: string): Promise<QueryResult[]> {
    return [await this.#client.query({ text })].flat()
  }
}

/** Whether a statement may be sent as it is. */
function isPlain(statement: Statement): boolean {
  return effectOf(statement).kind === 'other'
}
