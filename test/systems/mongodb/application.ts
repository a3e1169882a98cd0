import { type ChildProcess, fork } from 'node:child_process'
import { once } from 'node:events'
import { BSON, type Document } from 'mongodb'

interface Answer {
  readonly id: number
  readonly reply?: string
  readonly error?: string
  readonly code?: number
}

/** A process of the application, with connections and transactions of its own. */
export class Application implements AsyncDisposable {
  readonly #child: ChildProcess
  readonly #waiting = new Map<number, { resolve(reply: Document): void; reject(error: Error): void }>()
  #calls = 0

  private constructor(child: ChildProcess) {
    this.#child = child
    child.on('message', ({ id, reply, error, code }: Answer) => {
      const waiting = this.#waiting.get(id)
      this.#waiting.delete(id)
      if (reply !== undefined) waiting?.resolve(BSON.EJSON.parse(reply, { relaxed: false }) as Document)
      else waiting?.reject(Object.assign(new Error(error), { code }))
    })
    child.on('exit', () => {
      for (const { reject } of this.#waiting.values()) reject(new Error('the application ended'))
      this.#waiting.clear()
    })
  }

  static async start(url: string, name = 'application'): Promise<Application> {
    const child = fork(new URL('process.ts', import.meta.url), [url, name], { serialization: 'json' })
    await once(child, 'message')
    return new Application(child)
  }

  /** Runs a command on a database. */
  run(database: string, command: Document): Promise<Document> {
    return this.#send({ database, command: BSON.EJSON.stringify(command, { relaxed: false }) })
  }

  /** Opens a transaction, which stays open until it is ended. */
  async begin(database: string): Promise<Transaction> {
    const on = `transaction ${(this.#calls += 1)}`
    await this.#send({ database, on, command: 'begin' })
    return {
      run: (command) => this.#send({ database, on, command: BSON.EJSON.stringify(command, { relaxed: false }) }),
      end: async (how) => void (await this.#send({ database, on, command: how })),
    }
  }

  async kill(): Promise<void> {
    if (this.#child.exitCode !== null || this.#child.signalCode !== null) return
    this.#child.kill('SIGKILL')
    await once(this.#child, 'exit')
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.kill()
  }

  #send(request: { readonly database: string; readonly command: string; readonly on?: string }): Promise<Document> {
    const id = (this.#calls += 1)
    return new Promise((resolve, reject) => {
      this.#waiting.set(id, { resolve, reject })
      this.#child.send({ id, ...request })
    })
  }
}

/** One open transaction. */
export interface Transaction {
  run(command: Document): Promise<Document>
  end(how: 'commit' | 'abort'): Promise<void>
}
