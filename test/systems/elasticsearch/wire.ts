import { Agent, request } from 'node:http'
import type { AddressInfo, Socket } from 'node:net'

/** What a server answered. */
export interface Answer {
  readonly status: number
  readonly body: Record<string, unknown>
  readonly text: string
  /** The port of the connection on this side, which stays the same as long as it is not dropped. */
  readonly port: number
}

/** One connection of an application that speaks HTTP by itself. A string is sent as it is. */
export class Wire {
  readonly #url: URL
  readonly #agent = new Agent({ keepAlive: true, maxSockets: 1 })

  constructor(url: string) {
    this.#url = new URL(url)
  }

  /** Asks, and answers with whatever comes. */
  send(method: string, path: string, body?: object | string): Promise<Answer> {
    const text = typeof body === 'object' ? JSON.stringify(body) : body
    const type = /\/_bulk(\?|$)/.test(path) ? 'application/x-ndjson' : 'application/json'
    const { hostname, port, username, password } = this.#url
    const auth = username === '' ? {} : { auth: `${username}:${password}` }
    const headers = text === undefined ? {} : { 'content-type': type }
    return new Promise((resolve, reject) => {
      const sent = request({ agent: this.#agent, hostname, port, method, path, headers, ...auth }, (response) => {
        const own = (response.socket as Socket).address() as AddressInfo
        const chunks: Buffer[] = []
        response.on('data', (chunk: Buffer) => chunks.push(chunk))
        response.on('error', reject)
        response.on('end', () => {
          const all = Buffer.concat(chunks).toString()
          const parsed = all.startsWith('{') ? (JSON.parse(all) as Record<string, unknown>) : {}
          resolve({ status: response.statusCode ?? 0, body: parsed, text: all, port: own.port })
        })
      })
      sent.on('error', reject)
      sent.end(text)
    })
  }

  /** The text of an answer, as it came. */
  async text(method: string, path: string, body?: object | string): Promise<string> {
    return (await this.send(method, path, body)).text
  }

  /** Asks, and throws what the server refused. */
  async ask(method: string, path: string, body?: object | string): Promise<Record<string, unknown>> {
    const { status, body: answer } = await this.send(method, path, body)
    if (status >= 400) throw new Error(`${method} ${path}: ${status} ${JSON.stringify(answer['error']).slice(0, 500)}`)
    return answer
  }

  close(): void {
    this.#agent.destroy()
  }
}
