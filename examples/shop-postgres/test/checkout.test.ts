import { branch, checkpoint, journey, step } from './world.ts'

interface Order {
  number: string
  total: number
}

journey('checkout', () => {
  const user = step('sign up', async ({ api }) => (await api.post('/users').send({ name: 'ada' }).expect(201)).body)
  const order = step('order a lamp', async ({ api }) => {
    const sent = { user: user.value.id, item: 'lamp', coupon: 'WELCOME' }
    return (await api.post('/orders').send(sent).expect(201)).body as Order
  })
  checkpoint('ordered')

  branch('pay', () => {
    step('pay it', ({ api }) => api.post(`/orders/${order.value.number}/pay`).expect(200))
    checkpoint('paid')

    branch('refund', () => {
      step('refund it', ({ api }) => api.post(`/orders/${order.value.number}/refund`).expect(200))
      checkpoint('refunded')

      branch('a second refund is refused', () => {
        step('refund again', ({ api }) => api.post(`/orders/${order.value.number}/refund`).expect(409))
      })
      branch('the lamp is back in stock', () => {
        step('look at the stock', async ({ api, expect }) => {
          expect((await api.get('/stock/lamp').expect(200)).body).toEqual({ item: 'lamp', price: 10000, left_over: 3 })
        })
      })
      branch('the trigger remembers what became of it', () => {
        step('look at the order', async ({ api, expect }) => {
          const { body } = await api.get(`/orders/${order.value.number}`).expect(200)
          expect(body).toMatchObject({ refunded: 8000, history: ['paid', 'refunded'] })
        })
      })
    })

    branch('ship', () => {
      step('ship it', ({ api }) => api.post(`/orders/${order.value.number}/ship`).expect(200))
      step('cancelling comes too late', ({ api }) => api.post(`/orders/${order.value.number}/cancel`).expect(409))
    })

    branch('the user leaves', () => {
      step('the orders go with them, and what became of those', async ({ api, changes, expect }) => {
        await api.delete(`/users/${user.value.id}`).expect(204)
        const { db } = await changes()
        expect(db.map(({ table, updated, deleted }) => [table, updated.length, deleted.length])).toEqual([
          ['coupons', 1, 0],
          ['history', 0, 1],
          ['orders', 0, 1],
          ['users', 0, 1],
        ])
      })
    })
  })

  branch('cancel', () => {
    step('cancel it', ({ api }) => api.post(`/orders/${order.value.number}/cancel`).expect(200))
    step('it cannot be paid', ({ api }) => api.post(`/orders/${order.value.number}/pay`).expect(409))
  })

  for (const item of ['lamp', 'chair']) {
    branch(`buy a ${item} too`, () => {
      step('the number is the next one in each branch', async ({ api, expect }) => {
        const sent = { user: user.value.id, item, coupon: 'WELCOME' }
        const { body } = await api.post('/orders').send(sent).expect(201)
        expect([order.value.number, body.number]).toEqual(['A-0001', 'A-0002'])
      })
    })
  }

  branch('the coupon counts once', () => {
    step('order another lamp', async ({ api, expect }) => {
      const sent = { user: user.value.id, item: 'lamp', coupon: 'WELCOME' }
      const { body } = await api.post('/orders').send(sent).expect(201)
      expect([order.value.total, body.total]).toEqual([8000, 10000])
    })
  })
})
