import { branch, checkpoint, journey, step } from './world.ts'

journey('checkout', () => {
  const user = step('sign up', async ({ api }) => (await api.post('/users').send({ name: 'ada' }).expect(201)).body)
  const order = step('order a lamp', async ({ api }) => {
    const { body } = await api
      .post('/orders')
      .send({ user: user.value.id, item: 'lamp', coupon: 'WELCOME' })
      .expect(201)
    return body as { id: number; total: number }
  })
  checkpoint('ordered')

  branch('pay', () => {
    step('pay it', ({ api }) => api.post(`/orders/${order.value.id}/pay`).expect(200))
    checkpoint('paid')

    branch('refund', () => {
      step('refund it', ({ api }) => api.post(`/orders/${order.value.id}/refund`).expect(200))
      checkpoint('refunded')

      branch('a second refund is refused', () => {
        step('refund again', ({ api }) => api.post(`/orders/${order.value.id}/refund`).expect(409))
      })
      branch('the lamp is back in stock', () => {
        step('look at the stock', async ({ api, expect }) => {
          expect((await api.get('/stock/lamp').expect(200)).body).toEqual({ item: 'lamp', price: 100, left_over: 3 })
        })
      })
      branch('the trigger remembers what became of it', () => {
        step('look at the order', async ({ api, expect }) => {
          const { body } = await api.get(`/orders/${order.value.id}`).expect(200)
          expect(body).toMatchObject({ refunded: 80, history: ['paid', 'refunded'] })
        })
      })
    })

    branch('ship', () => {
      step('ship it', ({ api }) => api.post(`/orders/${order.value.id}/ship`).expect(200))
      step('cancelling comes too late', ({ api }) => api.post(`/orders/${order.value.id}/cancel`).expect(409))
    })

    branch('the user leaves', () => {
      step('the orders go with them, and what became of those', async ({ api, changes, expect }) => {
        await api.delete(`/users/${user.value.id}`).expect(204)
        const { db } = await changes()
        expect(db.map(({ table, deleted }) => [table, deleted.length])).toEqual(
          expect.arrayContaining([
            ['users', 1],
            ['orders', 1],
            ['history', 1],
          ]),
        )
      })
    })
  })

  branch('cancel', () => {
    step('cancel it', ({ api }) => api.post(`/orders/${order.value.id}/cancel`).expect(200))
    step('it cannot be paid', ({ api }) => api.post(`/orders/${order.value.id}/pay`).expect(409))
  })

  branch('buy again', () => {
    step('the coupon counts once', async ({ api, expect }) => {
      const { body } = await api
        .post('/orders')
        .send({ user: user.value.id, item: 'lamp', coupon: 'WELCOME' })
        .expect(201)
      expect({ first: order.value, second: body }).toMatchObject({
        first: { id: 1, total: 80 },
        second: { id: 2, total: 100 },
      })
    })
  })
})
