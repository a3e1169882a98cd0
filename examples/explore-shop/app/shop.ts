import type { Order, Orders } from './orders.ts'

interface Answer {
  readonly status: number
  readonly body: unknown
}

const PRICE = 100

/** Orders that are paid, shipped, sent back and refunded. `bug` plants the mistake that the demo finds. */
export class Shop {
  readonly #orders: Orders
  readonly #bug: string | undefined

  constructor(orders: Orders, bug?: string) {
    this.#orders = orders
    this.#bug = bug
  }

  /** `GET /orders`, `POST /orders`, `POST /orders/1/pay`, … */
  async handle(method: string, id: number, what: string | undefined): Promise<Answer> {
    if (method === 'GET') return { status: 200, body: await this.#orders.all() }
    if (what === undefined) return { status: 201, body: await this.#orders.add() }
    const order = await this.#orders.find(id)
    if (!order) return { status: 404, body: { error: `there is no order ${id}` } }
    const next = this.#next(order, what)
    if (!next) return { status: 409, body: { error: `an order that is ${order.status} cannot ${what}` } }
    const changed = { ...order, ...next }
    await this.#orders.save(changed)
    return { status: 200, body: changed }
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
