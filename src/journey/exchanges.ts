import { AsyncLocalStorage } from 'node:async_hooks'
import { subscribe, unsubscribe } from 'node:diagnostics_channel'
import { durationText } from './duration.ts'
import { isLoopback, redacted } from '../safety.ts'

/** One HTTP request of a step and what came back, as plain JSON. */
export interface Exchange {
  readonly method: string
  /** Without password, and without the values of query options that look secret. */
  readonly url: string
  /** Absent when no answer came. */
  status?: number
  /** Until the head of the answer, in ms; absent when none came. */
  ms?: number
  /** How often it was made in a row with the same answer, where more than once: by a step that polls. The rest is of the last time. */
  times?: number
}

/** How many of a step's requests are kept: the last ones, since they say why it failed. */
const KEPT = 50

/** Adds a request to those that are kept. Those before it that were answered the same become one, so that polling pushes nothing out. */
export function keep(http: Exchange[], exchange: Exchange): void {
  const [before, last] = http.slice(-2)
  // What was not answered yet may be answered otherwise.
  if (before && last?.status !== undefined && isRepeat(before, last)) http.splice(-2, 2, both(before, last))
  if (http.push(exchange) > KEPT) http.shift()
}

/** The same requests, with all that were repeated as one. */
export function repeatsAsOne(http: readonly Exchange[]): readonly Exchange[] {
  const kept: Exchange[] = []
  for (const exchange of http) {
    const last = kept.at(-1)
    if (last && isRepeat(last, exchange)) kept.splice(-1, 1, both(last, exchange))
    else kept.push(exchange)
  }
  return kept
}

function isRepeat(a: Exchange, b: Exchange): boolean {
  return a.method === b.method && a.url === b.url && a.status === b.status
}

function both(a: Exchange, b: Exchange): Exchange {
  return { ...b, times: (a.times ?? 1) + (b.times ?? 1) }
}

// Taken at load, so that a runner's fake timers never bend a duration.
const now = performance.now.bind(performance)

/** As much of what Node and undici publish as is read here. */
interface Message {
  readonly request: NodeRequest | UndiciRequest
  readonly response?: { readonly statusCode?: number }
}

interface NodeRequest {
  readonly method: string
  readonly path: string
  readonly protocol: string
  readonly host: string
  getHeader(name: string): unknown
}

interface UndiciRequest {
  readonly method: string
  readonly path: string
  readonly origin: string | URL
}

const BEGUN = ['http.client.request.start', 'undici:request:create']
const ANSWERED = ['http.client.response.finish', 'undici:request:headers']

/** By whose work a request is made. One for all: every other one that was ever used makes each `await` dearer. */
const asking = new AsyncLocalStorage<(exchange: Exchange) => void>()

/**
 * Runs `work` and has `told` know of every HTTP request that it makes, by whatever client: Node publishes those of
 * `node:http` (supertest, axios, got) and of `fetch`. What others in this process ask for meanwhile does not count.
 */
export async function listening<T>(told: (exchange: Exchange) => void, work: () => T): Promise<Awaited<T>> {
  const waiting = new WeakMap<object, { readonly exchange: Exchange; readonly began: number }>()
  const begun = (message: unknown): void => {
    if (asking.getStore() !== told) return
    const { request } = message as Message
    const exchange: Exchange = { method: request.method, url: urlOf(request) }
    waiting.set(request, { exchange, began: now() })
    told(exchange)
  }
  const answered = (message: unknown): void => {
    const { request, response } = message as Message
    const known = waiting.get(request)
    if (!known || response?.statusCode === undefined) return
    known.exchange.status = response.statusCode
    known.exchange.ms = now() - known.began
  }
  for (const channel of BEGUN) subscribe(channel, begun)
  for (const channel of ANSWERED) subscribe(channel, answered)
  try {
    // Awaited inside: some clients ask only when they are awaited.
    return await asking.run(told, async () => await work())
  } finally {
    for (const channel of BEGUN) unsubscribe(channel, begun)
    for (const channel of ANSWERED) unsubscribe(channel, answered)
  }
}

/** Without what is secret. */
function urlOf(request: NodeRequest | UndiciRequest): string {
  const origin =
    'origin' in request
      ? String(request.origin)
      : `${request.protocol}//${String(request.getHeader('host') ?? request.host)}`
  // Through a proxy the path is a whole URL.
  const url = URL.parse(request.path, origin)
  if (!url) return redacted(`${origin} ${request.path}`)
  url.username = ''
  url.password = ''
  url.search = redacted(url.search)
  return url.href
}

/** An exchange as one line: `POST /orders → 500 (12 ms)`, `GET /orders/1 → 200 (3 ms), 20 times`. */
export function exchangeText({ method, url, status, ms, times = 1 }: Exchange): string {
  const took = ms === undefined ? '' : ` (${durationText(ms)})`
  return `${method} ${placeOf(url)} → ${status ?? 'no answer'}${took}${times > 1 ? `, ${times} times` : ''}`
}

/** On this machine the path says enough; elsewhere the host belongs to it. */
function placeOf(url: string): string {
  const { hostname, pathname, search } = URL.parse(url) ?? { hostname: '', pathname: '', search: '' }
  return isLoopback(hostname) ? `${pathname}${search}` : url
}
