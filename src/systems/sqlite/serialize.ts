import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { Change } from '../../rollbackable.ts'
import { changesBetween } from './changes.ts'
import type { Connection, Driver } from './connection.ts'
import { momentsOfImages } from './pages.ts'
import { replaceContent } from './replace.ts'
import { Closing, notHeld, requireNoTransaction, type SqliteMark, type Way } from './way.ts'

interface ImageMark extends SqliteMark {
  readonly image: Buffer
  /** The file that the image was written to, once it was gone back to. */
  file?: string
  /** What `stampOf` said when the database was last known to be as at the mark. */
  stamp: string
}

/**
 * The way 'serialize', on a handle that the application in this process uses too: a mark is an image of the database,
 * and a rollback copies its rows back by SQL, so that the application's transactions and prepared statements work as
 * they always do.
 *
 * Marks and rollbacks take as long as copying the whole database. There must be no other connection to it.
 */
export function openSerialize(handle: Connection, driver: Driver): Way<ImageMark> {
  const closing = new Closing()
  const folder = mkdtempSync(join(tmpdir(), 'venomqa-sqlite-'))
  closing.add(() => rmSync(folder, { recursive: true, force: true }))
  const marks: ImageMark[] = []
  const indexOf = (mark: ImageMark): number => {
    const at = marks.indexOf(mark)
    if (at < 0) throw notHeld(mark)
    return at
  }
  const forget = (from: number): void => {
    for (const { file } of marks.splice(from)) if (file !== undefined) rmSync(file)
  }
  let files = 0
  return {
    says: 'serialize: copies the whole database at each mark and each rollback',
    handle,
    connection: handle,
    async checkpoint(name) {
      requireNoTransaction(handle, `"${name}" cannot be taken`)
      const mark: ImageMark = { name, image: inRollbackMode(await handle.image()), stamp: stampOf(handle) }
      marks.push(mark)
      return mark
    },
    rollback(mark) {
      const at = indexOf(mark)
      requireNoTransaction(handle, `it cannot go back to "${mark.name}"`)
      if (mark.stamp !== stampOf(handle)) {
        if (mark.file === undefined) writeFileSync((mark.file = join(folder, `${++files}.db`)), mark.image)
        replaceContent(handle, mark.file)
        mark.stamp = stampOf(handle)
      }
      forget(at + 1)
    },
    release: (mark) => forget(indexOf(mark)),
    async changes(since): Promise<readonly Change[]> {
      if (since.stamp === stampOf(handle)) return []
      return changesBetween(momentsOfImages(since.image, await handle.image()), handle, driver)
    },
    close: () => closing.run(),
  }
}

/** Changes with everything that this connection writes. */
function stampOf(handle: Connection): string {
  const pragmas = ['schema_version', 'user_version', 'application_id'].map((name) => handle.value(`pragma ${name}`))
  return [handle.value('select total_changes()'), ...pragmas].join(' ')
}

/** Bytes 18 and 19 say whether a database is in WAL mode; an image has no log. https://sqlite.org/fileformat2.html#file_format_version_numbers */
function inRollbackMode(image: Buffer): Buffer {
  if (image.length > 0) image.fill(1, 18, 20)
  return image
}
