import { VenomError } from '../../errors.ts'
import type { Change, Health, Observation, ResetOptions, Restores, Rollbackable, Worker } from '../../rollbackable.ts'
import { Observer } from './observe.ts'
import { reset } from './reset.ts'
import type { SqliteMark, Way } from './way.ts'

/** A SQLite database as a system. */
export interface SqliteSystem<Handle> extends Rollbackable<SqliteMark, Handle> {
  readonly kind: 'stack'
  readonly restores: Restores
  readonly way: string
  /** What a step sees, once the world is open. */
  readonly handle: Handle
  open(worker: Worker): Promise<void>
  checkpoint(name: string): Promise<SqliteMark>
  rollback(mark: SqliteMark): Promise<void>
  release(mark: SqliteMark): Promise<void>
  observe(): Promise<Observation>
  reset(options?: ResetOptions): Promise<void>
  ping(): Promise<Health>
  selfTest(): Promise<void>
  close(): Promise<void>
}

/** A system that can tell what changed since a mark. */
export interface Telling {
  /** Nothing, at once, when nothing was written since; else what `changesBetween` finds. */
  changes(since: SqliteMark): Promise<readonly Change[]>
}

/** Makes a system of a way that is opened later; `given` is the handle that is there already. */
export function systemOf<Handle>(
  open: (worker: Worker) => Promise<Way>,
  says: string,
  isTelling: boolean,
  given?: Handle,
): SqliteSystem<Handle> {
  let opened: Way | undefined
  let observer: Observer | undefined
  const way = (): Way => {
    if (opened) return opened
    throw new VenomError(
      'NOT_OPEN',
      'sqlite: the system is not open.\nIts connections are made when a world opens it, and closed with the world.\nUse it through World.open({ systems }).',
    )
  }
  const system: SqliteSystem<Handle> = {
    kind: 'stack',
    restores: { data: true, generatedIds: true, schema: true, createdObjects: true },
    get way() {
      return opened?.says ?? says
    },
    get handle() {
      return (opened?.handle.native ?? given) as Handle
    },
    async open(worker) {
      opened = await open(worker)
    },
    checkpoint: async (name) => way().checkpoint(name),
    rollback: async (mark) => way().rollback(mark),
    release: async (mark) => way().release(mark),
    observe: async () => {
      const { connection } = way()
      if (observer?.connection !== connection) observer = new Observer(connection)
      return observer.look()
    },
    reset: async (options = {}) => reset(way().connection, options),
    ping: async () => ping(way()),
    selfTest: async () => selfTest(way()),
    async close() {
      const closing = opened
      opened = undefined
      observer = undefined
      await closing?.close()
    },
  }
  if (!isTelling) return system
  const telling: Telling = { changes: async (since) => (await way().changes?.(since)) ?? [] }
  return Object.defineProperties(system, Object.getOwnPropertyDescriptors(telling))
}

function ping({ connection }: Way): Health {
  const started = performance.now()
  const version = connection.value('select sqlite_version()')
  return { ok: true, latencyMs: performance.now() - started, detail: `SQLite ${String(version)}` }
}

/**
 * Changes the user's version number of the database through the handle, which touches no table, sees it through the
 * other connection, rolls it back and looks again. Throws `SELF_TEST_FAILED`.
 */
async function selfTest(way: Way): Promise<void> {
  const version = (connection = way.connection): bigint => connection.value('pragma user_version') as bigint
  const before = version()
  const mark = await way.checkpoint('self-test')
  try {
    way.handle.exec(`pragma user_version = ${before ^ 1n}`)
    if (version() !== (before ^ 1n))
      throw selfTestFailed(way, 'what the handle wrote was not seen by another connection')
    await way.rollback(mark)
    if (version() !== before || version(way.handle) !== before)
      throw selfTestFailed(way, 'what was written was still there')
  } finally {
    await way.release(mark)
  }
}

function selfTestFailed({ says }: Way, what: string): VenomError {
  return new VenomError(
    'SELF_TEST_FAILED',
    `sqlite: a rollback was tried, and ${what} (${says}).\n` +
      'The file is on a network or in a layered file system that does not keep what SQLite relies on, or it was replaced.\n' +
      "Put it on a local disk, such as /tmp, or use sqlite(path, { way: 'backup' }).",
  )
}
