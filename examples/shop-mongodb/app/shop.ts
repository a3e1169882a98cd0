import express, { type Express } from 'express'
import mongoose from 'mongoose'
import { modelsOn, type Order } from './models.ts'

/** What the shop sells at first. */
const STOCK = [
  { _id: 'lamp', price: 100, left: 3 },
  { _id: 'chair', price: 250, left: 1 },
]

class Refused extends Error {}

/** A small shop in one database of a MongoDB server. */
export async function shop(url: string): Promise<Express> {
  const connection = await mongoose.createConnection(url, { maxPoolSize: 10 }).asPromise()
  const { User, Goods, Order, Counter, Review } = modelsOn(connection)
  await Promise.all([User.init(), Order.init(), Counter.init()])
  for (const goods of STOCK) await Goods.updateOne({ _id: goods._id }, { $setOnInsert: goods }, { upsert: true })

  const app = express()
  app.use(express.json())

  app.post('/users', async ({ body }, res) => {
    const { id, name } = await User.create({ name: body.name })
    res.status(201).json({ id, name })
  })

  app.get('/goods/:item', async ({ params }, res) => {
    res.json(await Goods.findById(params.item).lean())
  })

  /** All lines or none: a line that is sold out takes back those before it. */
  app.post('/orders', async ({ body }, res) => {
    const order = await connection.transaction(async (session) => {
      const lines: { item: string; price: number }[] = []
      for (const item of body.items as string[]) {
        const goods = await Goods.findOneAndUpdate(
          { _id: item, left: { $gt: 0 } },
          { $inc: { left: -1 } },
          { session, returnDocument: 'after' },
        )
        if (!goods) throw new Refused(`${item} is sold out`)
        lines.push({ item, price: goods.price })
      }
      const counter = await Counter.findByIdAndUpdate(
        'orders',
        { $inc: { last: 1 } },
        { session, upsert: true, returnDocument: 'after' },
      )
      const [made] = await Order.create([{ number: counter.last, user: body.user, lines }], { session })
      return made
    })
    res.status(201).json(order)
  })

  app.get('/orders/:number', async ({ params }, res) => {
    res.json(await Order.findOne({ number: Number(params.number) }).lean())
  })

  /** Moves an order from one of the states to the next, and does what comes with it. */
  const move = (path: string, from: readonly Order['status'][], to: Order['status'], putsBack = false): void => {
    app.post(`/orders/:number/${path}`, async ({ params }, res) => {
      const moved = await connection.transaction(async (session) => {
        const order = await Order.findOneAndUpdate(
          { number: Number(params.number), status: { $in: from } },
          { $set: { status: to }, $push: { history: { status: to, at: new Date() } } },
          { session, returnDocument: 'after' },
        )
        if (!order) throw new Refused(`this order cannot be ${to}`)
        if (!putsBack) return order
        for (const { item } of order.lines) await Goods.findByIdAndUpdate(item, { $inc: { left: 1 } }, { session })
        return order
      })
      res.json(moved)
    })
  }
  move('pay', ['open'], 'paid')
  move('ship', ['paid'], 'shipped')
  move('cancel', ['open'], 'cancelled', true)
  move('refund', ['paid', 'shipped'], 'refunded', true)

  app.post('/goods/:item/reviews', async ({ params, body }, res) => {
    await Review.create({ item: params.item, user: body.user, stars: body.stars })
    const [average] = await Review.aggregate<{ stars: number; count: number }>([
      { $match: { item: params.item } },
      { $group: { _id: null, stars: { $avg: '$stars' }, count: { $sum: 1 } } },
    ])
    res.status(201).json({ stars: average?.stars, count: average?.count })
  })

  app.use(((error, _req, res, next) => {
    if (error instanceof Refused) return void res.status(409).json({ error: error.message })
    if (error.code === 11000) return void res.status(409).json({ error: 'that name is taken' })
    if (error instanceof mongoose.Error.ValidationError) return void res.status(422).json({ error: error.message })
    next(error)
  }) satisfies express.ErrorRequestHandler)
  return app
}
