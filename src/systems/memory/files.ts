import { constants } from 'node:fs'
import { chmod, copyFile, mkdir, mkdtemp, readFile, rm, symlink, utimes } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join, matchesGlob, resolve } from 'node:path'
import {
  type Change,
  observation,
  type Rollbackable,
  type ResetOptions,
  type Row,
  type Worker,
} from '../../rollbackable.ts'
import type { SafetyOptions } from '../../safety.ts'
import { type Entry, look, requireTestFolder, type Seen, sameEntry, seenAt, type Tree } from './folder.ts'

/** How a folder is rolled back. */
export interface FilesOptions extends Pick<SafetyOptions, 'allowDatabase'> {
  /** The most that may be in the folder, in bytes: marks keep a copy of each content. Default 268435456 (256 MiB). */
  readonly maxBytes?: number
}

/** A folder as a system. Steps see its path. */
export interface FilesSystem extends Rollbackable<Tree, string> {
  readonly kind: 'tree'
  readonly handle: string
  changes(since: Tree): Promise<readonly Change[]>
  reset(options?: ResetOptions): Promise<void>
}

/** Contents up to this many bytes are shown in changes and observations; longer ones are told by their digest. */
const SHOWN = 10_000

/**
 * Rolls back the files in a folder, whoever writes them: contents, modes, times of change, symbolic links and folders.
 *
 * Each content is kept once, outside of the folder. A rollback writes only files that changed, in place, so a program
 * that has one open goes on with it. The folder must be one for tests (see `allowDatabase`), and this worker's alone.
 * Throws `NOT_A_TEST_DATABASE`, `NOT_FOUND`, `TOO_LARGE`.
 *
 * @param folder the folder, or what gives each worker one of its own
 */
export function files(folder: string | ((worker: Worker) => string), options: FilesOptions = {}): FilesSystem {
  return new Files(folder, options)
}

class Files implements FilesSystem {
  readonly kind = 'tree'
  readonly restores = { data: true } as const
  readonly way = 'files: copies of their contents'
  readonly #folder: string | ((worker: Worker) => string)
  readonly #options: FilesOptions
  #root = ''
  #store = ''
  /** The digests of the contents that are kept. */
  readonly #contents = new Set<string>()
  /** What each path was when it was last looked at. */
  #seen: Seen = new Map()

  constructor(folder: string | ((worker: Worker) => string), options: FilesOptions) {
    this.#folder = folder
    this.#options = options
  }

  get handle(): string {
    return this.#root || (typeof this.#folder === 'string' ? resolve(this.#folder) : '')
  }

  async open(worker: Worker): Promise<void> {
    const root = resolve(typeof this.#folder === 'function' ? this.#folder(worker) : this.#folder)
    await requireTestFolder(root, this.#options)
    this.#root = root
    this.#store = await mkdtemp(join(tmpdir(), 'venomqa-files-'))
  }

  async checkpoint(): Promise<Tree> {
    const { tree, seen } = await this.#look()
    for (const [path, { digest }] of tree) {
      if (digest === undefined || this.#contents.has(digest)) continue
      await copyFile(join(this.#root, path), this.#kept(digest), constants.COPYFILE_FICLONE)
      this.#contents.add(digest)
    }
    this.#seen = seen
    return tree
  }

  async rollback(mark: Tree): Promise<void> {
    const { tree, seen } = await this.#look()
    this.#seen = seen
    // From the deepest: a folder goes after what is in it.
    for (const path of [...tree.keys()].toSorted().toReversed()) {
      const [is, was] = [tree.get(path), mark.get(path)]
      if (is && was && is.kind === was.kind && !(is.kind === 'link' && is.target !== was.target)) continue
      await rm(join(this.#root, path), { recursive: true, force: true })
      seen.delete(path)
    }
    for (const path of [...mark.keys()].toSorted()) {
      const [is, was] = [seen.has(path) ? tree.get(path) : undefined, mark.get(path)!]
      if (is && sameEntry(is, was) && is.modified === was.modified) continue
      await this.#put(join(this.#root, path), was, is)
      seen.set(path, await seenAt(join(this.#root, path), was))
    }
  }

  async changes(since: Tree): Promise<readonly Change[]> {
    const { tree, seen } = await this.#look()
    this.#seen = seen
    const changes: Change[] = []
    for (const path of [...new Set([...since.keys(), ...tree.keys()])].toSorted()) {
      const [was, is] = [since.get(path), tree.get(path)]
      const none = { key: path, inserted: [], updated: [], deleted: [] }
      if (was && !is) changes.push({ ...none, deleted: [await this.#row(path, was, false)] })
      else if (is && !was) changes.push({ ...none, inserted: [await this.#row(path, is, true)] })
      else if (is && was && !sameEntry(is, was)) {
        const [before, after] = [await this.#row(path, was, false), await this.#row(path, is, true)]
        changes.push({ ...none, updated: [{ before, after }] })
      }
    }
    return changes
  }

  async observe() {
    const { tree, seen } = await this.#look()
    this.#seen = seen
    const data: Record<string, unknown> = {}
    for (const [path, entry] of [...tree].toSorted(([a], [b]) => (a < b ? -1 : 1))) {
      data[path] = await this.#row(path, entry, true)
    }
    return observation('files', data)
  }

  /** Removes what matches one of the patterns of `only`, but none of `except`: paths within the folder, with `*` and `**`. */
  async reset({ only = ['**'], except = [] }: ResetOptions = {}): Promise<void> {
    const { tree } = await this.#look()
    const matches = (path: string, patterns: readonly string[]): boolean =>
      patterns.some((pattern) => matchesGlob(path, pattern))
    const kept = [...tree.keys()].filter((path) => !matches(path, only) || matches(path, except))
    for (const path of [...tree.keys()].toSorted().toReversed()) {
      if (kept.some((one) => one === path || one.startsWith(`${path}/`))) continue
      await rm(join(this.#root, path), { recursive: true, force: true })
    }
  }

  async close(): Promise<void> {
    if (this.#store) await rm(this.#store, { recursive: true, force: true })
    this.#store = ''
    this.#contents.clear()
    this.#seen = new Map()
  }

  #look() {
    return look(this.#root, this.#seen, this.#options.maxBytes ?? 256 * 1_048_576)
  }

  #kept(digest: string): string {
    return join(this.#store, digest)
  }

  /** Makes `path` be `was`, given what `is` there: nothing, or an entry of the same kind. */
  async #put(path: string, was: Entry, is: Entry | undefined): Promise<void> {
    if (was.kind === 'link') return symlink(was.target!, path)
    if (was.kind === 'folder') {
      if (!is) await mkdir(path)
      return chmod(path, was.mode)
    }
    if (!is || is.digest !== was.digest) {
      if (is) await chmod(path, is.mode | 0o200) // A file that was made read-only is written as well.
      await copyFile(this.#kept(was.digest!), path, constants.COPYFILE_FICLONE)
    }
    await chmod(path, was.mode)
    // A little more, since seconds as a number may come to a little less.
    const seconds = (was.modified + 0.1) / 1000
    await utimes(path, seconds, seconds)
  }

  async #row(path: string, entry: Entry, isPresent: boolean): Promise<Row> {
    const { kind, mode, target, digest, size } = entry
    if (kind === 'link') return { kind, target }
    if (kind === 'folder') return { kind, mode: octal(mode) }
    const content = size <= SHOWN ? await readFile(isPresent ? join(this.#root, path) : this.#kept(digest!)) : undefined
    const text = content?.toString()
    const isText = content !== undefined && Buffer.from(text!).equals(content)
    return { kind, mode: octal(mode), content: isText ? text : `sha256:${digest}` }
  }
}

const octal = (mode: number): string => mode.toString(8).padStart(3, '0')
