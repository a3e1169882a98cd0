import { type ChildProcess, fork } from 'node:child_process'
import { once } from 'node:events'
import { fileURLToPath } from 'node:url'
import type { Answer, Request } from './application.ts'

type Rows = readonly Record<string, unknown>[]

/** A process that runs SQL for applications. */
class Process {
  readonly child: ChildProcess
  readonly #waiting = new Map<number, { resolve(answer: Answer): void; reject(error: Error): void }>()
  #last = 0

  constructor() {
    this.child = fork(fileURLToPath(new URL('application.ts', import.meta.url)), { serialization: 'advanced' })
    this.child.on('message', (answer: Answer) => {
      const asked = this.#waiting.get(answer.id)
      this.#waiting.delete(answer.id)
      if (answer.error === undefined) asked?.resolve(answer)
      else asked?.reject(new Error(answer.error))
    })
    this.child.on('exit', () => {
      for (const { reject } of this.#waiting.values()) reject(new Error('the application is gone'))
    })
  }

  ask(request: Omit<Request, 'id'>): Promise<Answer> {
    const id = ++this.#last
    return new Promise((resolve, reject) => {
      this.#waiting.set(id, { resolve, reject })
      this.child.send({ ...request, id })
    })
  }
}

/** The process that the applications of a test file share: starting one takes longer than most tests. */
const shared: { process?: Process } = {}

/** An application on one database, in another process than the tests. */
export class Application implements AsyncDisposable {
  readonly #process: Process
  readonly #url: string

  private constructor(process: Process, url: string) {
    this.#process = process
    this.#url = url
  }

  /** An application in the process that all share. */
  static on(url: string): Application {
    shared.process ??= new Process()
    return new Application(shared.process, url)
  }

  /** An application in a process of its own, which can be killed. */
  static async alone(url: string): Promise<Application> {
    const process = new Process()
    await once(process.child, 'message')
    return new Application(process, url)
  }

  /** Runs SQL on any free connection of the pool, committed when it returns. */
  async sql(sql: string, ...values: readonly unknown[]): Promise<Rows> {
    return (await this.#ask('pool', sql, values)).rows ?? []
  }

  /** Runs SQL on the connection of that name. */
  async on(on: string, sql: string, ...values: readonly unknown[]): Promise<Rows> {
    return (await this.#ask(on, sql, values)).rows ?? []
  }

  /** Runs an insert and answers with the id that the server gave. */
  async insert(sql: string, ...values: readonly unknown[]): Promise<number> {
    return (await this.#ask('pool', sql, values)).insertId ?? 0
  }

  /** Kills the process, as a machine does that runs out of memory. */
  async kill(): Promise<void> {
    const { child } = this.#process
    if (child.exitCode !== null || child.signalCode !== null) return
    child.kill('SIGKILL')
    await once(child, 'exit')
  }

  /** Closes the application's connections. */
  async [Symbol.asyncDispose](): Promise<void> {
    if (this.#process === shared.process) await this.#ask('end', '', [])
    else await this.kill()
  }

  #ask(on: string, sql: string, values: readonly unknown[]): Promise<Answer> {
    return this.#process.ask({ url: this.#url, on, sql, values })
  }
}
