import { type ChildProcess, spawn, spawnSync } from 'node:child_process'
import { existsSync, mkdtempSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'

/** What the application is written in. */
export type AppKind = 'better-sqlite3' | 'node:sqlite' | 'python'

export type Value = string | number | null
export type Row = Record<string, Value>

/** Whether Python with its sqlite3 is on this machine. */
export const hasPython = spawnSync('python3', ['-c', 'import sqlite3']).status === 0

/** An application in a process of its own. Its connections have names; statements are kept, as applications do. */
export class App {
  readonly kind: AppKind
  readonly #process: ChildProcess
  readonly #waiting = new Map<number, { resolve: (result: unknown) => void; reject: (error: Error) => void }>()
  #requests = 0

  private constructor(kind: AppKind, process: ChildProcess) {
    this.kind = kind
    this.#process = process
    let received = ''
    process.stdout!.setEncoding('utf8').on('data', (text: string) => {
      const lines = (received + text).split('\n')
      received = lines.pop()!
      for (const line of lines) this.#hear(line)
    })
    process.once('exit', () => {
      for (const { reject } of this.#waiting.values()) reject(new Error('the application ended'))
    })
  }

  static start(kind: AppKind): App {
    const file = (name: string): string => fileURLToPath(new URL(name, import.meta.url))
    const [command, args] =
      kind === 'python'
        ? ['python3', ['-u', file('app_process.py')]]
        : [process.execPath, [file('app-process.mjs'), kind]]
    return new App(kind, spawn(command as string, args as string[], { stdio: ['pipe', 'pipe', 'inherit'] }))
  }

  get pid(): number {
    return this.#process.pid!
  }

  /** Opens one more connection. */
  async open(path: string): Promise<AppConnection> {
    const on = `connection ${++this.#requests}`
    await this.ask({ act: 'open', path, on })
    return new AppConnection(this, on)
  }

  ask(request: Record<string, unknown>): Promise<unknown> {
    const id = ++this.#requests
    const answer = new Promise((resolve, reject) => this.#waiting.set(id, { resolve, reject }))
    this.#process.stdin!.write(`${JSON.stringify({ ...request, id })}\n`)
    return answer
  }

  #hear(line: string): void {
    const { id, result, error, code } = JSON.parse(line) as {
      readonly id: number
      readonly result: unknown
      readonly error?: string
      readonly code?: string
    }
    const waiting = this.#waiting.get(id)
    this.#waiting.delete(id)
    if (error === undefined) waiting?.resolve(result)
    else waiting?.reject(Object.assign(new Error(error), { code }))
  }

  /** As by `kill -9`. */
  async kill(): Promise<void> {
    if (this.#process.exitCode !== null || this.#process.signalCode !== null) return
    const ended = new Promise((resolve) => this.#process.once('exit', resolve))
    this.#process.kill('SIGKILL')
    await ended
  }
}

/** A connection of the application. */
export class AppConnection {
  readonly app: App
  readonly #on: string

  constructor(app: App, on: string) {
    this.app = app
    this.#on = on
  }

  run(sql: string, ...values: Value[]): Promise<number> {
    return this.#ask('run', { sql, values }) as Promise<number>
  }

  all<R = Row>(sql: string, ...values: Value[]): Promise<R[]> {
    return this.#ask('all', { sql, values }) as Promise<R[]>
  }

  exec(sql: string): Promise<unknown> {
    return this.#ask('exec', { sql })
  }

  /** Begins to read and stops after the first row, so that a read transaction stays open until `endReading`. */
  beginReading(sql: string): Promise<unknown> {
    return this.#ask('begin', { sql })
  }

  endReading(): Promise<unknown> {
    return this.#ask('end', {})
  }

  /** Runs one statement again and again for a time; resolves with how often it ran. */
  keepBusy(sql: string, ms: number): Promise<number> {
    return this.#ask('busy', { sql, ms }) as Promise<number>
  }

  close(): Promise<unknown> {
    return this.#ask('close', {})
  }

  #ask(act: string, request: Record<string, unknown>): Promise<unknown> {
    return this.app.ask({ ...request, act, on: this.#on })
  }
}

/** A new folder, in memory where there is one: tests commit thousands of times. */
export function scratchFolder(): string {
  return mkdtempSync(join(existsSync('/dev/shm') ? '/dev/shm' : tmpdir(), 'venomqa-sqlite-test-'))
}
