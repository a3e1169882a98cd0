import { hasSubscribers } from 'node:diagnostics_channel'
import { createServer, get, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import { urlToHttpOptions } from 'node:url'
import supertest from 'supertest'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { type Exchange, exchangeText, listening } from '../../src/journey/exchanges.ts'

let server: Server
let url: string

beforeAll(async () => {
  server = createServer((request, response) => {
    if (request.url === '/silent') return void request.socket.destroy()
    response.statusCode = request.method === 'POST' ? 201 : 200
    response.end('{}')
  })
  await new Promise<void>((resolve) => server.listen(0, resolve))
  url = `http://localhost:${(server.address() as AddressInfo).port}`
})

afterAll(() => {
  server.close()
  server.closeAllConnections()
})

async function during(work: () => unknown): Promise<Exchange[]> {
  const exchanges: Exchange[] = []
  await listening((exchange) => exchanges.push(exchange), work)
  return exchanges
}

test('what supertest, node:http and fetch ask for is told, whoever awaits it', async () => {
  const agent = supertest(url)
  const exchanges = await during(async () => {
    await agent.post('/orders').send({ item: 'lamp' }).expect(201)
    await agent.get('/orders').then((response) => response.status)
    await (await fetch(`${url}/orders/1`, { method: 'PUT' })).text()
    await new Promise((resolve) => get(`${url}/stock`, (response) => response.resume().on('end', resolve)))
  })
  expect(exchanges.map(({ method, url: asked, status }) => [method, asked, status])).toEqual([
    ['POST', `${url}/orders`, 201],
    ['GET', `${url}/orders`, 200],
    ['PUT', `${url}/orders/1`, 200],
    ['GET', `${url}/stock`, 200],
  ])
  for (const { ms } of exchanges) expect(ms).toBeGreaterThan(0)
})

test('a request that is only begun when its promise is awaited is told, as a step that returns it has it', async () => {
  const exchanges = await during(() => supertest(url).get('/stock').expect(200))
  expect(exchanges.map((exchange) => exchange.url)).toEqual([`${url}/stock`])
})

test('nothing is listened to any more when the work is done', async () => {
  await during(() => fetch(url).then((response) => response.text()))
  const channels = ['http.client.request.start', 'http.client.response.finish']
  expect([...channels, 'undici:request:create', 'undici:request:headers'].filter(hasSubscribers)).toEqual([])
})

test('a request without an answer is told as such', async () => {
  const [exchange] = await during(() => fetch(`${url}/silent`).catch(() => undefined))
  expect(exchange).toEqual({ method: 'GET', url: `${url}/silent` })
  expect(exchangeText(exchange!)).toBe('GET /silent → no answer')
})

test('what others in the process ask for meanwhile is not told', async () => {
  let goOn: (() => void) | undefined
  const other = new Promise<void>((resolve) => (goOn = resolve)).then(() => fetch(`${url}/other`))
  const exchanges = await during(async () => {
    goOn?.()
    await other
    await fetch(`${url}/own`)
  })
  expect(exchanges.map((exchange) => exchange.url)).toEqual([`${url}/own`])
})

test('nothing is told once the work has ended', async () => {
  let late: Promise<unknown> | undefined
  const exchanges = await during(() => {
    late = new Promise((resolve) => setTimeout(resolve, 20)).then(() => fetch(`${url}/late`))
  })
  await late
  expect(exchanges).toEqual([])
})

test('secrets in the address are not told', async () => {
  const exchanges = await during(async () => {
    await fetch(`${url}/orders?api_key=s3cret&page=2`)
    await fetch(`${url}/users/ada@example.com?mail=ada@example.com`)
    await new Promise((resolve) =>
      get({ ...urlToHttpOptions(new URL(url)), path: 'http://ada:s3cret@proxied/x' }, resolve),
    )
  })
  expect(exchanges.map((exchange) => exchange.url)).toEqual([
    `${url}/orders?api_key=***&page=2`,
    `${url}/users/ada@example.com?mail=ada@example.com`,
    'http://proxied/x',
  ])
})

test.each([
  ['http://localhost:3000/orders?page=2', 'POST /orders?page=2 → 500 (12 ms)'],
  ['http://127.0.0.1:3000/', 'POST / → 500 (12 ms)'],
  ['https://api.example.com/charges', 'POST https://api.example.com/charges → 500 (12 ms)'],
])('%s in one line', (address, line) => {
  expect(exchangeText({ method: 'POST', url: address, status: 500, ms: 12.3 })).toBe(line)
})
