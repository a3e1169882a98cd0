import { readSync } from 'node:fs'
import type { OpenFiles } from './files.ts'
import type { Log } from './log.ts'
import { type Commit, contentOffset, framesAt, pagesAt, pageSizeOf } from './wal-index.ts'

/** One moment of a database as its pages, which count from 1. */
export interface Pages {
  readonly count: number
  page(number: number): Buffer
}

/** Two moments of a database, and the pages in which they may differ. */
export interface Moments {
  readonly past: Pages
  readonly now: Pages
  readonly between: ReadonlySet<number>
}

/** Two commits of a pinned log. Reads only the pages that are asked for. */
export function momentsOfLog(log: Log, since: Commit, present: Commit): Moments {
  const pages = log.pagesOf(1, present)
  const pastFrames = new Map<number, number>()
  const nowFrames = new Map<number, number>()
  const between = new Set<number>()
  const frames = framesAt(since)
  for (const [at, page] of pages.entries()) {
    nowFrames.set(page, at + 1)
    if (at < frames) pastFrames.set(page, at + 1)
    else between.add(page)
  }
  return { past: atCommit(log.files, since, pastFrames), now: atCommit(log.files, present, nowFrames), between }
}

/** Two images of a whole database. */
export function momentsOfImages(before: Buffer, after: Buffer): Moments {
  const [past, now] = [inImage(before), inImage(after)]
  const between = new Set<number>()
  for (let number = 1; number <= Math.max(past.count, now.count); number++) {
    const isBoth = number <= past.count && number <= now.count
    if (!isBoth || !past.page(number).equals(now.page(number))) between.add(number)
  }
  return { past, now, between }
}

function atCommit(files: OpenFiles, commit: Commit, frames: ReadonlyMap<number, number>): Pages {
  const size = pageSizeOf(commit)
  const read = (number: number): Buffer => {
    const frame = frames.get(number)
    const page = Buffer.allocUnsafe(size)
    if (frame === undefined) readSync(files.database, page, 0, size, (number - 1) * size)
    else readSync(files.log, page, 0, size, contentOffset(commit, frame))
    return page
  }
  return { count: pagesAt(commit), page: remembering(read) }
}

function inImage(image: Buffer): Pages {
  // At 16 in the header, https://sqlite.org/fileformat2.html#page_size
  const stored = image.length === 0 ? 1 : image.readUInt16BE(16)
  const size = stored === 1 ? 65_536 : stored
  return { count: image.length / size, page: (number) => image.subarray((number - 1) * size, number * size) }
}

function remembering(read: (number: number) => Buffer): (number: number) => Buffer {
  const known = new Map<number, Buffer>()
  return (number) => {
    let page = known.get(number)
    if (!page) known.set(number, (page = read(number)))
    return page
  }
}
