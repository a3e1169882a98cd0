import type { Subject } from '../../src/kit/index.ts'
import type { Action, Check } from '../../src/explore/model.ts'

/** One planted bug: only a sequence of calls shows it. */
export type Bug =
  | 'doubleCancel'
  | 'payAfterCancel'
  | 'cancelAfterShip'
  | 'couponReuse'
  | 'doubleRefund'
  | 'wrongOrderRefund'
  | 'rejectMutates'

/** How many steps the shortest sequence has that shows it. */
export const DEPTHS = {
  doubleCancel: 5,
  payAfterCancel: 5,
  cancelAfterShip: 6,
  couponReuse: 7,
  doubleRefund: 8,
  wrongOrderRefund: 10,
} as const satisfies Partial<Record<Bug, number>>

interface Order {
  qty: number
  coupon: boolean
  status: 'pending' | 'paid' | 'shipped' | 'cancelled' | 'refunded' | 'returned'
  intent: boolean
  paid: number
  refunded: number
  wasShipped: boolean
  wasReturned: boolean
}

/** What is in it. */
export interface State {
  stock: number
  cart: { qty: number; coupon: boolean }
  couponUsed: boolean
  orders: Order[]
}

/** Where the shop keeps its data: what the kit calls a subject. */
export type Store = Pick<Subject, 'put' | 'all'>

const STOCK = 3

/** What is in it at first. */
export const EMPTY: State = { stock: STOCK, cart: { qty: 0, coupon: false }, couponUsed: false, orders: [] }

const ok = { status: 200 }
const refused = { status: 409 }

/** A small shop over any store: 5,751 states, 46,855 transitions, 19 deep, when it has no bug. */
export class Shop {
  readonly #store: Store
  readonly #bug: Bug | undefined

  constructor(store: Store, bug?: Bug) {
    this.#store = store
    this.#bug = bug
  }

  /** Fills the empty store. */
  async open(): Promise<this> {
    await this.#store.put('shop', JSON.stringify(EMPTY))
    return this
  }

  async state(): Promise<State> {
    const { shop } = await this.#store.all()
    return JSON.parse(shop!)
  }

  async do(action: ActionName): Promise<{ status: number }> {
    const state = await this.state()
    const answer = handlers[action](state, this.#bug)
    if (answer.status < 400 || this.#bug === 'rejectMutates') await this.#store.put('shop', JSON.stringify(state))
    return answer
  }
}

type Handler = (state: State, bug: Bug | undefined) => { status: number }

const onOrder =
  (handle: (order: Order, state: State, bug: Bug | undefined) => { status: number }): Handler =>
  (state, bug) => {
    const order = state.orders.at(-1)
    return order ? handle(order, state, bug) : refused
  }

const handlers = {
  addItem(state) {
    if (state.cart.qty >= 2) return refused
    state.cart.qty += 1
    return ok
  },
  removeItem(state, bug) {
    if (state.cart.qty === 0) return refused
    state.cart.qty -= 1
    if (state.cart.qty > 0) return ok
    if (bug === 'couponReuse') state.couponUsed = false
    state.cart.coupon = false
    return ok
  },
  applyCoupon(state) {
    if (state.cart.qty === 0 || state.couponUsed || state.cart.coupon) return refused
    state.cart.coupon = true
    return ok
  },
  checkout(state) {
    const { cart } = state
    if (cart.qty === 0 || state.stock < cart.qty) return refused
    const none = { intent: false, paid: 0, refunded: 0, wasShipped: false, wasReturned: false }
    state.orders.push({ ...cart, status: 'pending', ...none })
    state.stock -= cart.qty
    state.couponUsed ||= cart.coupon
    state.cart = { qty: 0, coupon: false }
    return ok
  },
  startPayment: onOrder((order) => {
    if (order.status !== 'pending' || order.intent) return refused
    order.intent = true
    return ok
  }),
  confirmPayment: onOrder((order, _, bug) => {
    if (!order.intent || order.paid > 0) return refused
    const late = bug === 'payAfterCancel' && order.status === 'cancelled'
    if (order.status !== 'pending' && !late) return refused
    order.paid = order.qty * 100 - (order.coupon ? 50 : 0)
    if (order.status === 'pending') order.status = 'paid'
    return ok
  }),
  ship: onOrder((order) => {
    if (order.status !== 'paid') return refused
    order.status = 'shipped'
    order.wasShipped = true
    return ok
  }),
  cancel: onOrder((order, state, bug) => {
    const late = bug === 'cancelAfterShip' && order.status === 'shipped'
    const twice = bug === 'doubleCancel' && order.status === 'cancelled' && order.intent
    if (order.status !== 'pending' && order.status !== 'paid' && !late && !twice) return refused
    state.stock += order.qty
    order.refunded = order.paid
    order.status = 'cancelled'
    if (order.coupon) state.couponUsed = false
    return ok
  }),
  refund: onOrder((order, state, bug) => {
    if (!['paid', 'shipped', 'returned'].includes(order.status)) {
      if (bug === 'rejectMutates' && order.status === 'pending') order.intent = false
      return refused
    }
    order.refunded += bug === 'wrongOrderRefund' ? (state.orders[0]?.paid ?? 0) : order.paid
    if (!(bug === 'doubleRefund' && order.status === 'returned')) order.status = 'refunded'
    return ok
  }),
  returnItem: onOrder((order, state) => {
    if (order.status !== 'shipped') return refused
    order.status = 'returned'
    order.wasReturned = true
    state.stock += order.qty
    return ok
  }),
} satisfies Record<string, Handler>

export type ActionName = keyof typeof handlers

/** What a test author would write as preconditions. */
const possible: Partial<Record<ActionName, (state: State) => boolean>> = {
  addItem: ({ cart }) => cart.qty < 2,
  removeItem: ({ cart }) => cart.qty > 0,
  applyCoupon: ({ cart }) => cart.qty > 0,
  checkout: ({ cart, orders }) => cart.qty > 0 && orders.length < 2,
}

/** The model of a shop, or of what speaks to one. */
export function shopModel(shop: Pick<Shop, 'state' | 'do'>) {
  const actions: Record<string, Action<object>> = {}
  for (const name of Object.keys(handlers) as ActionName[]) {
    const guard = possible[name] ?? (({ orders }: State) => orders.length > 0)
    actions[name] = { when: async () => guard(await shop.state()), run: () => shop.do(name) }
  }
  const rule =
    (holds: (state: State) => boolean): Check<object> =>
    async () =>
      holds(await shop.state())
  return {
    actions,
    invariants: {
      'refunded ≤ paid': rule(({ orders }) => orders.every(({ refunded, paid }) => refunded <= paid)),
      'stock is conserved': rule(({ stock, orders }) => {
        const out = orders.filter(({ wasShipped, wasReturned }) => wasShipped && !wasReturned)
        return stock + out.reduce((sum, { qty }) => sum + qty, 0) <= STOCK
      }),
      'a coupon counts once': rule(({ orders, cart }) => {
        return orders.filter(({ coupon, status }) => coupon && status !== 'cancelled').length + Number(cart.coupon) <= 1
      }),
      'a cancelled order is paid back': rule(({ orders }) =>
        orders.every(({ status, paid, refunded }) => status !== 'cancelled' || paid === refunded),
      ),
    },
  }
}
