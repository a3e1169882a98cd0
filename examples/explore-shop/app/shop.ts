import Database from 'better-sqlite3'

/** An order as it lies in the database. */
export interface Order {
  id: number
  status: 'new' | 'paid' | 'shipped' | 'returned' | 'refunded'
  paid: number
  refunded: number
}

interface Answer {
  status: number
  body: unknown
}

const PRICE = 100

/** Orders that are paid, shipped, sent back and refunded. */
export class Shop {
  readonly #db: Database.Database
  readonly #bug: string | undefined

  constructor(file: string, bug?: string) {
    this.#db = new Database(file)
    this.#bug = bug
    this.#db.pragma('journal_mode = wal')
    this.#db.exec(`create table if not exists orders (
      id integer primary key autoincrement,
      status text not null default 'new',
      paid integer not null default 0,
      refunded integer not null default 0
    )`)
  }

  /** `POST /orders`, `POST /orders/1/pay`, … */
  handle(method: string, id: number, what: string | undefined): Answer {
    if (method === 'GET') return { status: 200, body: this.#db.prepare('select * from orders').all() }
    if (what === undefined) {
      const { lastInsertRowid } = this.#db.prepare('insert into orders default values').run()
      return { status: 201, body: { id: Number(lastInsertRowid) } }
    }
    const order = this.#db.prepare<[number], Order>('select * from orders where id = ?').get(id)
    if (!order) return { status: 404, body: { error: `there is no order ${id}` } }
    const next = this.#next(order, what)
    if (!next) return { status: 409, body: { error: `an order that is ${order.status} cannot ${what}` } }
    const { status, paid, refunded } = { ...order, ...next }
    this.#db
      .prepare('update orders set status = ?, paid = ?, refunded = ? where id = ?')
      .run(status, paid, refunded, id)
    return { status: 200, body: { id, status, paid, refunded } }
  }

  #next({ status, paid, refunded }: Order, what: string): Partial<Order> | undefined {
    if (what === 'pay' && status === 'new') return { status: 'paid', paid: PRICE }
    if (what === 'ship' && status === 'paid') return { status: 'shipped' }
    if (what === 'return' && status === 'shipped') return { status: 'returned' }
    if (what !== 'refund') return undefined
    if (status === 'paid') return { status: 'refunded', refunded: refunded + paid }
    if (status !== 'returned') return undefined
    // The planted bug: who sent the goods back keeps the status by which the money is paid out.
    if (this.#bug === 'double-refund') return { refunded: refunded + paid }
    return { status: 'refunded', refunded: refunded + paid }
  }
}
