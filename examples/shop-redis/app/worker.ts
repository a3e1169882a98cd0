import { Worker } from 'bullmq'
import { Redis } from 'ioredis'
import { queueIn, type Receipt } from './shop.ts'

const { REDIS_URL = 'redis://localhost:6379', SHOP_PREFIX = 'shop:' } = process.env
const redis = new Redis(REDIS_URL, { keyPrefix: SHOP_PREFIX })
const worker = new Worker<Receipt>(
  'receipts',
  async ({ data }) => void (await redis.hset(`order:${data.order}`, 'receipt', 'sent')),
  queueIn(REDIS_URL, SHOP_PREFIX),
)
await worker.waitUntilReady()
console.log('waiting for receipts to send')
