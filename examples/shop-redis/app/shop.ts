import { randomUUID } from 'node:crypto'
import { Queue, type QueueOptions } from 'bullmq'
import express, { type Express } from 'express'
import { Redis } from 'ioredis'

const SESSION_SECONDS = 1800
const REQUESTS_PER_MINUTE = 20

/** A job of the queue `receipts`. */
export interface Receipt {
  order: number
}

/** A small shop in one Redis server, in keys that begin with `prefix`. */
export async function shop(url: string, prefix: string): Promise<Express> {
  const redis = new Redis(url, { keyPrefix: prefix })
  const receipts = new Queue<Receipt>('receipts', queueIn(url, prefix))
  await redis.hsetnx('stock', 'lamp', 2)

  const app = express()
  app.use(express.json())

  app.post('/login', async ({ body }, res) => {
    const session = randomUUID()
    await redis.set(`session:${session}`, body.name, 'EX', SESSION_SECONDS)
    res.status(201).json({ session })
  })

  app.use(async (req, res, next) => {
    const user = await redis.get(`session:${req.get('x-session')}`)
    if (user === null) return void res.status(401).json({ error: 'log in first' })
    const requests = await redis.incr(`rate:${user}`)
    if (requests === 1) await redis.expire(`rate:${user}`, 60)
    if (requests > REQUESTS_PER_MINUTE) return void res.status(429).json({ error: 'too many requests' })
    res.locals['user'] = user
    next()
  })

  app.post('/logout', async (req, res) => {
    await redis.del(`session:${req.get('x-session')}`)
    res.json({})
  })

  app.post('/cart/:item', async ({ params }, res) => {
    const cart = `cart:${res.locals['user']}`
    await redis.hincrby(cart, params.item, 1)
    res.json(await redis.hgetall(cart))
  })

  app.get('/cart', async (_, res) => {
    res.json(await redis.hgetall(`cart:${res.locals['user']}`))
  })

  app.get('/stock/:item', async ({ params }, res) => {
    res.json({ left: Number(await redis.hget('stock', params.item)) })
  })

  app.post('/orders', async (_, res) => {
    const user: string = res.locals['user']
    const cart = Object.entries(await redis.hgetall(`cart:${user}`))
    if (cart.length === 0) return void res.status(409).json({ error: 'the cart is empty' })
    for (const [item, count] of cart) {
      if ((await redis.hincrby('stock', item, -Number(count))) >= 0) continue
      await redis.hincrby('stock', item, Number(count))
      return void res.status(409).json({ error: `${item} is sold out` })
    }
    const id = await redis.incr('orders')
    await redis.multi().hset(`order:${id}`, { user, receipt: 'waiting' }).del(`cart:${user}`).exec()
    await receipts.add('receipt', { order: id })
    res.status(201).json({ id })
  })

  app.get('/orders/:id', async ({ params }, res) => {
    res.json(await redis.hgetall(`order:${params.id}`))
  })

  return app
}

/** Where the queue is: its keys have a prefix of their own, within the shop's. */
export function queueIn(url: string, prefix: string): QueueOptions {
  return { prefix: `${prefix}bull`, connection: { url, maxRetriesPerRequest: null } }
}
