import { shop } from './shop.js'

const { REDIS_URL = 'redis://localhost:6379/2', PORT = '3000' } = process.env
const server = (await shop(REDIS_URL)).listen(Number(PORT), '127.0.0.1', () => {
  console.log(`http://127.0.0.1:${server.address().port}`)
})
