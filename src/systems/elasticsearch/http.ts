import { Agent, type IncomingMessage, request as plain } from 'node:http'
import { Agent as TlsAgent, request as secure } from 'node:https'
import type { ConnectionOptions } from 'node:tls'
import { type Found, parseFound } from './source.ts'

/** What the server refused, as it says it. */
export class Refusal extends Error {
  override readonly name = 'Refusal'
  readonly status: number
  readonly type: string

  constructor(status: number, type: string, reason: string) {
    super(reason)
    this.status = status
    this.type = type
  }
}

/** The HTTP status of what was thrown; undefined when it was no answer of the server. */
export function statusOf(thrown: unknown): number | undefined {
  return thrown instanceof Refusal ? thrown.status : undefined
}

/** One part of a path, whatever characters it has. */
export const part = encodeURIComponent

export type Method = 'GET' | 'POST' | 'PUT' | 'DELETE'

/**
 * Our own connections. Not the client's: it parses `_source`, which changes numbers, and each major version of it
 * speaks to servers of its own version only.
 */
export class Http {
  readonly #at: URL
  readonly #agent: Agent | TlsAgent
  readonly #headers: Readonly<Record<string, string>>

  constructor(url: string, tls: ConnectionOptions = {}) {
    this.#at = new URL(url)
    const { protocol, username, password } = this.#at
    this.#agent = protocol === 'https:' ? new TlsAgent({ keepAlive: true, ...tls }) : new Agent({ keepAlive: true })
    const login = Buffer.from(`${decodeURIComponent(username)}:${decodeURIComponent(password)}`).toString('base64')
    this.#headers = username === '' ? {} : { authorization: `Basic ${login}` }
  }

  /** Asks something, and answers with its JSON. Throws `Refusal`, or what the connection throws. */
  async ask<T = Record<string, unknown>>(method: Method, path: string, body?: object | string): Promise<T> {
    return JSON.parse((await this.#text(method, path, body)) || '{}') as T
  }

  /** A search; `_source` stays text. */
  async search(path: string, body: object): Promise<Found> {
    return parseFound(await this.#text('POST', path, body))
  }

  /** The same as `ask`, but undefined where nothing is there. */
  async find<T = Record<string, unknown>>(path: string): Promise<T | undefined> {
    return this.ask<T>('GET', path).catch((error: unknown) => {
      if (statusOf(error) === 404) return undefined
      throw error
    })
  }

  close(): void {
    this.#agent.destroy()
  }

  #text(method: Method, path: string, body: object | string | undefined): Promise<string> {
    const text = typeof body === 'object' ? JSON.stringify(body) : body
    const lines = /\/_bulk(\?|$)/.test(path)
    const headers = {
      ...this.#headers,
      ...(text === undefined ? {} : { 'content-type': lines ? 'application/x-ndjson' : 'application/json' }),
      ...(text === undefined ? {} : { 'content-length': String(Buffer.byteLength(text)) }),
    }
    const { protocol, hostname, port, pathname } = this.#at
    const send = protocol === 'https:' ? secure : plain
    const to = {
      agent: this.#agent,
      method,
      headers,
      hostname: hostname.replace(/^\[|\]$/g, ''),
      port: port || (protocol === 'https:' ? 443 : 80),
      path: `${pathname.replace(/\/$/, '')}${path}`,
    }
    return new Promise((resolve, reject) => {
      const request = send(to, (response) => {
        read(response).then(resolve, reject)
      })
      request.on('error', reject)
      request.end(text)
    })
  }
}

async function read(response: IncomingMessage): Promise<string> {
  const chunks: Buffer[] = []
  for await (const chunk of response) chunks.push(chunk as Buffer)
  const text = Buffer.concat(chunks).toString()
  const status = response.statusCode ?? 500
  if (status < 400) return text
  throw refusal(status, text)
}

interface Cause {
  readonly type?: string
  readonly reason?: string
  readonly root_cause?: readonly Cause[]
}

function refusal(status: number, text: string): Refusal {
  let error: Cause | string | undefined
  try {
    ;({ error } = JSON.parse(text) as { error?: Cause | string })
  } catch {
    error = text
  }
  if (typeof error !== 'object') return new Refusal(status, '', error || `HTTP status ${status}`)
  const [root] = error.root_cause ?? []
  const cause = root?.reason === undefined ? error : root
  return new Refusal(status, cause.type ?? '', `${cause.type ?? ''}: ${cause.reason ?? ''}`)
}
