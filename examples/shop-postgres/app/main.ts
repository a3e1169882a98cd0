import { shop } from './shop.ts'

const { POSTGRES_URL = 'postgres://postgres@localhost:5432/shop', SHOP_BUG, PORT = '3000' } = process.env
const app = await shop(POSTGRES_URL, SHOP_BUG)
console.log(await app.listen({ port: Number(PORT), host: '127.0.0.1' }))
