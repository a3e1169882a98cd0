import { type ChildProcess, fork } from 'node:child_process'
import { once } from 'node:events'

interface Answer {
  readonly id: number
  readonly results?: readonly unknown[]
  readonly error?: string
}

/** A process of the application, with connections of its own. Strings in commands and answers are bytes (latin1). */
export class Application implements AsyncDisposable {
  readonly #child: ChildProcess
  readonly #waiting = new Map<number, { resolve(results: readonly unknown[]): void; reject(error: Error): void }>()
  #calls = 0

  private constructor(child: ChildProcess) {
    this.#child = child
    child.on('message', ({ id, results, error }: Answer) => {
      const waiting = this.#waiting.get(id)
      this.#waiting.delete(id)
      if (error === undefined) waiting?.resolve(results ?? [])
      else waiting?.reject(new Error(error))
    })
    child.on('exit', () => {
      for (const { reject } of this.#waiting.values()) reject(new Error('the application ended'))
      this.#waiting.clear()
    })
  }

  static async start(url: string): Promise<Application> {
    const child = fork(new URL('process.ts', import.meta.url), [url], { serialization: 'json' })
    await once(child, 'message')
    return new Application(child)
  }

  /** Runs commands one after the other, on the connection called `on`. */
  all(commands: readonly (readonly string[])[], on = 'main'): Promise<readonly unknown[]> {
    const id = ++this.#calls
    return new Promise((resolve, reject) => {
      this.#waiting.set(id, { resolve, reject })
      this.#child.send({ id, on, commands })
    })
  }

  async call(...command: readonly string[]): Promise<unknown> {
    return (await this.all([command]))[0]
  }

  async callOn(on: string, ...command: readonly string[]): Promise<unknown> {
    return (await this.all([command], on))[0]
  }

  async kill(): Promise<void> {
    if (this.#child.exitCode !== null || this.#child.signalCode !== null) return
    this.#child.kill('SIGKILL')
    await once(this.#child, 'exit')
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.kill()
  }
}
