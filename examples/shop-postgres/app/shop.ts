import { fastify, type FastifyInstance } from 'fastify'
import { Pool, type PoolClient } from 'pg'
import { SCHEMA } from './schema.ts'

interface Order {
  number: string
  user: number
  item: string
  total: number
  status: 'open' | 'paid' | 'shipped' | 'cancelled' | 'refunded'
}

/** A small shop over a database of a PostgreSQL server. `bug` plants the mistake that the demo finds. */
export async function shop(url: string, bug?: string): Promise<FastifyInstance> {
  const pool = new Pool({ connectionString: url, max: 8, application_name: 'shop' })
  await pool.query(SCHEMA)

  const app = fastify()
  app.addHook('onClose', () => pool.end())

  app.post<{ Body: { name: string } }>('/users', async ({ body }, reply) => {
    const { rows } = await pool.query(
      'insert into users (name) values ($1) on conflict (name) do nothing returning id, name',
      [body.name],
    )
    if (rows.length === 0) return reply.code(409).send({ error: 'that name is taken' })
    return reply.code(201).send(rows[0])
  })

  app.delete<{ Params: { id: string } }>('/users/:id', async ({ params }, reply) => {
    await pool.query('delete from users where id = $1', [params.id])
    return reply.code(204).send()
  })

  app.get<{ Params: { item: string } }>('/stock/:item', async ({ params }) => {
    const { rows } = await pool.query('select * from stock where item = $1', [params.item])
    return rows[0]
  })

  app.post<{ Body: { user: number; item: string; coupon?: string } }>('/orders', async ({ body }, reply) => {
    const order = await transaction(pool, async (db) => {
      const [goods] = (await db.query('select * from stock where item = $1 for update', [body.item])).rows
      if (!goods || goods.left_over === 0) return undefined
      await db.query('update stock set left_over = left_over - 1 where item = $1', [body.item])
      const [coupon] = (
        await db.query('update coupons set used_by = $1 where code = $2 and used_by is null returning percent', [
          body.user,
          body.coupon,
        ])
      ).rows
      const { rows } = await db.query<Order>(
        'insert into orders ("user", item, total) values ($1, $2, $3) returning *',
        [body.user, body.item, goods.price - (goods.price * (coupon?.percent ?? 0)) / 100],
      )
      return rows[0]
    })
    if (!order) return reply.code(409).send({ error: 'sold out' })
    return reply.code(201).send(order)
  })

  app.get<{ Params: { number: string } }>('/orders/:number', async ({ params }) => {
    const { rows } = await pool.query(
      `select orders.*,
         (select coalesce(sum(amount), 0)::integer from refunds where order_number = number) as refunded,
         array(select history.status from history where order_number = number order by id) as history
       from orders where number = $1`,
      [params.number],
    )
    return rows[0]
  })

  /** Moves an order from one of the states to the next, and does what comes with it. */
  const move = (
    path: string,
    from: readonly Order['status'][],
    to: Order['status'],
    also: (db: PoolClient, order: Order) => Promise<unknown> = async () => {},
  ): void => {
    app.post<{ Params: { number: string } }>(`/orders/:number/${path}`, async ({ params }, reply) => {
      const moved = await transaction(pool, async (db) => {
        const { rows } = await db.query<Order>(
          'update orders set status = $1 where number = $2 and status = any ($3) returning *',
          [to, params.number, from],
        )
        if (rows[0]) await also(db, rows[0])
        return rows[0]
      })
      if (!moved) return reply.code(409).send({ error: `this order cannot be ${to}` })
      return moved
    })
  }
  move('pay', ['open'], 'paid')
  move('ship', ['paid'], 'shipped')
  move('cancel', ['open'], 'cancelled', putBack)
  const refundable: Order['status'][] = bug === 'double-refund' ? ['paid', 'shipped', 'refunded'] : ['paid', 'shipped']
  move('refund', refundable, 'refunded', async (db, order) => {
    await db.query('insert into refunds (order_number, amount) values ($1, $2)', [order.number, order.total])
    await putBack(db, order)
  })
  return app
}

async function putBack(db: PoolClient, { item }: Order): Promise<void> {
  await db.query('update stock set left_over = left_over + 1 where item = $1', [item])
}

/** Runs `work` in a transaction on a connection of its own. */
async function transaction<T>(pool: Pool, work: (db: PoolClient) => Promise<T>): Promise<T> {
  const db = await pool.connect()
  try {
    await db.query('begin')
    const result = await work(db)
    await db.query('commit')
    return result
  } catch (error) {
    await db.query('rollback')
    throw error
  } finally {
    db.release()
  }
}
