import { createServer, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import { PassThrough } from 'node:stream'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { journeyWords } from '../../src/journey/plan.ts'
import { type PathReport, reportOf } from '../../src/journey/report.ts'
import type { JourneyNode, Path } from '../../src/journey/tree.ts'
import { type Host, Walk } from '../../src/journey/walk.ts'
import type { StepFunction } from '../../src/journey/words.ts'
import type { Change } from '../../src/rollbackable.ts'
import { memory } from '../../src/systems/memory/index.ts'
import { World } from '../../src/world.ts'

let server: Server
let url: string
const log = new PassThrough()

beforeAll(async () => {
  server = createServer((request, response) => {
    log.write(`asked for ${request.url}\n`)
    response.end('{}')
  })
  await new Promise<void>((resolve) => server.listen(0, resolve))
  url = `http://localhost:${(server.address() as AddressInfo).port}`
})

afterAll(() => {
  server.close()
  server.closeAllConnections()
})

const host: Host = {
  name: 'j',
  timeout: 0,
  hooks: false,
  changes: 'failed',
  context: () => ({}),
  kept: () => {},
  isSkip: () => false,
  asStep: async (_, work) => ({ value: await work(), failed: false }),
}

interface Seen {
  changes(): Promise<unknown>
}

/** Runs a journey of one path on a system that asks the server what changed. */
async function walked(
  declare: (step: StepFunction<Seen>) => void,
  refusal?: Error,
): Promise<{ report: PathReport; message: string }> {
  let journey: JourneyNode | undefined
  const { journey: declareJourney, step } = journeyWords<Seen>((node) => (journey = node))
  declareJourney('j', () => declare(step))
  const db = memory(new Map())
  const changes = async (mark: Parameters<typeof db.changes>[0]): Promise<readonly Change[]> => {
    await fetch(`${url}/changes`)
    if (refusal) throw refusal
    return db.changes(mark)
  }
  await using world = await World.open({ systems: { db: { ...db, changes } }, logs: log })
  const walk = new Walk(journey!, world as never)
  const path = journey!.root as Path
  const report = reportOf(path)
  await walk.begin(path)
  const error = await walk.run(path, report, host).catch((thrown: Error) => thrown)
  refusal = undefined // the world goes back when it closes
  return { report, message: error?.message ?? '' }
}

const ask = (path: string): Promise<Response> => fetch(`${url}${path}`)
const asked = (report: PathReport): unknown =>
  report.nodes.map(({ http = [] }) => http.map((exchange) => exchange.url.slice(url.length)))

test('each step has its own requests, and what a system asks for is none of them', async () => {
  const { report } = await walked((step) => {
    step('a', async ({ changes }) => {
      await ask('/a')
      await changes()
    })
    step('b', () => Promise.all([ask('/b1'), ask('/b2')]))
  })
  expect(asked(report)).toEqual([['/a'], ['/b1', '/b2']])
  expect(report.logs).toBeUndefined()
})

test('the requests of a step that was tried again are those of the last time', async () => {
  let tries = 0
  const { report } = await walked((step) => {
    step('a', { retry: 1 }, async () => {
      await ask(`/try-${++tries}`)
      if (tries === 1) throw new Error('not yet')
    })
  })
  expect(asked(report)).toEqual([['/try-2']])
})

test('of many requests the last fifty are kept, and the last ten stand beside the failure', async () => {
  const { report, message } = await walked((step) => {
    step('polls', async () => {
      for (let i = 0; i < 60; i++) await ask(`/${i}`)
      throw new Error('never')
    })
  })
  expect(asked(report)).toEqual([Array.from({ length: 50 }, (_, i) => `/${i + 10}`)])
  expect(message.match(/GET \/\d+ → 200/g)).toEqual(Array.from({ length: 10 }, (_, i) => `GET /${i + 50} → 200`))
  expect(message).toContain('\nrequests (the last 10):\n')
})

test('a request that is repeated is one line', async () => {
  const { message } = await walked((step) => {
    step('polls', async () => {
      await ask('/order')
      for (let i = 0; i < 20; i++) await ask('/status')
      await ask('/order')
      throw new Error('never')
    })
  })
  const times = message.replaceAll(/ \([\d.]+ m?s\)/g, '')
  expect(times).toContain('requests:\n  GET /order → 200\n  GET /status → 200, 20 times\n  GET /order → 200\n')
})

test('a request that is repeated pushes none of the others out', async () => {
  const { report, message } = await walked((step) => {
    step('polls', async () => {
      await ask('/order')
      for (let i = 0; i < 100; i++) await ask('/status')
      throw new Error('never')
    })
  })
  expect(message).toMatch(/requests:\n {2}GET \/order → 200 .*\n {2}GET \/status → 200 .*, 100 times\n/)
  expect(asked(report)).toEqual([['/order', '/status', '/status']])
})

test('requests that are made at once keep their answers', async () => {
  const { message } = await walked((step) => {
    step('asks', async () => {
      await Promise.all(Array.from({ length: 5 }, () => ask('/status')))
      await ask('/status')
      throw new Error('never')
    })
  })
  expect(message).toMatch(/requests:\n {2}GET \/status → 200 \([^)]*\), 6 times\n/)
})

test('only what was logged during the failed step stands beside the failure', async () => {
  const { report, message } = await walked((step) => {
    step('a', () => ask('/before'))
    step('b', async () => {
      await ask('/meanwhile')
      throw new Error('no')
    })
  })
  expect(report.logs?.[0]?.lines[0]).toBe('asked for /meanwhile')
  expect(message).toContain('\noutput:\n  asked for /meanwhile')
  expect(message).not.toContain('/before')
})

test('what failed since the changes cannot be told is said once', async () => {
  const refusal = new Error('the schema changed')
  const { message } = await walked((step) => step('a', ({ changes }) => changes()), refusal)
  expect(message.match(/the schema changed/g)).toHaveLength(1)
  expect(message).toContain('unknown, for the same reason')
  const other = await walked((step) => step('a', () => Promise.reject(new Error('409'))), refusal)
  expect(other.message).toContain('unknown (db could not tell its changes: the schema changed)')
})
