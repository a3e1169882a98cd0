import type { Order } from '../app/orders.ts'
import { action, from, invariant } from './world.ts'

const order = from(({ ctx }) => ctx.orders)

/** What users can do. */
export const actions = {
  order: action({
    when: ({ ctx }) => ctx.orders.length < 2,
    async run({ api, ctx }) {
      const response = await api.post('/orders')
      const { id } = (await response.json()) as { id: number }
      ctx.orders.push(id)
      return response
    },
  }),
  pay: action({ params: { order }, run: ({ api }, params) => api.post(`/orders/${params.order}/pay`) }),
  ship: action({ params: { order }, run: ({ api }, params) => api.post(`/orders/${params.order}/ship`) }),
  sendBack: action({ params: { order }, run: ({ api }, params) => api.post(`/orders/${params.order}/return`) }),
  refund: action({ params: { order }, run: ({ api }, params) => api.post(`/orders/${params.order}/refund`) }),
}

/** What must always be true. */
export const invariants = {
  'refunded ≤ paid': invariant({
    severity: 'critical',
    async check({ api }) {
      const orders = (await api.get('/orders')) as Order[]
      const over = orders.filter(({ refunded, paid }) => refunded > paid).map(({ id }) => id)
      return over.length === 0 || `order ${over.join()} is refunded more than was paid`
    },
  }),
}
