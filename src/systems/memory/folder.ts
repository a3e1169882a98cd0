import { createHash } from 'node:crypto'
import { createReadStream } from 'node:fs'
import { lstat, readdir, readlink, stat } from 'node:fs/promises'
import { homedir } from 'node:os'
import { join, sep } from 'node:path'
import { VenomError } from '../../errors.ts'
import { isTestPath, requireTestDatabase, type SafetyOptions } from '../../safety.ts'

/** What is at one path. */
export interface Entry {
  readonly kind: 'file' | 'folder' | 'link'
  /** The permission bits. */
  readonly mode: number
  /** When a file's content was last changed, in ms since 1970; 0 for the others. */
  readonly modified: number
  readonly size: number
  /** SHA-256 of a file's content, in hexadecimal digits. */
  readonly digest?: string
  /** Where a symbolic link leads. */
  readonly target?: string
}

/** What is in a folder, by path within it, with `/`. */
export type Tree = ReadonlyMap<string, Entry>

/** What was at each path, and how the file system tells that it still is; undefined where it could not tell. */
export type Seen = Map<string, { readonly entry: Entry; readonly proof: string | undefined }>

/** Two writes within this many ms may leave the same times on a file: Linux stamps them by its clock tick. */
const TICK_MS = 50

/**
 * Looks at a folder. Only files that may have changed since `known` are read: as git does, a file whose inode, size
 * and times are the same is the same, unless it was written so shortly before it was looked at that another write
 * could have the same time. https://git-scm.com/docs/racy-git
 */
export async function look(root: string, known: Seen, maxBytes: number): Promise<{ tree: Tree; seen: Seen }> {
  const tree = new Map<string, Entry>()
  const seen: Seen = new Map()
  let bytes = 0
  const walk = async (folder: string): Promise<void> => {
    for (const { name } of await readdir(join(root, folder), { withFileTypes: true })) {
      const path = folder === '' ? name : `${folder}/${name}`
      const found = await seenNow(join(root, path), known.get(path))
      if (!found) continue
      seen.set(path, found)
      tree.set(path, found.entry)
      bytes += found.entry.size
      if (bytes > maxBytes) throw tooLarge(root, maxBytes)
      if (found.entry.kind === 'folder') await walk(path)
    }
  }
  await walk('')
  return { tree, seen }
}

/** How the file system tells a file that we have just made to be `entry`. */
export async function seenAt(path: string, entry: Entry): Promise<{ entry: Entry; proof: string | undefined }> {
  return { entry, proof: (await proofOf(path)).proof }
}

/** Whether two entries are the same but for the time when they were written. */
export function sameEntry(a: Entry, b: Entry): boolean {
  const same = a.kind === b.kind && a.digest === b.digest && a.target === b.target
  return same && (a.kind === 'link' || a.mode === b.mode)
}

async function seenNow(path: string, known: { entry: Entry; proof: string | undefined } | undefined) {
  try {
    const { proof, stats } = await proofOf(path)
    if (known && proof !== undefined && known.proof === proof) return known
    const mode = Number(stats.mode) & 0o7777
    if (stats.isSymbolicLink()) {
      return { entry: { kind: 'link', mode, modified: 0, size: 0, target: await readlink(path) } as Entry, proof }
    }
    if (stats.isDirectory()) return { entry: { kind: 'folder', mode, modified: 0, size: 0 } as Entry, proof }
    if (!stats.isFile()) throw notAFile(path)
    const digest = await digestOf(path)
    const entry: Entry = {
      kind: 'file',
      mode,
      modified: Number(stats.mtimeNs / 1_000_000n),
      size: Number(stats.size),
      digest,
    }
    return { entry, proof }
  } catch (error) {
    // Removed while we looked.
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined
    throw error
  }
}

async function proofOf(path: string) {
  const stats = await lstat(path, { bigint: true })
  const { dev, ino, mode, size, mtimeNs, ctimeNs } = stats
  const isSettled = ctimeNs < BigInt(Date.now() - TICK_MS) * 1_000_000n
  return { stats, proof: isSettled ? [dev, ino, mode, size, mtimeNs, ctimeNs].join(' ') : undefined }
}

async function digestOf(path: string): Promise<string> {
  const hash = createHash('sha256')
  for await (const part of createReadStream(path)) hash.update(part as Buffer)
  return hash.digest('hex')
}

/**
 * Throws `NOT_A_TEST_DATABASE` unless a folder is one for tests: its path says so, or `allowDatabase` does; never a
 * repository, nor one that holds the home folder or this process's own. One with a `package.json` or `node_modules` may
 * be a project, whatever its path says, or an application's own data: only `allowDatabase` tells.
 */
export async function requireTestFolder(root: string, options: Pick<SafetyOptions, 'allowDatabase'>): Promise<void> {
  const isFolder = await stat(root).then(
    (stats) => stats.isDirectory(),
    () => false,
  )
  if (!isFolder) {
    throw new VenomError(
      'NOT_FOUND',
      `files: there is no folder ${root}.\nThe system makes none: it would not know what belongs into it.\nMake it before the world opens, or correct the path.`,
    )
  }
  const names = new Set(await readdir(root))
  const holds = [process.cwd(), homedir()].some((place) =>
    `${place}${sep}`.startsWith(root === sep ? sep : `${root}${sep}`),
  )
  const isProject = ['package.json', 'node_modules'].some((name) => names.has(name))
  if (holds || names.has('.git') || (isProject && options.allowDatabase !== root)) {
    const what = holds ? 'the folder that this process runs in, or the home folder' : 'a project'
    const vouch = `, or vouch for this one: files(…, { allowDatabase: '${root}' })`
    throw new VenomError(
      'NOT_A_TEST_DATABASE',
      `files: ${root} holds ${what}, so it is not touched.\n` +
        'A rollback removes what was not there at the mark and writes over what is.\n' +
        `Give the folder that holds the application's data alone${holds || names.has('.git') ? '' : vouch}.`,
    )
  }
  requireTestDatabase({ system: 'files', database: root, proved: isTestPath(root) }, options)
}

function notAFile(path: string): VenomError {
  return new VenomError(
    'UNSUPPORTED',
    `files: ${path} is a socket, a pipe or a device.\nThey have no content that could be kept.\nLet the application make it elsewhere.`,
  )
}

function tooLarge(root: string, maxBytes: number): VenomError {
  return new VenomError(
    'TOO_LARGE',
    `files: ${root} holds more than ${maxBytes} bytes.\nEach mark keeps a copy of every content.\nGive a smaller folder, or allow more: files(folder, { maxBytes: ${maxBytes * 4} }).`,
  )
}
