import { readFileSync, readlinkSync, renameSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { hostname } from 'node:os'
import { threadId } from 'node:worker_threads'
import { VenomError } from '../../errors.ts'
import type { Worker } from '../../rollbackable.ts'

/** Who has a database, as it stands in the lease file. */
interface Claim {
  readonly pid: number
  /** When the process began, in ticks since the machine did: process ids are used again. */
  readonly began: string | undefined
  /** The machine since it was started, and the container: elsewhere the same process id means nothing. */
  readonly boot: string
  readonly container: string
  readonly thread: number
  readonly worker: string
  readonly run: string
  /** The database file itself, since another may take its path. */
  readonly file: string
  /** What the way needs to go back to its first mark after a crash. */
  readonly mark?: unknown
}

/** What a run that was killed left behind. */
export interface Orphan {
  readonly pid: number
  readonly mark: unknown
}

/**
 * One world at a time on a database: a file beside it says whose it is, and what the first mark was.
 *
 * It is read and written under the database's own write lock, so of two that come at once only one takes it.
 */
export class Lease {
  readonly #path: string
  #claim: Claim
  /** The claim of a dead owner, until what it left behind is dealt with. */
  #found: Claim | undefined

  private constructor(path: string, claim: Claim, found?: Claim) {
    this.#path = path
    this.#claim = claim
    this.#found = found
    this.#write(claim)
  }

  /**
   * Takes the lease on `database`, from a dead owner too: then `orphan` is what it left. The caller holds the
   * database's write lock. Throws `LEASED` when the owner lives, or when nobody can tell.
   */
  static take(database: string, worker: Worker): { readonly lease: Lease; readonly orphan: Orphan | undefined } {
    const path = `${database}-venomqa`
    const file = identityOf(database)
    const claim = { ...place(), began: began(process.pid), worker: worker.id, run: worker.runId, file }
    const found = read(path)
    if (!found) return { lease: new Lease(path, claim), orphan: undefined }
    if (isAlive(found, claim)) throw leased(database, path, found, claim)
    const isSameFile = !found.file || !file || found.file === file
    if (found.mark === undefined || !isSameFile) return { lease: new Lease(path, claim), orphan: undefined }
    // The mark stays in the lease until it is dealt with, in case this process is killed too.
    const lease = new Lease(path, { ...claim, mark: found.mark }, found)
    return { lease, orphan: { pid: found.pid, mark: found.mark } }
  }

  /** Called when what a dead owner left behind is dealt with. */
  dealtWith(): void {
    this.#found = undefined
    this.keep(undefined)
  }

  /** Keeps what is needed to go back after a crash; undefined when there is nothing to go back to. */
  keep(mark: unknown): void {
    this.#claim = { ...this.#claim, mark }
    this.#write(this.#claim)
  }

  giveBack(): void {
    if (this.#found) this.#write(this.#found)
    else rmSync(this.#path, { force: true })
  }

  #write(claim: Claim): void {
    const draft = `${this.#path}-${process.pid}-${threadId}`
    writeFileSync(draft, JSON.stringify(claim))
    renameSync(draft, this.#path)
  }
}

function read(path: string): Claim | undefined {
  try {
    return JSON.parse(readFileSync(path, 'utf8')) as Claim
  } catch {
    return undefined
  }
}

function isAlive(owner: Claim, claim: Claim): boolean {
  if (owner.boot !== claim.boot) return false
  if (owner.container !== claim.container) return true
  if (owner.pid === claim.pid && owner.began === claim.began) {
    // A runner's worker thread that ended is replaced by another in the same process.
    const isReplaced = owner.thread !== claim.thread && owner.run === claim.run && owner.worker === claim.worker
    return !isReplaced
  }
  try {
    process.kill(owner.pid, 0)
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'EPERM') return false
  }
  return owner.began === undefined || began(owner.pid) === owner.began
}

function leased(database: string, path: string, owner: Claim, claim: Claim): VenomError {
  const who =
    owner.run === claim.run
      ? `worker ${owner.worker} of this run (pid ${owner.pid})`
      : `another run (pid ${owner.pid}${owner.container === claim.container ? '' : ' in another container'})`
  const file = database.replace(/(\.[^./\\]*)?$/, '-${process.env.VITEST_POOL_ID ?? process.env.JEST_WORKER_ID}$1')
  return new VenomError(
    'LEASED',
    `sqlite: "${database}" is in use by ${who}.\n` +
      'Two worlds on one file would undo what the other one does.\n' +
      `Give each worker a file of its own, \`${file}\`, and an application on it; or run the files one after the other ` +
      `(fileParallelism: false). If that run is gone for certain, remove "${path}".`,
    { retryable: true },
  )
}

function place(): Pick<Claim, 'pid' | 'boot' | 'container' | 'thread'> {
  return {
    pid: process.pid,
    boot: fromProc(() => readFileSync('/proc/sys/kernel/random/boot_id', 'utf8').trim()) ?? hostname(),
    container: fromProc(() => readlinkSync('/proc/self/ns/pid')) ?? '',
    thread: threadId,
  }
}

/** Field 22 of /proc/PID/stat; the second field is a name that may have spaces in it. */
function began(pid: number): string | undefined {
  return fromProc(
    () =>
      readFileSync(`/proc/${pid}/stat`, 'utf8')
        .replace(/^.*\) /s, '')
        .split(' ')[19]!,
  )
}

function fromProc(read: () => string): string | undefined {
  try {
    return read()
  } catch {
    return undefined
  }
}

/** The inode and the time of birth, where the file system knows one. */
function identityOf(database: string): string {
  const { ino, birthtimeNs, ctimeNs } = statSync(database, { bigint: true })
  return birthtimeNs === ctimeNs ? '' : `${ino} ${birthtimeNs}`
}
