import { Worker } from 'bullmq'
import { Redis } from 'ioredis'
import { connectionOf } from './shop.js'

const { REDIS_URL = 'redis://localhost:6379/2' } = process.env
const redis = new Redis(REDIS_URL)
const worker = new Worker(
  'receipts',
  async ({ data }) => {
    await redis.hset(`order:${data.order}`, 'receipt', 'sent')
  },
  { connection: { ...connectionOf(REDIS_URL), maxRetriesPerRequest: null } },
)
await worker.waitUntilReady()
console.log('waiting for receipts to send')
