import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { open } from './orders.ts'
import { Shop } from './shop.ts'

const { SHOP_DATABASE = 'shop.db', SHOP_BUG, PORT = '3000' } = process.env
const shop = new Shop(await open(SHOP_DATABASE), SHOP_BUG)

const server = createServer((request, response) => {
  const [, , id, what] = (request.url ?? '').split('/')
  void shop.handle(request.method ?? 'GET', Number(id), what).then(
    ({ status, body }) => response.writeHead(status, { 'content-type': 'application/json' }).end(JSON.stringify(body)),
    (error: unknown) => response.writeHead(500).end(String(error)),
  )
})

server.listen(Number(PORT), '127.0.0.1', () => {
  console.log(`http://127.0.0.1:${(server.address() as AddressInfo).port}`)
})
