import type { Change } from '../../rollbackable.ts'
import type { Catalog } from './catalog.ts'
import { copiedChanges, loggedChanges } from './changes.ts'
import { Copies } from './copies.ts'
import type { Counters, Counting } from './counters.ts'
import { type Drift, driftSince, isDrift, refuseLost } from './drift.ts'
import { alone, type Moment } from './gate.ts'
import { type Ground, install, lineage } from './install.ts'
import { dropNote, writeNote } from './notes.ts'
import { patiently } from './quiet.ts'
import { bringUpToDate, repair } from './repair.ts'
import { isWritten, type Mark, seen, type State } from './state.ts'
import type { Tracked, Tracking } from './tracked.ts'
import { forget, nextId, undo } from './undo.sql.ts'

/** So many entries of a log that nobody needs may stay, for the sake of a quick rollback. */
const DEAD = 500n

interface Undone {
  readonly moment: Moment
  readonly tables: readonly string[]
}

/** The marks of a database and the ways back to them. */
export class History {
  readonly #ground: Ground
  readonly #counting: Counting
  readonly #copies: Copies
  readonly #autoIncrement: boolean
  #state: State
  /** How many statements had changed a schema when the state was looked at. */
  #ddl: number
  #marks: readonly Mark[] = []

  constructor(ground: Ground, counting: Counting, state: State, ddl: number, autoIncrement: boolean) {
    this.#ground = ground
    this.#counting = counting
    this.#copies = new Copies(ground.session, ground.places)
    this.#state = state
    this.#ddl = ddl
    this.#autoIncrement = autoIncrement
  }

  /** What there is, as far as was looked. */
  get state(): State {
    return this.#state
  }

  async checkpoint(name: string): Promise<Mark> {
    for (;;) {
      const prepared = await this.#copies.prepare(this.#state, await this.counters())
      const mark = await this.#alone(`the checkpoint "${name}" could not be taken`, async ({ seq, counters }) => {
        if (!(await this.#isKnown(counters))) return undefined
        const copies = await this.#copies.take(this.#state, counters, prepared, seq)
        if (!copies) return undefined
        const mark: Mark = { name, seq, since: seq, state: this.#state, counters, copies, dead: new Map() }
        if (this.#marks.length === 0) await this.#writeDown(mark)
        return mark
      })
      if (mark) {
        this.#marks = [...this.#marks, mark]
        return mark
      }
      await this.#look()
    }
  }

  /** Goes back to `mark` and answers with the tables whose rows were put back. */
  async rollback(mark: Mark): Promise<readonly string[]> {
    this.#marks = this.#marks.slice(0, this.#marks.indexOf(mark) + 1)
    const { moment, tables } = await this.#undone(mark, this.#state.tracking)
    this.#state = mark.state
    this.#ddl = moment.counters.ddl
    mark.since = moment.seq
    if (this.#autoIncrement) await this.#restoreIds(mark, moment.counters)
    await this.#copies.sweep(this.#marks)
    return tables
  }

  /** Goes back to the first mark of another process. */
  async resume(mark: Mark): Promise<void> {
    this.#marks = [mark]
    await this.rollback(mark)
  }

  async release(mark: Mark): Promise<void> {
    const at = this.#marks.indexOf(mark)
    if (at < 0) return
    const { session, places } = this.#ground
    this.#marks = this.#marks.slice(0, at)
    const dead = [...mark.state.tracking.values()].filter(({ number }) => (mark.dead.get(number) ?? 0n) > 0n)
    await session.run(dead.flatMap((tracked) => forget(places, tracked, mark.seq, mark.since)))
    if (at === 0) await session.run([dropNote(places, 'mark')])
    await this.#copies.sweep(this.#marks)
  }

  /** What differs between the present and `mark`. Throws `SCHEMA_CHANGED` when rows are gone without a trace. */
  async changes(mark: Mark): Promise<readonly Change[]> {
    const { session, places } = this.#ground
    const counters = await this.counters()
    const drift = await this.#drift(mark, counters)
    if (drift) refuseLost(drift, mark.name)
    const written = [...mark.state.tracking.values()]
      .filter((tracked) => tracked.way === 'log' && isWritten(tracked, counters, mark.since))
      .map((tracked) => ({ tracked, since: mark.since }))
    const copied = new Set(await this.#copies.changed(mark, counters))
    for (const table of drift?.remade ?? []) {
      const tracked = mark.state.tracking.get(table)!
      if (tracked.way === 'copy') copied.add(tracked)
    }
    const { tables } = drift ? (await seen(session, places.database)).catalog : mark.state.catalog
    return [
      ...(await loggedChanges(session, places, written)),
      ...(await copiedChanges(session, places, this.#copies, mark, [...copied], tables)),
    ]
  }

  /** The tables there are now, and how they are tracked as far as they are. */
  async present(counters: Counters): Promise<{ readonly tables: Catalog['tables']; readonly tracking: Tracking }> {
    const { catalog, tracking } = this.#state
    if (await this.#isKnown(counters)) return { tables: catalog.tables, tracking }
    const { session, places } = this.#ground
    const now = (await seen(session, places.database)).catalog
    const isSame = ([table]: [string, Tracked]): boolean =>
      now.tables.get(table)?.shape === catalog.tables.get(table)?.shape
    return { tables: now.tables, tracking: new Map([...tracking].filter(isSame)) }
  }

  /** What the server counts now. */
  async counters(): Promise<Counters> {
    const { session } = this.#ground
    return this.#counting.read(session, await session.run(this.#counting.statements()), this.#state.tracking)
  }

  /** Puts the rows back, after the schema where somebody changed it. Answers with the moment at which it was done. */
  async #undone(mark: Mark, latest: State['tracking']): Promise<Undone> {
    for (;;) {
      const undone = await this.#alone(`the rollback to "${mark.name}" could not be made`, async (moment) => {
        const drift = await this.#drift(mark, moment.counters)
        return drift ? undefined : { moment, tables: await this.#undo(mark, moment, latest) }
      })
      if (undone) return undone
      await repair(this.#ground, this.#counting, mark, this.#marks)
      if (this.#marks[0]) await this.#writeDown(this.#marks[0])
      this.#state = mark.state
    }
  }

  async #undo(mark: Mark, { seq, counters, finish }: Moment, latest: State['tracking']): Promise<readonly string[]> {
    const { session, places } = this.#ground
    const statements: string[] = []
    const tables = new Set<string>()
    for (const tracked of mark.state.tracking.values()) {
      if (tracked.way === 'copy') continue
      const columns = tracked.table.columns.map(({ name }) => name)
      for (const log of logsSince(tracked, latest.get(tracked.table.name))) {
        if (!isWritten(log, counters, mark.since)) continue
        tables.add(tracked.table.name)
        statements.push(...undo(places, log, mark.since, columns), ...this.#sweep(log, mark, counters))
      }
    }
    const changed = await this.#copies.changed(mark, counters)
    if (changed.length === 0) await finish(statements)
    else await session.run([...statements, ...changed.flatMap((tracked) => this.#copies.back(tracked, mark))])
    await this.#copies.isBack(changed, mark, counters, seq)
    return [...tables, ...changed.map(({ table }) => table.name)]
  }

  /** Entries after the mark are of no use after the rollback; they go when there are many. */
  #sweep(tracked: Tracked, mark: Mark, { logs }: Counters): readonly string[] {
    const { number } = tracked
    const highest = logs.get(number) ?? mark.since + DEAD
    const dead = (mark.dead.get(number) ?? 0n) + highest - mark.since
    mark.dead.set(number, dead < DEAD ? dead : 0n)
    return dead < DEAD ? [] : forget(this.#ground.places, tracked, mark.seq)
  }

  async #restoreIds(mark: Mark, now: Counters): Promise<void> {
    const { session, places } = this.#ground
    const moved = [...mark.counters.tables].filter(([table, { next }]) => next !== now.tables.get(table)?.next)
    const statements = moved.map(([table, { next }]) => nextId(places, table, next ?? 1n))
    const what = `the next ids of ${moved.map(([table]) => table).join(', ')} could not be put back (an ALTER TABLE)`
    await patiently(this.#ground, what, () => session.run(statements))
  }

  /** Whether the schema is the one that is known. */
  async #isKnown(counters: Counters): Promise<boolean> {
    if (counters.ddl === this.#ddl) return true
    const { session, places } = this.#ground
    const { catalog, captures } = await seen(session, places.database)
    const known = { state: this.#state, counters: { ...counters, ddl: this.#ddl }, since: 0n }
    if (isDrift(driftSince(known, catalog, captures, counters))) return false
    this.#ddl = counters.ddl
    return true
  }

  /** Looks at the schema again where somebody changed it. What was made is tracked from now on. */
  async #look(): Promise<void> {
    const { ddl } = await this.counters()
    if (ddl === this.#ddl) return
    this.#state = await install(this.#ground, this.#state.tracking)
    await this.#counting.learn(this.#ground.session, this.#state.tracking)
    this.#ddl = ddl
  }

  /** How the schema differs from what it was at `mark`; undefined when it does not. */
  async #drift(mark: Mark, counters: Counters): Promise<Drift | undefined> {
    const { tables, ddl } = mark.counters
    const isSame = [...tables].every(([table, { id }]) => counters.tables.get(table)?.id === id)
    if (isSame && ddl === counters.ddl) return undefined
    const { session, places } = this.#ground
    const { catalog, captures } = await seen(session, places.database)
    const drift = driftSince(mark, catalog, captures, counters)
    if (isDrift(drift)) return drift
    bringUpToDate(mark, this.#marks, counters)
    return undefined
  }

  /** Notes the first mark: a later run goes back to it, should this one be killed. */
  async #writeDown(mark: Mark): Promise<void> {
    await this.#ground.session.run([writeNote(this.#ground.places, 'mark', mark)])
  }

  #alone<T>(what: string, work: (moment: Moment) => Promise<T>): Promise<T> {
    return alone(this.#ground, this.#counting, this.#state.tracking, what, work)
  }
}

/** The logs that a table has had since it was tracked so, the newest first. */
function logsSince(tracked: Tracked, latest: Tracked | undefined): readonly Tracked[] {
  const logs = lineage(latest ?? tracked)
  const at = logs.findIndex(({ number }) => number === tracked.number)
  return at < 0 ? [tracked] : logs.slice(0, at + 1)
}
