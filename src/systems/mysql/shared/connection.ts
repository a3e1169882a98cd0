import { messageOf, type VenomError } from '../../../errors.ts'
import { MYSQL, partsOf, shortened, type Statement, statementsOf } from '../../shared/statements.ts'
import { effectOf } from '../../shared/transactions.ts'
import { type Holder, locked, Turns } from '../../shared/turns.ts'
import { errno } from '../refusal.ts'
import { commits, ended, wouldCommit } from './commits.ts'

/** A connection as the application sees it: one of many that share the real one. */
export interface Caller extends Holder {
  /** Whether its transaction is open. */
  isOpen: boolean
  /** Whether each statement is a transaction of its own, unless one was begun. */
  autocommit: boolean
}

/** What the server answered, as the driver gives it. */
export interface Answer {
  readonly rows: unknown
  readonly fields: unknown
}

/** Runs a text on the real connection, or the whole of what was asked when none is given. */
export type Send = (text?: string) => Promise<Answer>

/** How the driver's own errors are made: number, code, SQLSTATE and text. */
export type Refusal = (errno: number, code: string, sqlState: string, message: string) => Error

/** What a shared connection must know. */
export interface SharedConnectionOptions {
  /** How long a query waits for its turn, in ms. */
  readonly patience: number
  readonly refusal: Refusal
  /** The errors with which the server ends the transaction. */
  readonly fatal: readonly number[]
  /** Whether several statements may be in one text. */
  readonly together: boolean
}

/** A setting of autocommit, with what it is set to. */
const AUTOCOMMIT = /(?:@@)?\s*(?:(?:session|local)\s*\.?\s*)?\bautocommit\s*:?=\s*(\w+)/i

/**
 * The one connection and the one transaction in which a whole application runs. What begins and ends transactions
 * becomes savepoints. An error undoes one statement alone, as ever, unless it is that of a deadlock.
 */
export class SharedConnection {
  readonly #do: (text: string) => Promise<Answer>
  readonly #turns = new Turns()
  readonly #patience: number
  readonly #refusal: Refusal
  readonly #fatal: readonly number[]
  readonly #together: boolean
  /** Why nothing runs any more. */
  #lost: VenomError | undefined

  constructor(
    send: (text: string) => Promise<Answer>,
    { patience, refusal, fatal, together }: SharedConnectionOptions,
  ) {
    this.#do = send
    this.#patience = patience
    this.#refusal = refusal
    this.#fatal = fatal
    this.#together = together
  }

  /** Runs what the application asked on one of its connections. Throws the server's error, `LOCKED`, `UNSUPPORTED`, `MARK_LOST`. */
  async run(caller: Caller, text: string, send: Send): Promise<Answer> {
    const statements = statementsOf(text, MYSQL)
    if (!caller.isOpen) caller.doing = `"${shortened(text)}"`
    if (!(await this.#turns.take(caller, this.#patience))) {
      throw locked('mysql', caller, this.#turns.holder, this.#patience)
    }
    try {
      if (this.#lost) throw this.#lost
      const committing = statements.find((it) => effectOf(it).kind === 'other' && commits(it) === 'always')
      if (committing) throw wouldCommit(committing)
      // Several at once are refused by the server, unless the application asked for that.
      const isLetThrough = statements.length > 1 && !this.#together
      if (isLetThrough || statements.every(isPlain)) return await this.#plain(caller, statements, send, text)
      const answers: Answer[] = []
      for (const part of partsOf(statements, isPlain)) {
        const [first] = part
        const of = part.map((statement) => statement.text).join(';')
        answers.push(
          isPlain(first!) ? await this.#plain(caller, part, () => send(of), of) : await this.#say(caller, first!, send),
        )
      }
      return answers.length === 1 ? answers[0]! : together(answers)
    } finally {
      if (!caller.isOpen) this.#turns.give(caller)
    }
  }

  /** Undoes what a connection left open that was given back. */
  async abandon(caller: Caller): Promise<void> {
    if (!caller.isOpen) return
    try {
      await this.#end(caller, 'rollback')
    } finally {
      this.#turns.give(caller)
    }
  }

  /** Does `work` while no statement and no transaction is under way; answers who is when that took `patience` ms. */
  alone<T>(holder: Holder, patience: number, work: () => Promise<T>): Promise<T | Holder> {
    return this.#turns.alone(holder, patience, async () => {
      if (this.#lost) throw this.#lost
      return work()
    })
  }

  async #plain(caller: Caller, statements: readonly Statement[], send: Send, text: string): Promise<Answer> {
    if (!caller.autocommit && !caller.isOpen) await this.#begin(caller, text)
    const mayCommit = statements.some((statement) => commits(statement) === 'maybe')
    if (mayCommit) await this.#do('SAVEPOINT venomqa_alive')
    try {
      return await send()
    } catch (error) {
      if (this.#fatal.includes(errno(error))) {
        this.#lost = ended(
          text,
          messageOf(error),
          'The server rolled back all that was written, as it does to one side of a deadlock.',
        )
        caller.isOpen = false
      }
      throw error
    } finally {
      if (mayCommit && !this.#lost) await this.#requireAlive(caller, text)
    }
  }

  /** What was called may have committed: then our savepoint before it is gone. */
  async #requireAlive(caller: Caller, text: string): Promise<void> {
    try {
      await this.#do('RELEASE SAVEPOINT venomqa_alive')
    } catch {
      caller.isOpen = false
      this.#lost = ended(
        text,
        'something in it commits',
        'What was written before is in the database for good; make it anew before the next run.',
      )
      throw this.#lost
    }
  }

  /** A statement about transactions. */
  async #say(caller: Caller, statement: Statement, send: Send): Promise<Answer> {
    const { kind, chain } = effectOf(statement)
    const { text } = statement
    switch (kind) {
      case 'begin':
        if (caller.isOpen) await this.#end(caller, 'commit')
        return this.#begin(caller, text)
      case 'commit':
      case 'rollback': {
        const answer = caller.isOpen ? await this.#end(caller, kind) : await this.#nothing()
        return chain ? this.#begin(caller, text) : answer
      }
      case 'savepoint':
        return caller.isOpen ? send(text) : this.#nothing()
      case 'rollback to':
      case 'release': {
        if (caller.isOpen) return send(text)
        const name = /(\S+)\s*$/.exec(text)?.[1]?.replaceAll('`', '') ?? ''
        throw this.#refusal(1305, 'ER_SP_DOES_NOT_EXIST', '42000', `SAVEPOINT ${name} does not exist`)
      }
      case 'set':
        // Which isolation a transaction has cannot be chosen inside of the one that is open here.
        if (!caller.isOpen) return this.#nothing()
        return send(text)
      default:
        return this.#setAutocommit(caller, text, send)
    }
  }

  async #setAutocommit(caller: Caller, text: string, send: Send): Promise<Answer> {
    const value = AUTOCOMMIT.exec(text)?.[1] ?? ''
    const autocommit = /^(1|on|true|default)$/i.test(value)
    // The server commits when it is switched on, and would switch it for all others too.
    if (autocommit && !caller.autocommit && caller.isOpen) await this.#end(caller, 'commit')
    caller.autocommit = autocommit
    return send(text.replace(AUTOCOMMIT, " @venomqa_autocommit = '$1'"))
  }

  async #begin(caller: Caller, text: string): Promise<Answer> {
    const answer = await this.#do('SAVEPOINT venomqa_tx')
    caller.isOpen = true
    caller.doing = `the transaction that began with "${shortened(text)}"`
    return answer
  }

  async #end(caller: Caller, kind: 'commit' | 'rollback'): Promise<Answer> {
    caller.isOpen = false
    if (kind === 'rollback') await this.#do('ROLLBACK TO SAVEPOINT venomqa_tx')
    return this.#do('RELEASE SAVEPOINT venomqa_tx')
  }

  /** What the server answers to a statement that does nothing. */
  #nothing(): Promise<Answer> {
    return this.#do('DO 0')
  }
}

/** Whether a statement may be sent as it is. */
function isPlain(statement: Statement): boolean {
  const { words, text } = statement
  const isAutocommit = words[0] === 'SET' && words.includes('AUTOCOMMIT') && !words.includes('GLOBAL')
  return effectOf(statement).kind === 'other' && !(isAutocommit && AUTOCOMMIT.test(text))
}

/** The answers as the driver puts them together; what has several results has a list of fields for each. */
function together(answers: readonly Answer[]): Answer {
  const isMany = ({ fields }: Answer): boolean =>
    Array.isArray(fields) && fields.some((it) => it === undefined || Array.isArray(it))
  const each = answers.flatMap((answer): readonly Answer[] => {
    if (!isMany(answer)) return [answer]
    return (answer.rows as unknown[]).map((rows, i) => ({ rows, fields: (answer.fields as unknown[])[i] }))
  })
  return { rows: each.map(({ rows }) => rows), fields: each.map(({ fields }) => fields) }
}
