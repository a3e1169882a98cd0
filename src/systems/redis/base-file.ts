import { createHash } from 'node:crypto'
import { type FileHandle, open, readFile, rename, rm, stat } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { Image } from './image.ts'
import { encode, Parser, type Reply } from './resp.ts'

/** What a base file says of itself. */
export interface BaseHeader {
  readonly token: string
  /** The run of the server it was taken from. */
  readonly runId: string
  readonly owner: string
}

/** The first mark as it was written down. */
export interface BaseFile {
  readonly header: BaseHeader
  /** Deadlines are what was left at the mark, in ms. */
  readonly images: ReadonlyMap<string, Image>
}

const FORMAT = 'venomqa-redis-base-1'
const ENTRIES_PER_WRITE = 2000

/** Where the first mark of these keys is written down while a world is open on them. */
export function baseFilePath(server: string, database: number, prefix: string): string {
  const place = createHash('sha256')
    .update(JSON.stringify([server, database, prefix]))
    .digest('hex')
    .slice(0, 20)
  return join(tmpdir(), `venomqa-redis-${place}.base`)
}

/**
 * Writes the first mark down, so that it can be put back when this process is killed.
 *
 * It is not synced to the disk: it has to outlive the process, not the machine.
 */
export async function writeBaseFile(
  path: string,
  header: BaseHeader,
  images: ReadonlyMap<string, Image>,
  time: number,
): Promise<void> {
  const draft = `${path}.${header.token}`
  const file = await open(draft, 'wx', 0o600)
  try {
    await write(file, [[FORMAT, header.token, header.runId, Buffer.from(header.owner), images.size]])
    let entries: [string, Buffer, number][] = []
    for (const [key, { payload, deadline }] of images) {
      entries.push([key, payload, deadline === null ? -1 : deadline - time])
      if (entries.length < ENTRIES_PER_WRITE) continue
      await write(file, entries)
      entries = []
    }
    await write(file, entries)
  } finally {
    await file.close()
  }
  await rename(draft, path)
}

/** Reads a first mark, or undefined when there is none, or none of ours. */
export async function readBaseFile(path: string): Promise<BaseFile | undefined> {
  const bytes = await ownFile(path)
  if (bytes === undefined) return undefined
  const entries: (readonly Buffer[])[] = []
  new Parser((reply: Reply) => entries.push(reply as readonly Buffer[])).feed(bytes)
  const [head, ...rest] = entries
  if (head === undefined || String(head[0]) !== FORMAT || Number(head[4]) !== rest.length) return undefined
  const images = new Map<string, Image>()
  for (const [key, payload, left] of rest) {
    if (!key || !payload) return undefined
    const remaining = Number(left)
    images.set(key.toString('latin1'), { payload, deadline: remaining < 0 ? null : remaining })
  }
  return { header: { token: String(head[1]), runId: String(head[2]), owner: String(head[3]) }, images }
}

/** Removes a first mark. */
export async function removeBaseFile(path: string): Promise<void> {
  await rm(path, { force: true })
}

async function write(file: FileHandle, entries: Parameters<typeof encode>[0]): Promise<void> {
  await file.writeFile(encode(entries))
}

/** The bytes of a file that this user wrote: the folder for temporary files is everybody's. */
async function ownFile(path: string): Promise<Buffer | undefined> {
  try {
    const { uid } = await stat(path)
    return uid === (process.getuid?.() ?? uid) ? await readFile(path) : undefined
  } catch (error) {
    if ((error as { code?: string }).code === 'ENOENT') return undefined
    throw error
  }
}
