import type { AddressInfo } from 'node:net'
import { shop } from './shop.ts'

const { MYSQL_URL = 'mysql://root@localhost:3306/shop', PORT = '3000' } = process.env
const app = await shop(MYSQL_URL)
const server = app.listen(Number(PORT), '127.0.0.1', () => {
  console.log(`http://127.0.0.1:${(server.address() as AddressInfo).port}`)
})
