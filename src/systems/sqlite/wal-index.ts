import { readSync, writeSync } from 'node:fs'

/**
 * One commit as the log's index describes it: the 48 bytes of a WalIndexHdr, as words in the machine's own byte order.
 *
 * Layout and rules: https://sqlite.org/walformat.html#the_wal_index_file_format
 */
export type Commit = Uint32Array

const VERSION = 0
const CHANGE = 2
const PAGE_SIZE = 3
const FRAMES = 4
const PAGES = 5
const FRAME_CHECKSUM = 6
const SALT = 8
const CHECKSUM = 10
const COMMIT_WORDS = 12
const BACKFILLED = 24
const READ_MARKS = 25
const ATTEMPTED = 32
const HEADER_WORDS = 34

/** The only version there has been since 3.7.0: 3007000. */
const KNOWN_VERSION = 3_007_000
const FRAME_HEADER = 24
const LOG_HEADER = 32
/** A writer may be interrupted between the two copies of the header. */
const READ_TRIES = 100_000
/** Read locks 1 to 4 each carry a mark; a holder of lock 0 reads no log at all. */
const SLOTS = [1, 2, 3, 4]
/** The index is in blocks of 32 KiB; each has 4096 page numbers, the first fewer since the header comes before them. */
const BLOCK = 32_768
const FIRST_BLOCK_FRAMES = 4062
const BLOCK_FRAMES = 4096

/**
 * A log is pinned behind this many frames, all of them of page 1: the marks of the read locks are set to different
 * frames among them, and no checkpointer ever gets further.
 */
export const PINNED_FRAMES = SLOTS.length + 1

/** The index of a write-ahead log: the `-shm` file, read and written beside SQLite. */
export class WalIndex {
  readonly #file: number
  readonly #words = new Uint32Array(HEADER_WORDS)
  readonly #bytes = Buffer.from(this.#words.buffer)
  readonly #lowMarks = Uint32Array.from(SLOTS, (slot) => PINNED_FRAMES - slot)

  /** `file` is a descriptor that stays open for as long as this process has the database open. */
  constructor(file: number) {
    this.#file = file
  }

  /** The present commit, and what goes with it. A commit may be taking place: both copies must agree, or it is read again. */
  read(): Commit {
    for (let tries = 0; tries < READ_TRIES; tries++) {
      readSync(this.#file, this.#bytes, 0, HEADER_WORDS * 4, 0)
      const first = this.#words.subarray(0, COMMIT_WORDS)
      const second = this.#words.subarray(COMMIT_WORDS, 2 * COMMIT_WORDS)
      if (first.every((word, i) => word === second[i])) return first.slice()
    }
    throw new Error('the index of the log stays half written')
  }

  /** How many frames were copied back into the database, as of the last `read()`. */
  get backfilled(): number {
    return this.#words[BACKFILLED]!
  }

  /** How many frames somebody began to copy back, as of the last `read()`. */
  get attempted(): number {
    return this.#words[ATTEMPTED]!
  }

  /**
   * Makes `commit` the present one. Only for the holder of the write lock.
   *
   * Its change counter goes on from `previous`: a connection keeps its cache for as long as this header stays the same,
   * and two branches that write alike would come to the same one.
   */
  put(commit: Commit, previous: Commit): Commit {
    const next = commit.slice()
    next[CHANGE] = previous[CHANGE]! + 1
    sign(next)
    // The second copy first, as SQLite does: readers take the first one first.
    writeSync(this.#file, next, 0, COMMIT_WORDS * 4, COMMIT_WORDS * 4)
    writeSync(this.#file, next, 0, COMMIT_WORDS * 4, 0)
    return next
  }

  /**
   * Lowers the marks of all read locks, each to another frame below the pin, highest first.
   *
   * A lower mark is always allowed, since it only holds checkpointers back. A checkpointer then tries each lock, and
   * raises the marks of those that are free: so `slotsInUse()` after a checkpoint tells which are not.
   */
  lowerMarks(): void {
    writeSync(this.#file, this.#lowMarks, 0, this.#lowMarks.byteLength, READ_MARKS * 4 + 4)
  }

  /** The read locks that somebody held from before `lowerMarks()` until after the checkpoint that followed it. */
  slotsInUse(): number[] {
    readSync(this.#file, this.#bytes, 0, HEADER_WORDS * 4, 0)
    return SLOTS.filter((slot) => this.#words[READ_MARKS + slot] === PINNED_FRAMES - slot)
  }

  /** Takes back that the frames of the pin were copied into the database, so that a checkpointer looks at the locks again. */
  lowerBackfilled(): void {
    if (this.backfilled < PINNED_FRAMES) return
    writeSync(this.#file, Uint32Array.of(PINNED_FRAMES - 1), 0, 4, BACKFILLED * 4)
  }

  /** The page in each frame from `first` to `last`, counted from 1. */
  pagesOf(first: number, last: number): Uint32Array {
    const pages = new Uint32Array(Math.max(0, last - first + 1))
    for (let frame = first; frame <= last;) {
      const block = Math.floor((frame + BLOCK_FRAMES - FIRST_BLOCK_FRAMES - 1) / BLOCK_FRAMES)
      const lastOfBlock = FIRST_BLOCK_FRAMES + block * BLOCK_FRAMES
      const count = Math.min(last, lastOfBlock) - frame + 1
      const inBlock = block === 0 ? frame - 1 : frame - 1 - (lastOfBlock - BLOCK_FRAMES)
      const at = block === 0 ? HEADER_WORDS * 4 : block * BLOCK
      readSync(this.#file, pages, (frame - first) * 4, count * 4, at + inBlock * 4)
      frame += count
    }
    return pages
  }
}

/** Whether two commits are the same state: the same log up to the same frame with the same content. */
export function sameState(one: Commit, other: Commit): boolean {
  for (let word = PAGE_SIZE; word < CHECKSUM; word++) if (one[word] !== other[word]) return false
  return true
}

/** Whether two commits are in the same log. */
export function sameLog(one: Commit, other: Commit): boolean {
  return one[SALT] === other[SALT] && one[SALT + 1] === other[SALT + 1] && one[PAGE_SIZE] === other[PAGE_SIZE]
}

/** Whether this version of the index is the one that is understood here. */
export function isKnown(commit: Commit): boolean {
  return commit[VERSION] === KNOWN_VERSION
}

/** How many frames the log has at a commit. */
export function framesAt(commit: Commit): number {
  return commit[FRAMES]!
}

/** How many pages the database has at a commit. */
export function pagesAt(commit: Commit): number {
  return commit[PAGES]!
}

/** The size of a page in bytes; 65536 is stored as 1. */
export function pageSizeOf(commit: Commit): number {
  const stored = new Uint16Array(commit.buffer, commit.byteOffset + PAGE_SIZE * 4, 2)[1]!
  return (stored & 0xfe00) + ((stored & 1) << 16)
}

/** Where frame `frame`, counted from 1, begins in the log. */
export function frameOffset(commit: Commit, frame: number): number {
  return LOG_HEADER + (frame - 1) * (FRAME_HEADER + pageSizeOf(commit))
}

/** Where the page in a frame begins in the log. */
export function contentOffset(commit: Commit, frame: number): number {
  return frameOffset(commit, frame) + FRAME_HEADER
}

/** Whether the log's file still has the content that led to `commit`: each frame's checksum covers all before it. */
export function isIntact(log: number, commit: Commit): boolean {
  const checksum = Buffer.alloc(8)
  readSync(log, checksum, 0, 8, frameOffset(commit, framesAt(commit)) + 16)
  return checksum.readUInt32BE(0) === commit[FRAME_CHECKSUM] && checksum.readUInt32BE(4) === commit[FRAME_CHECKSUM + 1]
}

/** The header's own checksum, https://sqlite.org/fileformat2.html#checksum_algorithm */
function sign(commit: Commit): void {
  let [one, two] = [0, 0]
  for (let word = 0; word < CHECKSUM; word += 2) {
    one = (one + commit[word]! + two) >>> 0
    two = (two + commit[word + 1]! + one) >>> 0
  }
  commit[CHECKSUM] = one
  commit[CHECKSUM + 1] = two
}
