import type { AddressInfo } from 'node:net'
import { shop } from './shop.ts'

const { MONGODB_URL = 'mongodb://localhost:27017/shop?replicaSet=rs0', PORT = '3000' } = process.env
const app = await shop(MONGODB_URL)
const server = app.listen(Number(PORT), '127.0.0.1', () => {
  console.log(`http://127.0.0.1:${(server.address() as AddressInfo).port}`)
})
