import { VenomError } from '../../errors.ts'
import type { Change } from '../../rollbackable.ts'
import { changesBetween } from './changes.ts'
import type { Connection } from './connection.ts'
import { copiesOfSqlite, OpenFiles } from './files.ts'
import { inTheWay } from './holders.ts'
import { Lease, type Orphan } from './lease.ts'
import { Log, type Patience, type Place } from './log.ts'
import { momentsOfLog } from './pages.ts'
import { isKnown, sameState, WalIndex } from './wal-index.ts'
import {
  Closing,
  crashed,
  notHeld,
  type Opening,
  requireNoTransaction,
  restored,
  said,
  type SqliteMark,
  unlocked,
  type Way,
} from './way.ts'

interface WalMark extends SqliteMark {
  /** Where the mark was taken. */
  readonly origin: Place
  /** Where going back leads to: there, or one frame further when the schema's cookie had to be renewed. */
  place: Place
}

/** The first mark as it stands in the lease. */
interface KeptMark {
  readonly way: 'wal'
  readonly name: string
  readonly commit: readonly number[]
  readonly cookie: number
  readonly highestCookie: number
}

/**
 * Opens a database file in the way 'wal': its write-ahead log is wound back, while every other process keeps its
 * connections. Marks and rollbacks cost the same whatever the size of the database.
 *
 * Throws `UNSUPPORTED`, `LOCKED`, `NOT_QUIET`, `LEASED`, `CRASHED`, `READ_ONLY`, `BAD_ARGUMENT`.
 */
export async function openWal(opening: Opening): Promise<Way<WalMark>> {
  const closing = new Closing()
  try {
    const { control, lease, orphan } = await takeOver(opening, closing)
    const [pin, probe] = [closing.connect(opening), closing.connect(opening)]
    const handle = opening.given ?? closing.connect(opening)
    if (!opening.given) handle.exec('pragma busy_timeout = 5000')
    probe.exec(`pragma busy_timeout = ${opening.settle}`)
    for (const connection of [control, pin, probe, handle]) connection.value('select count(*) from sqlite_schema')
    const wal = new Wal(opening, closing, lease, orphan, { control, pin, probe, handle })
    await wal.recover(orphan)
    return wal
  } catch (error) {
    closing.run()
    throw error
  }
}

/** Takes the lease, and sees to it that the database is in WAL mode. */
async function takeOver(
  opening: Opening,
  closing: Closing,
): Promise<{ control: Connection; lease: Lease; orphan: Orphan | undefined }> {
  const { driver, path, worker } = opening
  if (process.platform === 'win32') throw impossible(path, 'on Windows it was never tried')
  const control = said(path, () => driver.open(path))
  closing.add(() => control.close())
  control.exec('pragma busy_timeout = 0')
  const { lease, orphan } = await unlocked(opening, control, 'it cannot be opened', () => Lease.take(path, worker))
  closing.before(() => lease.giveBack())
  if (control.value('pragma journal_mode') !== 'wal') {
    const mode = await unlocked(opening, undefined, 'it cannot be put into WAL mode', () =>
      control.value('pragma journal_mode = wal'),
    )
    if (mode !== 'wal') throw impossible(path, `SQLite keeps it in journal mode "${String(mode)}"`)
    closing.before(() => switchBack(opening))
  }
  return { control, lease, orphan }
}

class Wal implements Way<WalMark> {
  readonly says = 'wal: winds back the write-ahead log; other processes keep their connections'
  readonly handle: Connection
  readonly connection: Connection
  readonly #opening: Opening
  readonly #closing: Closing
  readonly #lease: Lease
  readonly #log: Log
  #marks: WalMark[] = []

  constructor(
    opening: Opening,
    closing: Closing,
    lease: Lease,
    orphan: Orphan | undefined,
    connections: Readonly<Record<'control' | 'pin' | 'probe' | 'handle', Connection>>,
  ) {
    const { path } = opening
    if (copiesOfSqlite(path) > 1) throw twoCopies(path)
    const files = new OpenFiles(path)
    closing.before(() => files.close())
    const index = new WalIndex(files.index)
    if (!isKnown(index.read())) throw impossible(path, 'the index of its log is of an unknown version')
    this.#opening = opening
    this.#closing = closing
    this.#lease = lease
    this.handle = connections.handle
    this.connection = connections.probe
    this.#log = new Log(files, index, connections, {
      highestCookie: keptMark(orphan)?.highestCookie ?? 0,
      wasKilled: orphan !== undefined,
      remember: (highestCookie) => this.#keep(highestCookie),
    })
  }

  /** Puts back what a killed run left changed. Throws `CRASHED` when that cannot be done any more. */
  async recover(orphan: Orphan | undefined): Promise<void> {
    if (!orphan) return
    const { path, recover, worker } = this.#opening
    const kept = keptMark(orphan)
    if (recover === 'rollback') {
      const place = kept && { commit: Uint32Array.from(kept.commit), cookie: kept.cookie }
      if (!place || !this.#log.stillHolds(place.commit)) throw crashed(path, orphan.pid, kept?.name)
      const isChanged = !sameState(this.#log.present(), place.commit)
      await this.#log.rewind(place, place, this.#patience('what a killed run left behind cannot be undone'))
      if (isChanged) worker.notice(restored(path, orphan.pid, kept.name))
    }
    this.#lease.dealtWith()
  }

  async checkpoint(name: string): Promise<WalMark> {
    const what = `"${name}" cannot be taken`
    requireNoTransaction(this.handle, what)
    this.#log.files.check()
    const isFirst = this.#marks.length === 0
    if (isFirst) await this.#log.pin(this.#patience(what))
    try {
      const place = await this.#log.place(this.#patience(what))
      const mark: WalMark = { name, origin: place, place }
      this.#marks.push(mark)
      if (isFirst) this.#keep(place.cookie)
      return mark
    } catch (error) {
      if (isFirst) this.#log.unpin()
      throw error
    }
  }

  async rollback(mark: WalMark): Promise<void> {
    const what = `it cannot go back to "${mark.name}"`
    const at = this.#indexOf(mark)
    requireNoTransaction(this.handle, what)
    this.#log.files.check()
    mark.place = await this.#log.rewind(mark.place, mark.origin, this.#patience(what))
    this.#marks.length = at + 1
  }

  release(mark: WalMark): void {
    this.#marks.length = this.#indexOf(mark)
    if (this.#marks.length > 0) return
    this.#log.unpin()
    this.#lease.keep(undefined)
  }

  changes({ place: { commit } }: WalMark): readonly Change[] {
    const present = this.#log.present()
    if (sameState(present, commit)) return []
    return changesBetween(momentsOfLog(this.#log, commit, present), this.connection, this.#opening.driver)
  }

  close(): void {
    this.#log.unpin()
    this.#closing.run()
  }

  #indexOf(mark: WalMark): number {
    const at = this.#marks.indexOf(mark)
    if (at < 0) throw notHeld(mark)
    return at
  }

  #patience(what: string): Patience {
    const { path, settle } = this.#opening
    return { settle, giveUp: (obstacle) => inTheWay(path, what, obstacle, settle) }
  }

  /** Keeps the first mark, so that the next run can go back to it if this one is killed. */
  #keep(highestCookie: number): void {
    const [first] = this.#marks
    if (!first) return
    const { commit, cookie } = first.origin
    const kept: KeptMark = { way: 'wal', name: first.name, commit: [...commit], cookie, highestCookie }
    this.#lease.keep(kept)
  }
}

function keptMark(orphan: Orphan | undefined): KeptMark | undefined {
  const mark = orphan?.mark as KeptMark | undefined
  return mark?.way === 'wal' ? mark : undefined
}

/** Leaves WAL mode, which only the last connection that there is can do. */
function switchBack({ driver, path, given, worker }: Opening): void {
  const last = given ?? driver.open(path)
  try {
    // Leaving WAL mode, a connection takes what it once read for current: it must read anew first.
    last.value('select count(*) from sqlite_schema')
    if (last.value('pragma journal_mode = delete') === 'delete') return
  } catch {
    // Somebody else has it open.
  } finally {
    if (!given) last.close()
  }
  worker.notice(`sqlite: "${path}" was put into WAL mode and stays in it, since the application has it open.`)
}

function impossible(path: string, why: string): VenomError {
  return new VenomError(
    'UNSUPPORTED',
    `sqlite: the log of "${path}" cannot be wound back: ${why}.\n` +
      'That way needs a database file in WAL mode on a local file system.\n' +
      "A copy of the whole file works everywhere, and takes as long as copying it: sqlite(path, { way: 'backup' }).",
  )
}

function twoCopies(path: string): VenomError {
  return new VenomError(
    'UNSUPPORTED',
    `sqlite: "${path}" is open in this process through another copy of SQLite too.\n` +
      "Two copies in one process do not see each other's locks, and damage the file: https://sqlite.org/howtocorrupt.html (2.2.1).\n" +
      "Use the application's own driver, sqlite(path, { driver: 'node:sqlite' }), or run the application in its own process.",
  )
}
