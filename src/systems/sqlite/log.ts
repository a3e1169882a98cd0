import { ftruncateSync } from 'node:fs'
import type { VenomError } from '../../errors.ts'
import { type Connection, isBusy, type SqliteStatement } from './connection.ts'
import type { OpenFiles } from './files.ts'
import { isObstacle, type Obstacle, patiently } from './patience.ts'
import {
  type Commit,
  frameOffset,
  framesAt,
  isIntact,
  PINNED_FRAMES,
  sameLog,
  sameState,
  type WalIndex,
} from './wal-index.ts'

/** A commit that can be gone back to. */
export interface Place {
  readonly commit: Commit
  /** SQLite's schema cookie there: a connection takes its schema for current as long as it is the same. */
  readonly cookie: number
}

/** How long to wait for those in the way, and what to say when it was in vain. */
export interface Patience {
  readonly settle: number
  readonly giveUp: (obstacle: Obstacle) => VenomError
}

const WRITER: Obstacle = { kind: 'writer' }
/** How often the read locks are looked at in one attempt: some are held for microseconds only. */
const LOOKS = 8

/**
 * The write-ahead log of a database that others have open too, wound back by rewriting the header of its index.
 *
 * SQLite itself goes back like this when a transaction is given up (sqlite3WalUndo in wal.c): the index says how far
 * the log counts, and the next commit overwrites what is behind that. Three things make it hold across commits: a read
 * transaction of ours keeps the log from being copied into the database and restarted; nobody writes meanwhile, since
 * we have the write lock; and under that lock it is made sure that nobody still reads a state that is about to go.
 */
export class Log {
  readonly files: OpenFiles
  readonly #index: WalIndex
  readonly #control: Connection
  readonly #pin: Connection
  readonly #begin: SqliteStatement
  readonly #commit: SqliteStatement
  readonly #cookie: SqliteStatement
  readonly #lookAtLocks: SqliteStatement
  readonly #remember: (highestCookie: number) => void
  #pinSlot: number | undefined
  /** So that none is given twice: a connection would take a schema of another branch for the present one. */
  #highestCookie: number
  /** Whether a rollback was begun and perhaps not completed. */
  #loose: boolean

  /** `control` waits for nobody. `remember` keeps the highest cookie for after a crash; `wasKilled` says that this is after one. */
  constructor(
    files: OpenFiles,
    index: WalIndex,
    { control, pin, probe }: { readonly control: Connection; readonly pin: Connection; readonly probe: Connection },
    { highestCookie, wasKilled, remember }: Memory,
  ) {
    this.#highestCookie = highestCookie
    this.#loose = wasKilled
    this.files = files
    this.#index = index
    this.#control = control
    this.#pin = pin
    for (const connection of [control, probe]) {
      connection.undefended(true)
      connection.exec('pragma synchronous = off; pragma wal_autocheckpoint = 0')
    }
    this.#remember = remember
    this.#begin = control.prepare('begin immediate')
    this.#commit = control.prepare('commit')
    this.#cookie = control.prepare('pragma schema_version')
    this.#lookAtLocks = probe.prepare('pragma wal_checkpoint(passive)')
  }

  /** The last commit. */
  present(): Commit {
    return this.#index.read()
  }

  /** The page in each frame from `first` to the last of `commit`; frames count from 1. */
  pagesOf(first: number, commit: Commit): Uint32Array {
    return this.#index.pagesOf(first, framesAt(commit))
  }

  /** Empties the log into the database and pins it. Nobody may be writing, nor reading the log. */
  pin({ settle, giveUp }: Patience): Promise<true> {
    return patiently(settle, () => this.#tryToPin(), giveUp)
  }

  unpin(): void {
    if (this.#pinSlot === undefined) return
    this.#pinSlot = undefined
    this.#pin.exec('commit')
  }

  /** The last commit, with nobody writing. */
  place({ settle, giveUp }: Patience): Promise<Place> {
    return patiently(settle, () => this.#locked(() => this.#here()), giveUp)
  }

  /**
   * Puts the database back to `target`; resolves with where it is then. That is `target`, except after a change of
   * schema: then it is one frame behind `origin`, the place as it was first taken, with a cookie that nobody has seen.
   */
  rewind(target: Place, origin: Place, { settle, giveUp }: Patience): Promise<Place> {
    return patiently(settle, () => this.#tryToRewind(target, origin), giveUp)
  }

  /** Whether everything after `commit` can still be undone, although the log was not pinned for a time. */
  stillHolds(commit: Commit): boolean {
    const present = this.#index.read()
    const frames = framesAt(commit)
    if (!sameLog(commit, present) || framesAt(present) < frames || !isIntact(this.files.log, commit)) return false
    if (this.#index.backfilled > frames) return false
    return (
      this.#index.attempted <= frames || !this.files.hasCopied(present, frames + 1, this.pagesOf(frames + 1, present))
    )
  }

  #tryToPin(): true | Obstacle {
    const { busy } = Object(this.#control.prepare('pragma wal_checkpoint(truncate)').get()) as {
      readonly busy: unknown
    }
    if (Number(busy) !== 0) return { kind: 'readers', slots: [] }
    for (let frame = 0; frame < PINNED_FRAMES; frame++) {
      // The same value again changes nothing, and takes exactly one frame, of page 1.
      const again = (): string => `pragma user_version = ${String(this.#control.value('pragma user_version'))}`
      const written = this.#locked(() => this.#control.exec(again()))
      if (isObstacle(written)) return written
    }
    const pinned = this.#locked(() => {
      if (framesAt(this.#index.read()) !== PINNED_FRAMES) return WRITER
      this.#pin.exec('begin')
      this.#pin.value('select count(*) from sqlite_schema')
      return true
    })
    if (isObstacle(pinned)) return pinned
    this.#index.read()
    // When all is copied already, a reader takes slot 0 and the log may be restarted under it.
    const isInLog = this.#index.backfilled < PINNED_FRAMES
    this.#index.lowerMarks()
    const slots = this.#slotsInUse()
    if (isInLog && slots.length === 1) {
      this.#pinSlot = slots[0]
      return true
    }
    this.#pin.exec('commit')
    return { kind: 'readers', slots }
  }

  #tryToRewind(target: Place, origin: Place): Place | Obstacle {
    const turned = this.#locked(() => this.#turn(target, origin))
    if (turned === undefined) return target
    if (isObstacle(turned)) return turned
    // Whoever begins to read from here on sees the state gone back to. The write lock is taken anew, since its holder
    // has a read slot too, and who else is in that slot could not be told.
    const obstacle = this.#locked(() => this.#complete(turned))
    if (obstacle) return obstacle
    const here = turned.renew ? this.#here() : target
    // What was committed on top of the new cookie is undone by the next attempt.
    if (turned.renew && framesAt(here.commit) !== framesAt(origin.commit) + 1) return WRITER
    this.#loose = false
    return here
  }

  /** Makes the state to go back to the present one, for all who begin to read. Undefined when it is that already. */
  #turn(target: Place, origin: Place): Turned | undefined {
    const before = this.#index.read()
    if (sameState(before, target.commit) && !this.#loose) return undefined
    if (!sameLog(before, target.commit) || !isIntact(this.files.log, target.commit)) throw this.files.lost()
    this.#spend(this.#readCookie())
    const renew = this.#highestCookie !== target.cookie
    if (renew) this.#remember(this.#highestCookie)
    const wasLoose = this.#loose
    this.#loose = true
    this.#index.lowerBackfilled()
    const after = this.#index.put(renew ? origin.commit : target.commit, before)
    this.#index.lowerMarks()
    return { before, after, renew, wasLoose }
  }

  /** Makes sure that nobody reads what is undone, and does away with it. */
  #complete({ before, after, renew, wasLoose }: Turned): undefined | Obstacle {
    const present = this.#index.read()
    // Somebody had the lock meanwhile. What was written is undone by the next attempt.
    if (!sameState(present, after)) return WRITER
    const slots = this.#slotsInUse()
    if (slots.length > 0) {
      this.#index.put(before, present)
      this.#loose = wasLoose
      return { kind: 'readers', slots }
    }
    // The frames behind the end are complete: a recovery after a crash would bring them back.
    ftruncateSync(this.files.log, frameOffset(after, framesAt(after) + 1))
    if (renew) this.#renewCookie()
    return undefined
  }

  /** The read slots that others have held since the marks were lowered. */
  #slotsInUse(): number[] {
    let slots: number[] = []
    for (let look = 0; look < LOOKS; look++) {
      this.#lookAtLocks.get()
      slots = this.#index.slotsInUse().filter((slot) => slot !== this.#pinSlot)
      if (slots.length === 0) break
    }
    return slots
  }

  #here(): Place {
    const cookie = this.#readCookie()
    this.#spend(cookie)
    return { commit: this.#index.read(), cookie }
  }

  /** Connections that saw the schema of a branch must not take it for the present one when another branch gets as far. */
  #renewCookie(): void {
    this.#control.exec(`pragma schema_version = ${++this.#highestCookie}`)
    if (this.#readCookie() === this.#highestCookie) return
    throw new Error('SQLite ignored pragma schema_version, as it does in defensive mode')
  }

  #readCookie(): number {
    return (this.#cookie.get() as { readonly schema_version: number }).schema_version
  }

  #spend(cookie: number): void {
    if (cookie > this.#highestCookie) this.#highestCookie = cookie
  }

  /** Runs `work` while nobody else writes. */
  #locked<T>(work: () => T): T | Obstacle {
    try {
      this.#begin.run()
    } catch (error) {
      if (isBusy(error)) return { ...WRITER, cause: error }
      throw error
    }
    try {
      return work()
    } finally {
      this.#commit.run()
    }
  }
}

/** What outlives a crash. */
interface Memory {
  readonly highestCookie: number
  readonly wasKilled: boolean
  readonly remember: (highestCookie: number) => void
}

interface Turned {
  readonly before: Commit
  readonly after: Commit
  /** Whether the schema's cookie must move on. */
  readonly renew: boolean
  readonly wasLoose: boolean
}
