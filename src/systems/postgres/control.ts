import type { Client, ClientBase } from 'pg'
import { messageOf } from '../../errors.ts'
import { asText, type Driver } from './driver.ts'
import { type Address, configOf, type Place, placeOf } from './place.ts'
import { connectionLost, isLost, notConnected } from './trouble.ts'

/** A row of an answer: every value is a text as PostgreSQL prints it, or null. */
export type TextRow = Readonly<Record<string, string | null>>

/** What one of several statements answered: its rows as arrays of texts. */
export interface Answer {
  readonly fields: readonly string[]
  readonly rows: readonly (readonly (string | null)[])[]
}

/** Runs statements without values in one round trip, all values as texts. */
export async function answersOf(client: ClientBase, text: string): Promise<Answer[]> {
  const results = await client.query<(string | null)[]>({ text, rowMode: 'array', types: asText })
  return [results].flat().map(({ fields, rows }) => ({ fields: fields.map(({ name }) => name), rows }))
}

/** The settings by which every value is printed the same way, whatever the user or the server prefers. */
export const AS_TEXT = `
  set datestyle = 'ISO, YMD'; set intervalstyle = 'postgres'; set extra_float_digits = 1; set timezone = 'UTC';
  set lc_monetary = 'C'; set bytea_output = 'hex'; set xmloption = content; set array_nulls = on;
`

/**
 * The settings of the one session that marks and undoes, set once: to change `session_replication_role` for each
 * rollback would throw away its plans each time.
 *
 * In replica mode no trigger, foreign key or rule of the user fires. Without nested loops and merge joins the planner,
 * which knows nothing of how many lines a log has, cannot choose a plan that is quadratic in them; generic plans and
 * no scan of whole tables keep it from planning anew at each call.
 */
export const UNDOING = `
  set venomqa.control = 'on';
  set session_replication_role = replica;
  set row_security = off;
  set plan_cache_mode = force_generic_plan;
  set enable_nestloop = off; set enable_mergejoin = off; set enable_seqscan = off; set jit = off;
  set max_parallel_workers_per_gather = 0;
  set work_mem = '64MB';
  set client_min_messages = warning;
  ${AS_TEXT}
`

/** Shorter than others wait: who waits for us may be the one we wait for, and must not be the one who is ended. */
export const SHORT_WAIT = `
  select set_config('lock_timeout', least(250, setting::int / 2)::text, false) from pg_settings where name = 'deadlock_timeout'`

/** What only a session of its own needs: it neither waits nor is ended. */
const ALONE = `
  set synchronous_commit = off;
  set default_transaction_isolation = 'read committed';
  set default_transaction_read_only = off;
  ${SHORT_WAIT};
  set statement_timeout = 0; set idle_in_transaction_session_timeout = 0;
  select set_config(name, '0', false) from pg_settings where name in ('idle_session_timeout', 'transaction_timeout');
`

/** The session in which everything is marked and undone. */
export interface Control {
  readonly place: Place
  /** Runs a statement, under a name if it is run often: the server then plans it once. Throws `CONNECTION_REFUSED`. */
  query(text: string, values?: readonly unknown[], name?: string): Promise<TextRow[]>
  /** Runs statements without values in one transaction, and answers with the rows of each as arrays. */
  transaction(text: string, characteristics?: string): Promise<readonly Answer[]>
  /** Runs a statement that may be in no transaction. */
  alone(text: string): Promise<void>
  /** What must be done in a session made anew before it is used. */
  onReconnect(prepare: () => Promise<void>): void
  close(): Promise<void>
}

/** A connection to a server. One that broke is made anew by the next call. */
export class ServerControl implements Control {
  readonly place: Place
  readonly #driver: Driver
  readonly #url: Address
  readonly #name: string
  #client: Client | undefined
  #prepare: (() => Promise<void>) | undefined

  constructor(driver: Driver, url: Address, name: string) {
    this.place = placeOf(driver, url)
    this.#driver = driver
    this.#url = url
    this.#name = name
  }

  /** Throws `CONNECTION_REFUSED`, `NOT_FOUND`, `MISSING_GRANT`. */
  async connect(): Promise<Client> {
    const client = new this.#driver.Client({ ...configOf(this.#url, this.#name), types: asText })
    // Without a listener, a connection that breaks while it is idle would end the process.
    client.on('error', () => this.#forget(client))
    client.on('end', () => this.#forget(client))
    try {
      await client.connect()
    } catch (error) {
      throw notConnected(this.place, error)
    }
    this.#client = client
    return client
  }

  /** Makes this session the one that may undo. Throws the server's error where the role may not. */
  async configure(): Promise<void> {
    await this.run(`${UNDOING} ${ALONE}`)
  }

  onReconnect(prepare: () => Promise<void>): void {
    this.#prepare = prepare
  }

  async query(text: string, values: readonly unknown[] = [], name?: string): Promise<TextRow[]> {
    const client = await this.#live()
    return this.#answer(async () => {
      const { rows } = await client.query<TextRow>({ text, values: [...values], ...(name !== undefined && { name }) })
      return rows
    })
  }

  /** Runs statements without values in one round trip, and answers with the rows of each as arrays. */
  async run(text: string): Promise<Answer[]> {
    const client = await this.#live()
    return this.#answer(() => answersOf(client, text))
  }

  async transaction(text: string, characteristics = ''): Promise<readonly Answer[]> {
    try {
      const answers = await this.run(`begin ${characteristics}; ${text}; commit`)
      return answers.slice(1, -1)
    } catch (error) {
      await this.run('rollback')
      throw error
    }
  }

  async alone(text: string): Promise<void> {
    await this.run(text)
  }

  async close(): Promise<void> {
    const client = this.#client
    this.#client = undefined
    this.#prepare = undefined
    await client?.end().catch(() => undefined)
  }

  async #live(): Promise<Client> {
    if (this.#client) return this.#client
    if (!this.#prepare) throw connectionLost(this.place, new Error('it is closed'))
    const client = await this.connect()
    try {
      await this.#prepare()
    } catch (error) {
      this.#forget(client)
      await client.end().catch(() => undefined)
      throw error
    }
    return client
  }

  async #answer<T>(ask: () => Promise<T>): Promise<T> {
    const client = this.#client
    try {
      return await ask()
    } catch (error) {
      if (!isLost(error)) throw error
      if (client) this.#forget(client)
      throw connectionLost(this.place, messageOf(error) === '' ? new Error('closed') : error)
    }
  }

  #forget(client: Client): void {
    if (this.#client === client) this.#client = undefined
  }
}
