import { messageOf, VenomError } from '../../errors.ts'
import type { Worker } from '../../rollbackable.ts'
import { isTestName, requireTestDatabase, type SafetyOptions, type Target } from '../../safety.ts'
import type { Address } from './address.ts'
import { MARK } from './catalog.ts'
import { Counting } from './counters.ts'
import { History } from './history.ts'
import { emptyLogs, type Ground, install, uninstall } from './install.ts'
import { type Run, signed, takeLease } from './lease.ts'
import { dropNote, readNote } from './notes.ts'
import { patiently } from './quiet.ts'
import { refused } from './refusal.ts'
import { serverOf } from './server.ts'
import { Session } from './session.ts'
import { text } from './sql.ts'
import { type Mark, seen, type State } from './state.ts'
import { placesOf, type Tracking } from './tracked.ts'
import { dropWorkerDatabase, makeWorkerDatabase, workerDatabase } from './worker-database.ts'

/** How a database is opened. */
export interface OpenOptions extends SafetyOptions {
  readonly settle: number
  readonly autoIncrement: boolean
  readonly copy: true | readonly string[]
  readonly keep: boolean
  readonly perWorker: boolean
}

/** A database that is ready to be rolled back. */
export interface Opened {
  readonly ground: Ground
  readonly counting: Counting
  readonly history: History
}

/**
 * Connects, takes the lease, undoes what a killed run left, and makes every table's changes be remembered. With
 * `perWorker` the database is one that is made here, like the one at `address`.
 */
export async function openDatabase(address: Address, options: OpenOptions, worker: Worker): Promise<Opened> {
  const { perWorker } = options
  const database = perWorker ? workerDatabase(address.database, worker) : address.database
  const target = targetOf(address, database)
  // Before anything else is known, and before a connection: no production, no foreign host.
  requireTestDatabase({ ...target, proved: true }, options)
  const session = await Session.open(address, options.settle)
  try {
    const server = await serverOf(session)
    const places = placesOf(database)
    const ground = { session, server, places, copies: options.copy, settle: options.settle }
    const proved = perWorker || (!isTestName(database) && (await isMarked(session, database)))
    requireTestDatabase({ ...target, proved }, options)
    await takeLease(session, places, options.settle)
    const what = perWorker ? `${database} could not be made` : 'the triggers could not be made'
    return await patiently(ground, what, async () => {
      if (perWorker) await makeWorkerDatabase(ground, address.database, worker)
      else await recover(ground, worker)
      try {
        return await begin(ground, options, worker)
      } catch (error) {
        await (perWorker ? dropWorkerDatabase(ground) : uninstall(ground)).catch(() => undefined)
        throw error
      }
    })
  } catch (error) {
    await session.close()
    throw refused(error, address.shown, 'opening the database')
  }
}

/** Makes every change be remembered from now on. */
async function begin(ground: Ground, options: OpenOptions, worker: Worker): Promise<Opened> {
  const { session, server, places } = ground
  const before = await readNote<Tracking>(session, places, 'tracking')
  const state = await install(ground, withoutPast(before))
  await emptyLogs(ground, state)
  await session.run([signed(places, worker)])
  await tell(ground, state, worker)
  const counting = new Counting(server, places)
  await counting.learn(session, state.tracking)
  const { ddl } = await counting.read(session, await session.run(counting.statements()), state.tracking)
  return { ground, counting, history: new History(ground, counting, state, ddl, options.autoIncrement) }
}

/** Gives back what `openDatabase` took. With `keep`, the triggers stay for a quicker start of the next run. */
export async function closeDatabase({ ground }: Opened, { keep, perWorker }: OpenOptions): Promise<void> {
  const { session, places } = ground
  const what = perWorker ? `${places.database} could not be dropped` : 'the triggers could not be taken away'
  try {
    await patiently(ground, what, async () => {
      if (perWorker) await dropWorkerDatabase(ground)
      else if (keep) await session.run([dropNote(places, 'mark'), dropNote(places, 'run')])
      else await uninstall(ground)
    })
  } catch (error) {
    throw refused(error, session.shown, 'closing the database')
  } finally {
    await session.close()
  }
}

/** What is about to be rewritten. */
export function targetOf({ host }: Address, database: string): Omit<Target, 'proved'> {
  return { system: 'mysql', database, mark: 'npx venomqa mark <its URL>', ...(host !== undefined && { host }) }
}

/** Whether somebody said that this is a test database. */
export async function isMarked(session: Session, database: string): Promise<boolean> {
  const rows = await session.query(
    `SELECT 1 AS there FROM information_schema.TABLES WHERE TABLE_SCHEMA = ${text(database)} AND TABLE_NAME = ${text(MARK)}`,
  )
  return rows.length > 0
}

/** Goes back to the first mark of a run that was killed, and takes its triggers away. Throws `CRASHED`. */
async function recover(ground: Ground, worker: Worker): Promise<void> {
  const { session, server, places } = ground
  const [run, mark, tracking] = await Promise.all([
    readNote<Run>(session, places, 'run'),
    readNote<Mark>(session, places, 'mark'),
    readNote<Tracking>(session, places, 'tracking'),
  ])
  if (!run) return
  const { captures } = await seen(session, places.database)
  // A database without our triggers was made anew since: there is nothing to go back to.
  if (mark && tracking && captures.length > 0) {
    const counting = new Counting(server, places)
    const state: State = { ...mark.state, tracking }
    try {
      await counting.learn(session, mark.state.tracking)
      const history = new History(ground, counting, state, Number.NaN, true)
      await history.resume(mark)
    } catch (cause) {
      throw new VenomError(
        'CRASHED',
        `mysql: the run before this one was killed (${run.owner}, begun ${run.begun}), and what it did to ${places.database} cannot be undone:\n${messageOf(cause)}\n` +
          'The database may hold half of what a test wrote.\nMake it anew (drop it, create it, migrate), then run again.',
        { cause },
      )
    }
    worker.notice(
      `mysql: the run before this one was killed (${run.owner}, begun ${run.begun}); ${places.database} is put back to how that run found it.`,
    )
  }
  await uninstall(ground)
}

/** Says what comes back in another way than the rest, or not at all. */
async function tell({ session, server, places }: Ground, { catalog, tracking }: State, worker: Worker): Promise<void> {
  const copied = [...tracking.values()].filter(({ because }) => because !== undefined && because !== 'copy says so')
  if (copied.length > 0) {
    const tables = copied.map(({ table, because }) => `${table.name} (${because})`).join(', ')
    worker.notice(`mysql: these tables come back from copies, which costs by their size: ${tables}.`)
  }
  const rows = await session.query(
    `SELECT FOR_NAME AS child, REF_NAME AS parent FROM ${server.foreignKeys}
      WHERE (SUBSTRING_INDEX(FOR_NAME, '/', 1) = ${text(places.database)}) <> (SUBSTRING_INDEX(REF_NAME, '/', 1) = ${text(places.database)})`,
  )
  for (const { child, parent } of rows) {
    worker.notice(
      `mysql: ${child} refers to ${parent} in another database; what that foreign key cascades is not rolled back.`,
    )
  }
  if (catalog.versioned.length > 0) {
    worker.notice(
      `mysql: ${catalog.versioned.join(', ')}: WITH SYSTEM VERSIONING, so the history keeps what a rollback undoes.`,
    )
  }
  if (catalog.sequences.length > 0) {
    worker.notice(
      `mysql: ${catalog.sequences.join(', ')}: a SEQUENCE goes on after a rollback; AUTO_INCREMENT comes back.`,
    )
  }
}

/** A new run needs no logs of definitions that are gone. */
function withoutPast(tracking: Tracking = new Map()): Tracking {
  return new Map([...tracking].map(([table, tracked]) => [table, { ...tracked, previous: undefined }]))
}
