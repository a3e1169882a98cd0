import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http'
import { once } from 'node:events'
import type { AddressInfo } from 'node:net'
import { VenomError } from '../../errors.ts'
import type { Rollbackable } from '../../rollbackable.ts'
import { memory } from './memory.ts'
import { portTaken } from './port.ts'

/** A request handler of msw, as `http.get(…)` makes it. */
export interface RequestHandler {
  readonly info: object
}

/** One request that the application made. */
export interface Call {
  readonly method: string
  /** Path and query. */
  readonly path: string
  readonly body: string
  readonly status: number
}

/** What a step sees of the double. */
export interface Service<Store> {
  /** Where the double listens. */
  readonly url: string
  readonly calls: readonly Call[]
  readonly store: Store
}

/** How a service is doubled. */
export interface ServiceOptions<Store extends Map<unknown, unknown>> {
  /** What the handlers remember: the entries are rolled back. */
  readonly store?: Store
  /** The address that the handlers are written for, such as `https://api.stripe.com`. Default: where the double listens. */
  readonly origin?: string
  /** The port of 127.0.0.1 to listen on. Default 0: any free one. */
  readonly port?: number
}

/** The double as a system. */
export interface ServiceSystem<Store> extends Rollbackable<ServiceMark, Service<Store>> {
  readonly kind: 'tree'
  readonly handle: Service<Store>
}

/** What the double remembered at a mark. */
export interface ServiceMark {
  readonly calls: readonly Call[]
  readonly store: Map<unknown, unknown>
}

/**
 * A double of an outside service that is rolled back: what it remembers, and which calls it got.
 *
 * It is a real HTTP server that answers with handlers of msw, so an application in its own process can use it:
 * give it `world.url('payments')` in place of the service's address. A request that no handler answers gets status 501.
 * Throws `DRIVER_MISSING` when msw is not installed, `LOCKED` when the port is taken.
 */
export function service<Store extends Map<unknown, unknown> = Map<string, unknown>>(
  handlers: readonly RequestHandler[],
  { store = new Map() as Store, origin, port = 0 }: ServiceOptions<Store> = {},
): ServiceSystem<Store> {
  let calls: readonly Call[] = []
  let server: Server | undefined
  const url = (): string | undefined => {
    const address = server?.address() as AddressInfo | null | undefined
    return address ? `http://127.0.0.1:${address.port}` : undefined
  }
  const remembered = memory(store)
  return {
    kind: 'tree',
    restores: { data: true },
    way: 'service: copies of what its handlers remember',
    get url() {
      return url()
    },
    handle: {
      get url() {
        return url() ?? ''
      },
      get calls() {
        return calls
      },
      store,
    },
    async open() {
      const { getResponse, isPassthroughResponse } = await loadMsw()
      const answer = async (incoming: IncomingMessage, outgoing: ServerResponse): Promise<void> => {
        const body = Buffer.concat(await incoming.toArray())
        const request = requestOf(incoming, body, origin ?? url() ?? '')
        const given = await getResponse(handlers as never, request)
        const response = given && !isPassthroughResponse(given) ? given : unanswered(request)
        const { method, url: path = '/' } = incoming
        calls = [...calls, { method: method ?? 'GET', path, body: body.toString(), status: response.status }]
        // HttpResponse.error(): the connection breaks.
        if (response.type === 'error') return void outgoing.destroy()
        outgoing.writeHead(response.status, response.statusText, [...response.headers].flat())
        outgoing.end(Buffer.from(await response.arrayBuffer()))
      }
      server = createServer((incoming, outgoing) => {
        answer(incoming, outgoing).catch((error: unknown) => outgoing.writeHead(500).end(String(error)))
      })
      await once(server.listen(port, '127.0.0.1'), 'listening').catch((error: unknown) => {
        throw portTaken('service', port, error)
      })
    },
    checkpoint: async (name) => ({ calls, store: (await remembered.checkpoint(name)) as Map<unknown, unknown> }),
    async rollback(mark) {
      calls = mark.calls
      await remembered.rollback(mark.store as Store)
    },
    changes(since) {
      const made = calls.filter((call) => !since.calls.includes(call)).map((call) => ({ ...call }))
      const changes = remembered.changes(since.store as Store)
      return made.length === 0 ? changes : [...changes, { key: 'calls', inserted: made, updated: [], deleted: [] }]
    },
    observe: () => remembered.observe!(),
    reset() {
      calls = []
      store.clear()
    },
    async close() {
      const closing = server
      server = undefined
      closing?.closeAllConnections()
      if (closing) await new Promise((resolve) => closing.close(resolve))
    },
  }
}

function requestOf(
  { url = '/', method = 'GET', headersDistinct }: IncomingMessage,
  body: Buffer,
  origin: string,
): Request {
  const headers = new Headers()
  for (const [name, values] of Object.entries(headersDistinct))
    for (const one of values ?? []) headers.append(name, one)
  const hasBody = method !== 'GET' && method !== 'HEAD'
  return new Request(new URL(url, origin), { method, headers, ...(hasBody && { body: new Uint8Array(body) }) })
}

function unanswered({ method, url }: Request): Response {
  return new Response(`service: no handler answers ${method} ${url}\n`, { status: 501 })
}

async function loadMsw(): Promise<typeof import('msw')> {
  try {
    return await import('msw')
  } catch (cause) {
    throw new VenomError(
      'DRIVER_MISSING',
      'service: the package msw is not installed.\nThe double answers with its handlers; venomqa does not bring it.\nRun npm install -D msw.',
      { cause },
    )
  }
}
