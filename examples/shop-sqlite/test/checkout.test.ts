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
          const { body } = await api.get('/stock/lamp').expect(200)
          expect(body.left_over).toBe(3)
        })
      })
    })

    branch('ship', () => {
      step('ship it', ({ api }) => api.post(`/orders/${order.value.id}/ship`).expect(200))
      step('cancelling comes too late', ({ api }) => api.post(`/orders/${order.value.id}/cancel`).expect(409))
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
      expect({ first: order.value.total, second: body.total }).toEqual({ first: 80, second: 100 })
    })
  })
})

journey('the last chair', () => {
  const user = step('sign up', async ({ api }) => (await api.post('/users').send({ name: 'bob' }).expect(201)).body)
  step('buy it', ({ api }) => api.post('/orders').send({ user: user.value.id, item: 'chair' }).expect(201))
  step('there is no other', ({ api }) => api.post('/orders').send({ user: user.value.id, item: 'chair' }).expect(409))
})
