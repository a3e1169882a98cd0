import { existsSync, mkdirSync, readFileSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import type { Change } from '../../rollbackable.ts'
import { changesBetween } from './changes.ts'
import { type Connection, isBusy } from './connection.ts'
import { inTheWay } from './holders.ts'
import { Lease, type Orphan } from './lease.ts'
import { momentsOfImages } from './pages.ts'
import {
  Closing,
  crashed,
  notHeld,
  type Opening,
  requireNoTransaction,
  restored,
  type SqliteMark,
  unlocked,
  type Way,
} from './way.ts'

interface CopyMark extends SqliteMark {
  readonly file: string
  /** What `pragma data_version` said when the database was last known to be as at the mark. */
  version: bigint | undefined
}

/** The first mark as it stands in the lease. */
interface KeptMark {
  readonly way: 'backup'
  readonly name: string
  readonly file: string
}

// Taken at load, so that a runner's fake timers never stop the wait.
const { setTimeout } = globalThis

/**
 * Opens a database file in the way 'backup': a mark is a copy of the file beside it, and a rollback copies it back into
 * the open database by SQLite's backup API. It works in every journal mode, and other processes keep their connections.
 *
 * Marks and rollbacks take as long as copying the file. Throws `LOCKED`, `LEASED`, `CRASHED`, `READ_ONLY`, `BAD_ARGUMENT`.
 */
export async function openBackup(opening: Opening): Promise<Way<CopyMark>> {
  const { path, worker, settle } = opening
  const closing = new Closing()
  const folder = `${path}-venomqa-marks`
  try {
    const control = closing.connect(opening)
    control.exec('pragma busy_timeout = 0')
    const { lease, orphan } = await unlocked(opening, control, 'it cannot be opened', () => Lease.take(path, worker))
    closing.before(() => lease.giveBack())
    const reader = closing.connect(opening)
    reader.exec(`pragma busy_timeout = ${settle}`)
    const handle = opening.given ?? closing.connect(opening)
    if (!opening.given) handle.exec('pragma busy_timeout = 5000')
    if (orphan) await recover(opening, lease, orphan)
    mkdirSync(folder, { recursive: true })
    closing.add(() => rmSync(folder, { recursive: true, force: true }))
    return new Copies(opening, closing, lease, folder, { control, reader, handle })
  } catch (error) {
    closing.run()
    throw error
  }
}

class Copies implements Way<CopyMark> {
  readonly says = 'backup: copies the whole file at each mark and each rollback'
  readonly handle: Connection
  readonly connection: Connection
  readonly #opening: Opening
  readonly #closing: Closing
  readonly #lease: Lease
  readonly #folder: string
  readonly #control: Connection
  #marks: CopyMark[] = []
  #files = 0

  constructor(
    opening: Opening,
    closing: Closing,
    lease: Lease,
    folder: string,
    connections: Readonly<Record<'control' | 'reader' | 'handle', Connection>>,
  ) {
    this.#opening = opening
    this.#closing = closing
    this.#lease = lease
    this.#folder = folder
    this.#control = connections.control
    this.connection = connections.reader
    this.handle = connections.handle
  }

  async checkpoint(name: string): Promise<CopyMark> {
    const what = `"${name}" cannot be taken`
    requireNoTransaction(this.handle, what)
    const file = join(this.#folder, `${++this.#files}.db`)
    await unlocked(this.#opening, undefined, what, () => this.#control.exec('begin immediate'))
    let version: bigint
    try {
      version = this.#version()
      await this.connection.copyTo(file)
    } finally {
      this.#control.exec('commit')
    }
    const mark: CopyMark = { name, file, version }
    this.#marks.push(mark)
    if (this.#marks.length === 1) this.#lease.keep({ way: 'backup', name, file } satisfies KeptMark)
    return mark
  }

  async rollback(mark: CopyMark): Promise<void> {
    const what = `it cannot go back to "${mark.name}"`
    const at = this.#indexOf(mark)
    requireNoTransaction(this.handle, what)
    const isChanged = await unlocked(this.#opening, this.#control, what, () => mark.version !== this.#version())
    if (isChanged) {
      mark.version = undefined
      await putBack(this.#opening, mark.file, what)
    }
    this.#forget(at + 1)
  }

  release(mark: CopyMark): void {
    this.#forget(this.#indexOf(mark))
    if (this.#marks.length === 0) this.#lease.keep(undefined)
  }

  async changes(since: CopyMark): Promise<readonly Change[]> {
    const version = this.#version()
    if (version === since.version) return []
    const moments = momentsOfImages(readFileSync(since.file), await this.connection.image())
    const changes = changesBetween(moments, this.connection, this.#opening.driver)
    if (changes.length === 0) since.version = version
    return changes
  }

  close(): void {
    this.#closing.run()
  }

  /** Changes whenever another connection has committed. */
  #version(): bigint {
    return this.#control.value('pragma data_version') as bigint
  }

  #indexOf(mark: CopyMark): number {
    const at = this.#marks.indexOf(mark)
    if (at < 0) throw notHeld(mark)
    return at
  }

  #forget(from: number): void {
    for (const { file } of this.#marks.splice(from)) rmSync(file)
  }
}

async function recover(opening: Opening, lease: Lease, orphan: Orphan): Promise<void> {
  const { path, worker } = opening
  const kept = orphan.mark as Partial<KeptMark>
  if (opening.recover === 'rollback') {
    if (kept.way !== 'backup' || kept.file === undefined || !existsSync(kept.file)) {
      throw crashed(path, orphan.pid, kept.name)
    }
    await putBack(opening, kept.file, 'what a killed run left behind cannot be undone')
    worker.notice(restored(path, orphan.pid, kept.name ?? ''))
  }
  lease.dealtWith()
}

/** Copies `file` over the database, waiting for those who have a lock. */
async function putBack({ driver, path, settle }: Opening, file: string, what: string): Promise<void> {
  const copy = driver.open(file)
  try {
    const deadline = performance.now() + settle
    for (;;) {
      try {
        return await copy.copyTo(path)
      } catch (error) {
        if (!isBusy(error)) throw error
        if (performance.now() >= deadline)
          throw inTheWay(path, what, { kind: 'readers', slots: [], cause: error }, settle)
        await new Promise((resolve) => setTimeout(resolve, 10))
      }
    }
  } finally {
    copy.close()
  }
}
