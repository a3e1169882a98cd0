import express, { type Express } from 'express'
import { createPool, type Pool, type PoolConnection, type ResultSetHeader, type RowDataPacket } from 'mysql2/promise'
import { SCHEMA } from './schema.ts'

interface Order extends RowDataPacket {
  id: number
  user: number
  item: string
  total: number
  status: 'open' | 'paid' | 'shipped' | 'cancelled' | 'refunded'
}

/** A small shop over a database of a MySQL or MariaDB server. */
export async function shop(url: string): Promise<Express> {
  const pool = createPool({ uri: url, connectionLimit: 5, decimalNumbers: true })
  for (const statement of SCHEMA) await pool.query(statement)

  const app = express()
  app.use(express.json())

  app.post('/users', async ({ body }, res) => {
    const [taken] = await pool.execute<RowDataPacket[]>('select 1 from users where name = ?', [body.name])
    if (taken.length > 0) return void res.status(409).json({ error: 'that name is taken' })
    const [{ insertId: id }] = await pool.execute<ResultSetHeader>('insert into users (name) values (?)', [body.name])
    res.status(201).json({ id, name: body.name })
  })

  app.delete('/users/:id', async ({ params }, res) => {
    await pool.execute('update coupons set used_by = null where used_by = ?', [params.id])
    await pool.execute('delete from users where id = ?', [params.id])
    res.status(204).end()
  })

  app.get('/stock/:item', async ({ params }, res) => {
    const [[goods]] = await pool.execute<RowDataPacket[]>('select * from stock where item = ?', [params.item])
    res.json(goods)
  })

  app.post('/orders', async ({ body }, res) => {
    const order = await transaction(pool, async (db) => {
      const [[goods]] = await db.execute<RowDataPacket[]>('select * from stock where item = ? for update', [body.item])
      if (!goods || goods['left_over'] === 0) return undefined
      const [[coupon]] = await db.execute<RowDataPacket[]>(
        'select percent from coupons where code = ? and used_by is null for update',
        [body.coupon ?? ''],
      )
      const total = goods['price'] - (goods['price'] * (coupon?.['percent'] ?? 0)) / 100
      await db.execute('update stock set left_over = left_over - 1 where item = ?', [body.item])
      if (coupon) await db.execute('update coupons set used_by = ? where code = ?', [body.user, body.coupon])
      const [{ insertId }] = await db.execute<ResultSetHeader>(
        'insert into orders (user, item, total) values (?, ?, ?)',
        [body.user, body.item, total],
      )
      return orderOf(db, insertId)
    })
    if (!order) return void res.status(409).json({ error: 'sold out' })
    res.status(201).json(order)
  })

  app.get('/orders/:id', async ({ params }, res) => {
    const order = await orderOf(pool, Number(params.id))
    const [[refunds]] = await pool.execute<RowDataPacket[]>(
      'select coalesce(sum(amount), 0) as amount from refunds where order_id = ?',
      [params.id],
    )
    const [history] = await pool.execute<RowDataPacket[]>('select status from history where order_id = ? order by id', [
      params.id,
    ])
    res.json({ ...order, refunded: refunds?.['amount'], history: history.map(({ status }) => status) })
  })

  /** Moves an order from one of the states to the next, and does what comes with it. */
  const move = (
    path: string,
    from: readonly Order['status'][],
    to: Order['status'],
    also: (db: PoolConnection, order: Order) => Promise<unknown> = async () => {},
  ): void => {
    app.post(`/orders/:id/${path}`, async ({ params }, res) => {
      const moved = await transaction(pool, async (db) => {
        const order = await orderOf(db, Number(params.id), 'for update')
        if (!order || !from.includes(order.status)) return undefined
        await db.execute('update orders set status = ? where id = ?', [to, order.id])
        await also(db, order)
        return orderOf(db, order.id)
      })
      if (!moved) return void res.status(409).json({ error: `this order cannot be ${to}` })
      res.json(moved)
    })
  }
  move('pay', ['open'], 'paid')
  move('ship', ['paid'], 'shipped')
  move('cancel', ['open'], 'cancelled', putBack)
  move('refund', ['paid', 'shipped'], 'refunded', async (db, order) => {
    await db.execute('insert into refunds (order_id, amount) values (?, ?)', [order.id, order.total])
    await putBack(db, order)
  })
  return app
}

async function orderOf(db: Pool | PoolConnection, id: number, lock = ''): Promise<Order | undefined> {
  const [[order]] = await db.execute<Order[]>(`select * from orders where id = ? ${lock}`, [id])
  return order
}

async function putBack(db: PoolConnection, { item }: Order): Promise<void> {
  await db.execute('update stock set left_over = left_over + 1 where item = ?', [item])
}

/** Runs `work` in a transaction on a connection of its own. */
async function transaction<T>(pool: Pool, work: (db: PoolConnection) => Promise<T>): Promise<T> {
  const db = await pool.getConnection()
  try {
    await db.beginTransaction()
    const result = await work(db)
    await db.commit()
    return result
  } catch (error) {
    await db.rollback()
    throw error
  } finally {
    db.release()
  }
}
