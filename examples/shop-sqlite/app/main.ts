import type { AddressInfo } from 'node:net'
import { shop } from './shop.ts'

const { SHOP_DATABASE = 'shop.db', SHOP_BUG, PORT = '3000' } = process.env
const server = shop(SHOP_DATABASE, SHOP_BUG).listen(Number(PORT), '127.0.0.1', () => {
  console.log(`http://127.0.0.1:${(server.address() as AddressInfo).port}`)
})
