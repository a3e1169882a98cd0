import type { AddressInfo } from 'node:net'
import { shop } from './shop.ts'

const { REDIS_URL = 'redis://localhost:6379', SHOP_PREFIX = 'shop:', PORT = '3000' } = process.env
const app = await shop(REDIS_URL, SHOP_PREFIX)
const server = app.listen(Number(PORT), '127.0.0.1', () => {
  console.log(`http://127.0.0.1:${(server.address() as AddressInfo).port}`)
})
