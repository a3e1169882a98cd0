import { randomUUID } from 'node:crypto'
import { Queue } from 'bullmq'
import express from 'express'
import { Redis } from 'ioredis'

const SESSION_SECONDS = 1800
const REQUESTS_PER_MINUTE = 20

/** A small shop in one Redis database. */
export async function shop(url) {
  const redis = new Redis(url)
  const receipts = new Queue('receipts', { connection: connectionOf(url) })
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
    if (!user) return res.status(401).json({ error: 'log in first' })
    const [[, count]] = await redis.multi().incr(`rate:${user}`).expire(`rate:${user}`, 60, 'NX').exec()
    if (count > REQUESTS_PER_MINUTE) return res.status(429).json({ error: 'too many requests' })
    res.locals.user = user
    next()
  })

  app.post('/logout', async (req, res) => {
    await redis.del(`session:${req.get('x-session')}`)
    res.json({})
  })

  app.post('/cart/:item', async ({ params }, res) => {
    await redis.hincrby(`cart:${res.locals.user}`, params.item, 1)
    res.json(await redis.hgetall(`cart:${res.locals.user}`))
  })

  app.get('/cart', async (_, res) => {
    res.json(await redis.hgetall(`cart:${res.locals.user}`))
  })

  app.get('/stock/:item', async ({ params }, res) => {
    res.json({ left: Number(await redis.hget('stock', params.item)) })
  })

  app.post('/orders', async (_, res) => {
    const cart = Object.entries(await redis.hgetall(`cart:${res.locals.user}`))
    if (cart.length === 0) return res.status(409).json({ error: 'the cart is empty' })
    for (const [item, count] of cart) {
      if ((await redis.hincrby('stock', item, -Number(count))) >= 0) continue
      await redis.hincrby('stock', item, count)
      return res.status(409).json({ error: 'sold out' })
    }
    const id = await redis.incr('orders')
    await redis
      .multi()
      .hset(`order:${id}`, { user: res.locals.user, receipt: 'waiting' })
      .del(`cart:${res.locals.user}`)
      .exec()
    await receipts.add('receipt', { order: id })
    res.status(201).json({ id })
  })

  app.get('/orders/:id', async ({ params }, res) => {
    res.json(await redis.hgetall(`order:${params.id}`))
  })

  return app
}

/** What BullMQ takes instead of a URL. */
export function connectionOf(url) {
  const { hostname, port, username, password, pathname } = new URL(url)
  return { host: hostname, port: Number(port || 6379), username, password, db: Number(pathname.slice(1) || 0) }
}
