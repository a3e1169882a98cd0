import { closeSync, existsSync, fstatSync, openSync, readSync, statSync } from 'node:fs'
import { basename } from 'node:path'
import { inspect, stripVTControlCharacters, TextDecoder } from 'node:util'
import { VenomError } from './errors.ts'
import type { Awaitable } from './rollbackable.ts'
import { redacted } from './safety.ts'

/** As much of a `Readable` as is read here. */
interface LogStream {
  on(event: 'data', listener: (chunk: unknown) => void): unknown
  off(event: 'data', listener: (chunk: unknown) => void): unknown
}

/** Where an application logs to: a file, a stream of this process, or a child process with its streams. */
export type Log = string | LogStream | { readonly stdout: LogStream | null; readonly stderr: LogStream | null }

/** One place or several, or a function that says so when the world opens, after `api`. */
export type LogsOption = Log | readonly Log[] | (() => Awaitable<Log | readonly Log[]>)

/** The last lines that one log got since a moment, as plain JSON. */
export interface LogTail {
  /** The file's name, or `output`. */
  readonly log: string
  readonly lines: readonly string[]
}

interface Source {
  readonly log: string
  /** Remembers where the log ends now. */
  begin(): void
  /** What was written since then, the end of it where it is long. */
  text(): string
  close(): void
}

/** How many lines of each log are told. */
const SHOWN_LINES = 20

/** How much of one line. */
const SHOWN_CHARACTERS = 500

/** How much of a log is read, in bytes or characters: its end. */
const KEPT = 64 * 1024

/** How long after a failure a log is waited for, in ms: the application may write its line just after its answer. */
const PATIENCE_MS = 50

// Taken at load, so that a runner's fake timers never stop a report.
const { setTimeout } = globalThis

/** What the application logs, read beside a failure only. */
export class Logs {
  readonly #sources: readonly Source[]

  private constructor(sources: readonly Source[]) {
    this.#sources = sources
  }

  /** Throws `BAD_ARGUMENT` for what is no log, `NOT_FOUND` for a file that is not there. */
  static async open(option: LogsOption | undefined): Promise<Logs> {
    const given = typeof option === 'function' ? await option() : (option ?? [])
    const list = Array.isArray(given) ? (given as readonly Log[]) : [given as Log]
    return new Logs(list.map(sourceOf))
  }

  /** A step begins: what is written from here on belongs to it. */
  begin(): void {
    for (const source of this.#sources) source.begin()
  }

  /** The last lines of each log since `begin`; nothing of a log that got none. */
  async tails(): Promise<LogTail[]> {
    if (this.#sources.length === 0) return []
    await new Promise((resolve) => setTimeout(resolve, PATIENCE_MS))
    return this.#sources
      .map((source) => ({ log: source.log, lines: lastLines(source.text()) }))
      .filter(({ lines }) => lines.length > 0)
  }

  close(): void {
    for (const source of this.#sources) source.close()
  }
}

function sourceOf(given: Log): Source {
  if (typeof given === 'string') return fileSource(given)
  if (isStream(given)) return streamSource([given])
  const child = Object(given) as Partial<Record<'stdout' | 'stderr', LogStream | null>>
  const streams = [child.stdout, child.stderr].filter((stream) => isStream(stream))
  if (streams.length > 0) return streamSource(streams)
  throw new VenomError(
    'BAD_ARGUMENT',
    `logs has ${inspect(given, { depth: 0 })}, from which nothing can be read.\n` +
      'A child process that was started with stdio "inherit" or "ignore" has no streams.\n' +
      "Give the path of a file, a readable stream, or a child process whose stdout is 'pipe'.",
  )
}

function fileSource(file: string): Source {
  let from = sizeOf(file)
  return {
    log: basename(file),
    // It may be moved away and begun anew under the application.
    begin: () => void (from = statSync(file, { throwIfNoEntry: false })?.size ?? 0),
    text: () => (existsSync(file) ? readFrom(file, from) : ''),
    close: () => undefined,
  }
}

/** Throws `NOT_FOUND`. */
function sizeOf(file: string): number {
  const found = statSync(file, { throwIfNoEntry: false })
  if (found && !found.isDirectory()) return found.size
  throw new VenomError(
    'NOT_FOUND',
    `The log ${file} is ${found ? 'a folder' : 'not there'}.\n` +
      `logs of defineWorld() names it; a path that is not absolute starts at ${process.cwd()}.\n` +
      'Name the file that the application writes to, and start the application before the tests.',
  )
}

/** What stands in a file from a place on; all of it when the file was begun anew. */
function readFrom(file: string, from: number): string {
  const fd = openSync(file, 'r')
  try {
    const { size } = fstatSync(fd)
    const start = Math.max(size < from ? 0 : from, size - KEPT)
    const bytes = Buffer.alloc(size - start)
    return bytes.toString('utf8', 0, readSync(fd, bytes, 0, bytes.length, start))
  } finally {
    closeSync(fd)
  }
}

function streamSource(streams: readonly LogStream[]): Source {
  let text = ''
  const listeners = streams.map((stream) => {
    const decoder = new TextDecoder()
    const listener = (chunk: unknown): void => {
      text += typeof chunk === 'string' ? chunk : decoder.decode(chunk as Uint8Array, { stream: true })
      if (text.length > 2 * KEPT) text = text.slice(-KEPT)
    }
    stream.on('data', listener)
    return listener
  })
  return {
    log: 'output',
    begin: () => void (text = ''),
    text: () => text,
    close: () => {
      for (const [i, stream] of streams.entries()) stream.off('data', listeners[i]!)
    },
  }
}

function isStream(given: unknown): given is LogStream {
  const { on, off } = Object(given) as { on?: unknown; off?: unknown }
  return typeof on === 'function' && typeof off === 'function' && !('stdout' in Object(given))
}

function lastLines(text: string): string[] {
  const lines = stripVTControlCharacters(text).split(/\r?\n/)
  if (lines.at(-1) === '') lines.pop()
  return lines.slice(-SHOWN_LINES).map((line) => {
    const shown = line.length > SHOWN_CHARACTERS ? `${line.slice(0, SHOWN_CHARACTERS - 1)}…` : line
    return redacted(shown)
  })
}
