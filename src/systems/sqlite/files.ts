import { closeSync, constants, openSync, readdirSync, readFileSync, readlinkSync, readSync, statSync } from 'node:fs'
import { VenomError } from '../../errors.ts'
import { type Commit, contentOffset, pageSizeOf } from './wal-index.ts'

/**
 * The files of a database whose log is wound back, held open for as long as this process has a connection to it.
 *
 * Closing any descriptor of a file drops all POSIX locks that the process has on it, those of SQLite too
 * (https://sqlite.org/howtocorrupt.html, 2.2). So they are opened once, and left open when the application has
 * connections in this process.
 */
export class OpenFiles {
  readonly path: string
  /** The descriptor of the `-shm` file. */
  readonly index: number
  /** The descriptor of the `-wal` file. */
  readonly log: number
  /** The descriptor of the database itself. */
  readonly database: number
  readonly #inodes: readonly (readonly [path: string, inode: number])[]

  /** `path` is the real path of a database in WAL mode that a connection of ours has open. */
  constructor(path: string) {
    this.path = path
    this.#inodes = [path, `${path}-wal`, `${path}-shm`].map((file) => [file, statSync(file).ino])
    this.database = openSync(path, constants.O_RDONLY | OURS)
    this.log = openSync(`${path}-wal`, constants.O_RDWR | OURS)
    this.index = openSync(`${path}-shm`, constants.O_RDWR | OURS)
  }

  /** Throws `MARK_LOST` when a file was deleted or replaced: what is open here is then not what others open. */
  check(): void {
    for (const [file, inode] of this.#inodes) {
      if (statSync(file, { throwIfNoEntry: false })?.ino === inode) continue
      throw new VenomError(
        'MARK_LOST',
        `sqlite: "${file}" was deleted or replaced while it was open, so its marks are gone.\n` +
          'Something made the database anew: a migration tool that resets it, a fixture that copies a file over it; ' +
          'or code in this process opened and closed the file itself, which drops the locks that protect it.\n' +
          'Do that before the world opens; afterwards empty tables with world.reset().',
      )
    }
  }

  /** What to throw when the log does not have a mark's content any more. */
  lost(): VenomError {
    return new VenomError(
      'MARK_LOST',
      `sqlite: the log of "${this.path}" was started anew, so its marks are gone.\n` +
        "Only a program that ignores SQLite's locks can do that; the usual one is code in this process that opens and " +
        'closes the database file itself (fs.copyFile, fs.readFile), which drops the locks that protect it.\n' +
        "Read the file in another process, or use sqlite(path, { way: 'backup' }).",
    )
  }

  /** Whether the database file has the content of any of the frames from `first` on, whose pages are `pages`. */
  hasCopied(commit: Commit, first: number, pages: Uint32Array): boolean {
    const size = pageSizeOf(commit)
    const [inLog, inDatabase] = [Buffer.alloc(size), Buffer.alloc(size)]
    return pages.some((page, i) => {
      readSync(this.log, inLog, 0, size, contentOffset(commit, first + i))
      return readSync(this.database, inDatabase, 0, size, (page - 1) * size) === size && inLog.equals(inDatabase)
    })
  }

  /** Called when our connections are closed. */
  close(): void {
    if (copiesOfSqlite(this.path) > 0) return
    for (const descriptor of [this.database, this.log, this.index]) closeSync(descriptor)
  }
}

/** Means nothing for a file, and tells our descriptors from SQLite's. */
const OURS = constants.O_NONBLOCK

/**
 * How many copies of SQLite have the database open in this process: each has one descriptor of the `-shm` file.
 * Unknown, and so one, where there is no /proc.
 */
export function copiesOfSqlite(path: string): number {
  let count = 0
  try {
    for (const descriptor of readdirSync('/proc/self/fd')) {
      if (linkOf(descriptor) === `${path}-shm` && (flagsOf(descriptor) & OURS) === 0) count++
    }
  } catch {
    return 1
  }
  return count
}

function linkOf(descriptor: string): string {
  try {
    return readlinkSync(`/proc/self/fd/${descriptor}`)
  } catch {
    return '' // It was the descriptor by which the folder was read.
  }
}

function flagsOf(descriptor: string): number {
  const [, flags = '0'] = /^flags:\s*(\d+)/m.exec(readFileSync(`/proc/self/fdinfo/${descriptor}`, 'latin1')) ?? []
  return Number.parseInt(flags, 8)
}
