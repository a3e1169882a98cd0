import { branch, checkpoint, journey, step } from './world.ts'

journey('checkout', () => {
  const user = step('sign up', async ({ api }) => (await api.post('/users').send({ name: 'ada' }).expect(201)).body)
  const order = step('order a lamp and a chair', async ({ api }) => {
    const { body } = await api
      .post('/orders')
      .send({ user: user.value.id, items: ['lamp', 'chair'] })
      .expect(201)
    return body as { number: number }
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
      branch('the goods are back in stock', () => {
        step('look at the stock', async ({ api, expect }) => {
          expect((await api.get('/goods/lamp').expect(200)).body).toMatchObject({ left: 3 })
          expect((await api.get('/goods/chair').expect(200)).body).toMatchObject({ left: 1 })
        })
      })
      branch('the order remembers what became of it', () => {
        step('look at the order', async ({ api, expect }) => {
          const { body } = await api.get(`/orders/${order.value.number}`).expect(200)
          expect(body.history).toMatchObject([{ status: 'paid' }, { status: 'refunded' }])
        })
      })
    })

    branch('ship', () => {
      step('ship it', ({ api }) => api.post(`/orders/${order.value.number}/ship`).expect(200))
      step('cancelling comes too late', ({ api }) => api.post(`/orders/${order.value.number}/cancel`).expect(409))
    })
  })

  branch('all or nothing', () => {
    step('a lamp and a chair, which is sold out', async ({ api, changes, expect }) => {
      await api
        .post('/orders')
        .send({ user: user.value.id, items: ['lamp', 'chair'] })
        .expect(409, { error: 'chair is sold out' })
      expect((await changes()).db).toEqual([])
    })
  })

  branch('the first review', () => {
    step('makes the collection of the reviews', async ({ api, db, expect }) => {
      await api.post('/goods/lamp/reviews').send({ user: user.value.id, stars: 5 }).expect(201, { stars: 5, count: 1 })
      expect(await names(db)).toContain('reviews')
    })
    step('there are no six stars', ({ api }) =>
      api.post('/goods/lamp/reviews').send({ user: user.value.id, stars: 6 }).expect(422),
    )
  })

  branch('no review', () => {
    step('there is no such collection', async ({ db, expect }) => expect(await names(db)).not.toContain('reviews'))
  })

  branch('one more', () => {
    step('the same name is taken', ({ api }) => api.post('/users').send({ name: 'ada' }).expect(409))
    step('the number after this one is the next', async ({ api, expect }) => {
      const { body } = await api
        .post('/orders')
        .send({ user: user.value.id, items: ['lamp'] })
        .expect(201)
      expect([order.value.number, body.number]).toEqual([1, 2])
    })
  })
})

async function names(db: { listCollections(): { toArray(): Promise<{ name: string }[]> } }): Promise<string[]> {
  return (await db.listCollections().toArray()).map(({ name }) => name)
}
