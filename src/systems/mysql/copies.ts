import { VenomError } from '../../errors.ts'
import type { Counters } from './counters.ts'
import type { Session } from './session.ts'
import { list, name, text } from './sql.ts'
import { isWritten, type Mark, type State } from './state.ts'
import { insertable, isInnodb, type Places, type Tracked } from './tracked.ts'

/** What a table holds, if it was not written to since. */
interface Held {
  /** The copy that holds the same. */
  readonly copy: number
  readonly seq: bigint
  readonly id: string
  /** For tables without a log. */
  readonly checksum: string | undefined
}

/** How many bytes of tables are copied before somebody must ask for it. */
const FENCE = 256 * 2 ** 20

/**
 * Copies of the tables that have no log of their rows. A table is copied when a mark is made, unless it holds what its
 * newest copy holds; it is put back only if it was written to.
 */
export class Copies {
  readonly #session: Session
  readonly #places: Places
  #held = new Map<string, Held>()
  #last = 0

  constructor(session: Session, places: Places) {
    this.#session = session
    this.#places = places
  }

  /** Makes empty tables for what must be copied now. It commits, so it comes before the gate. */
  async prepare(state: State, counters: Counters): Promise<ReadonlyMap<string, number>> {
    const wanted = new Map<string, number>()
    for (const tracked of copied(state)) {
      if (!(await this.#isHeld(tracked, counters))) wanted.set(tracked.table.name, ++this.#last)
    }
    if (wanted.size > 0) await this.#refuseLarge([...wanted.keys()])
    for (const [table, copy] of wanted) {
      await this.#session.run([`CREATE TABLE ${this.#places.own(`k${copy}`)} LIKE ${this.#places.table(table)}`])
    }
    return wanted
  }

  /**
   * Fills the prepared tables, behind the gate. Answers with the copy of each table, undefined when one more must be
   * prepared first.
   */
  async take(
    state: State,
    counters: Counters,
    prepared: ReadonlyMap<string, number>,
    seq: bigint,
  ): Promise<ReadonlyMap<string, number> | undefined> {
    const copies = new Map<string, number>()
    for (const tracked of copied(state)) {
      const table = tracked.table.name
      const copy = prepared.get(table)
      if (copy === undefined) {
        if (!(await this.#isHeld(tracked, counters))) return undefined
      } else {
        await this.#session.run([this.#move(tracked, this.#places.table(table), this.#places.own(`k${copy}`))])
        const id = counters.tables.get(table)?.id ?? ''
        this.#held.set(table, { copy, seq, id, checksum: await this.#checksum(tracked) })
      }
      copies.set(table, this.#held.get(table)!.copy)
    }
    return copies
  }

  /** The tables that do not hold what they held at `mark`. */
  async changed({ state, copies }: Mark, counters: Counters): Promise<readonly Tracked[]> {
    const changed: Tracked[] = []
    for (const tracked of copied(state)) {
      const isMarks = this.#held.get(tracked.table.name)?.copy === copies.get(tracked.table.name)
      if (!isMarks || !(await this.#isHeld(tracked, counters))) changed.push(tracked)
    }
    return changed
  }

  /** The statements that put a table back to how it was at `mark`. */
  back(tracked: Tracked, { copies }: Mark): readonly string[] {
    const table = this.#places.table(tracked.table.name)
    return [`DELETE FROM ${table}`, this.#move(tracked, this.of(tracked, copies), table)]
  }

  /** The copy of a table as SQL. */
  of(tracked: Tracked, copies: Mark['copies']): string {
    return this.#places.own(`k${copies.get(tracked.table.name)}`)
  }

  /** Remembers that these tables hold what they held at `mark`. */
  async isBack(tables: readonly Tracked[], { copies }: Mark, counters: Counters, seq: bigint): Promise<void> {
    for (const tracked of tables) {
      const table = tracked.table.name
      const id = counters.tables.get(table)?.id ?? ''
      this.#held.set(table, { copy: copies.get(table)!, seq, id, checksum: await this.#checksum(tracked) })
    }
  }

  /** Drops the copies that none of these marks needs and no table holds. */
  async sweep(marks: readonly Mark[]): Promise<void> {
    if (this.#last === 0) return
    const needed = new Set([...this.#held.values()].map(({ copy }) => copy))
    for (const { copies } of marks) for (const copy of copies.values()) needed.add(copy)
    const rows = await this.#session.query(
      `SELECT TABLE_NAME AS name FROM information_schema.TABLES WHERE TABLE_SCHEMA = ${text(this.#places.schema)} AND TABLE_NAME LIKE 'k%'`,
    )
    const old = rows.map((row) => row['name']!).filter((copy) => !needed.has(Number(copy.slice(1))))
    if (old.length > 0) await this.#session.run([`DROP TABLE ${list(old.map((copy) => this.#places.own(copy)))}`])
  }

  #move(tracked: Tracked, from: string, to: string): string {
    const columns = list(insertable(tracked).map(({ column }) => name(column.name)))
    return `INSERT INTO ${to} (${columns}) SELECT ${columns} FROM ${from}`
  }

  async #isHeld(tracked: Tracked, counters: Counters): Promise<boolean> {
    const held = this.#held.get(tracked.table.name)
    if (held === undefined || held.id !== (counters.tables.get(tracked.table.name)?.id ?? '')) return false
    if (isInnodb(tracked.table)) return !isWritten(tracked, counters, held.seq)
    return (await this.#checksum(tracked)) === held.checksum
  }

  /** Triggers on a table of another engine are not in one transaction with it, so its content is read. */
  async #checksum({ table }: Tracked): Promise<string | undefined> {
    if (isInnodb(table)) return undefined
    const [row] = await this.#session.query(`CHECKSUM TABLE ${this.#places.table(table.name)} EXTENDED`)
    return row?.['Checksum'] ?? undefined
  }

  async #refuseLarge(tables: readonly string[]): Promise<void> {
    const rows = await this.#session.query(
      `SELECT TABLE_NAME AS name, DATA_LENGTH + INDEX_LENGTH AS bytes FROM information_schema.TABLES
        WHERE TABLE_SCHEMA = ${text(this.#places.database)} AND TABLE_NAME IN (${list(tables.map(text))})`,
    )
    const large = rows.find(({ bytes }) => Number(bytes) > FENCE)
    if (!large) return
    throw new VenomError(
      'TOO_LARGE',
      `mysql: the table ${large['name']} has ${Math.round(Number(large['bytes']) / 2 ** 20)} MiB and can only come back from a copy.\n` +
        `A copy is taken at each checkpoint after a write; above ${FENCE / 2 ** 20} MiB that is hardly what you want.\n` +
        'Give the table a primary key and the engine InnoDB, or leave it out of copy: then its rows are logged.',
    )
  }
}

/** The tables that come back from copies. */
export function copied({ tracking }: State): readonly Tracked[] {
  return [...tracking.values()].filter(({ way }) => way === 'copy')
}
