import Database from 'better-sqlite3'
import express, { type Express } from 'express'

const SCHEMA = `
  create table if not exists users (id integer primary key autoincrement, name text not null unique);
  create table if not exists stock (item text primary key, price integer not null, left_over integer not null check (left_over >= 0));
  create table if not exists coupons (code text primary key, percent integer not null, used_by integer references users);
  create table if not exists orders (
    id integer primary key autoincrement, user integer not null references users, item text not null references stock,
    total integer not null, status text not null default 'open'
  );
  create table if not exists refunds (id integer primary key autoincrement, order_id integer not null references orders, amount integer not null);
  insert or ignore into stock values ('lamp', 100, 3), ('chair', 250, 1);
  insert or ignore into coupons values ('WELCOME', 20, null);
`

interface Order {
  id: number
  user: number
  item: string
  total: number
  status: 'open' | 'paid' | 'shipped' | 'cancelled' | 'refunded'
}

/** A small shop over one SQLite file. `bug` plants the mistake that the demo finds. */
export function shop(file: string, bug?: string): Express {
  const db = new Database(file)
  db.pragma('journal_mode = wal')
  db.pragma('foreign_keys = on')
  db.exec(SCHEMA)
  const orderOf = db.prepare<[number], Order>('select * from orders where id = ?')
  const setStatus = db.prepare('update orders set status = ? where id = ?')
  const putBack = db.prepare('update stock set left_over = left_over + 1 where item = ?')

  const app = express()
  app.use(express.json())

  app.post('/users', ({ body }, res) => {
    const taken = db.prepare('select 1 from users where name = ?').get(body.name)
    if (taken) return void res.status(409).json({ error: 'that name is taken' })
    const { lastInsertRowid: id } = db.prepare('insert into users (name) values (?)').run(body.name)
    res.status(201).json({ id, name: body.name })
  })

  app.get('/stock/:item', ({ params }, res) => {
    res.json(db.prepare('select * from stock where item = ?').get(params.item))
  })

  app.post('/orders', ({ body }, res) => {
    const order = db.transaction(() => {
      const goods = db
        .prepare<[string], { price: number; left_over: number }>('select * from stock where item = ?')
        .get(body.item)
      if (!goods || goods.left_over === 0) return undefined
      const coupon = db
        .prepare<[string], { percent: number }>('select * from coupons where code = ? and used_by is null')
        .get(body.coupon ?? '')
      const total = goods.price - (goods.price * (coupon?.percent ?? 0)) / 100
      db.prepare('update stock set left_over = left_over - 1 where item = ?').run(body.item)
      if (coupon) db.prepare('update coupons set used_by = ? where code = ?').run(body.user, body.coupon)
      const { lastInsertRowid } = db
        .prepare('insert into orders (user, item, total) values (?, ?, ?)')
        .run(body.user, body.item, total)
      return orderOf.get(Number(lastInsertRowid))
    })()
    if (!order) return void res.status(409).json({ error: 'sold out' })
    res.status(201).json(order)
  })

  app.get('/orders/:id', ({ params }, res) => {
    const refunded = db
      .prepare('select coalesce(sum(amount), 0) from refunds where order_id = ?')
      .pluck()
      .get(params.id)
    res.json({ ...orderOf.get(Number(params.id)), refunded })
  })

  /** Moves an order from one of the states to the next, and does what comes with it. */
  const move = (path: string, from: Order['status'][], to: Order['status'], also: (order: Order) => void): void => {
    app.post(`/orders/:id/${path}`, ({ params }, res) => {
      const moved = db.transaction(() => {
        const order = orderOf.get(Number(params.id))
        if (!order || !from.includes(order.status)) return undefined
        setStatus.run(to, order.id)
        also(order)
        return orderOf.get(order.id)
      })()
      if (!moved) return void res.status(409).json({ error: `this order cannot be ${to}` })
      res.json(moved)
    })
  }
  move('pay', ['open'], 'paid', () => {})
  move('ship', ['paid'], 'shipped', () => {})
  move('cancel', ['open'], 'cancelled', ({ item }) => putBack.run(item))
  const refundable: Order['status'][] = bug === 'double-refund' ? ['paid', 'shipped', 'refunded'] : ['paid', 'shipped']
  move('refund', refundable, 'refunded', ({ id, total, item }) => {
    db.prepare('insert into refunds (order_id, amount) values (?, ?)').run(id, total)
    putBack.run(item)
  })
  return app
}
