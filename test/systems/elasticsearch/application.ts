import { type ChildProcess, fork } from 'node:child_process'
import { once } from 'node:events'
import type { Answer } from './wire.ts'

interface Reply {
  readonly id: number
  readonly answer?: Answer
  readonly error?: string
}

/** A process of the application, with a connection of its own. */
export class Application implements AsyncDisposable {
  readonly #child: ChildProcess
  readonly #waiting = new Map<number, { resolve(answer: Answer): void; reject(error: Error): void }>()
  #calls = 0

  private constructor(child: ChildProcess) {
    this.#child = child
    child.on('message', ({ id, answer, error }: Reply) => {
      const waiting = this.#waiting.get(id)
      this.#waiting.delete(id)
      if (answer) waiting?.resolve(answer)
      else waiting?.reject(new Error(error))
    })
    child.on('exit', () => {
      for (const { reject } of this.#waiting.values()) reject(new Error('the application ended'))
      this.#waiting.clear()
    })
  }

  static async start(url: string): Promise<Application> {
    const child = fork(new URL('process.ts', import.meta.url), [url])
    await once(child, 'message')
    return new Application(child)
  }

  /** Sends a request, and answers with whatever comes. */
  send(method: string, path: string, body?: object | string): Promise<Answer> {
    const id = (this.#calls += 1)
    return new Promise((resolve, reject) => {
      this.#waiting.set(id, { resolve, reject })
      this.#child.send({ id, method, path, body })
    })
  }

  /** Sends a request, and throws what the server refused. */
  async ask(method: string, path: string, body?: object | string): Promise<Answer> {
    const answer = await this.send(method, path, body)
    if (answer.status < 400) return answer
    throw new Error(`${method} ${path}: ${answer.status} ${JSON.stringify(answer.body['error']).slice(0, 500)}`)
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
