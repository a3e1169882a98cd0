import { action, from, invariant } from './world.ts'

const order = from(({ ctx }) => ctx.orders)

/** What users can do. */
export const actions = {
  order: action({
    when: ({ ctx }) => ctx.orders.length < 2,
    async run({ api, ctx }) {
      const { body: user } = await api.post('/users').send({ name: `buyer ${ctx.orders.length + 1}` })
      const response = await api.post('/orders').send({ user: user.id, item: 'lamp' })
      ctx.orders.push(response.body.number)
      return response
    },
  }),
  pay: action({ params: { order }, run: ({ api }, params) => api.post(`/orders/${params.order}/pay`) }),
  ship: action({ params: { order }, run: ({ api }, params) => api.post(`/orders/${params.order}/ship`) }),
  cancel: action({ params: { order }, run: ({ api }, params) => api.post(`/orders/${params.order}/cancel`) }),
  refund: action({ params: { order }, run: ({ api }, params) => api.post(`/orders/${params.order}/refund`) }),
}

/** What must always be true. */
export const invariants = {
  'refunded ≤ paid': invariant({
    severity: 'critical',
    async check({ db }) {
      const { rows } = await db.query(
        `select number from orders join refunds on order_number = number
         group by number, total having sum(amount) > total`,
      )
      return rows.length === 0 || `order ${rows.map(({ number }) => number).join()} is refunded more than was paid`
    },
  }),
  'every lamp is sold once or in stock': invariant({
    async check({ db }) {
      const { rows } = await db.query(
        `select left_over + (select count(*)::integer from orders where item = 'lamp'
           and status not in ('cancelled', 'refunded')) as lamps from stock where item = 'lamp'`,
      )
      return rows[0].lamps === 3 || `there are ${rows[0].lamps} lamps`
    },
  }),
}
