import { vi } from 'vitest'
import { branch, checkpoint, journey, key, step } from './world.ts'

/** The worker works when it comes to it. */
const soon = { timeout: 20_000, interval: 20 }

journey('checkout', () => {
  const session = step('log in', async ({ api }) => {
    const { body } = await api.post('/login').send({ name: 'ada' }).expect(201)
    return body.session as string
  })
  step('put a lamp into the cart', ({ api }) => api.post('/cart/lamp').set('x-session', session.value).expect(200))
  checkpoint('cart filled')

  branch('order', () => {
    const order = step('order it', async ({ api }) => {
      const { body } = await api.post('/orders').set('x-session', session.value).expect(201)
      return body.id as number
    })
    step('the worker sends the receipt', async ({ api, cache, expect }) => {
      await vi.waitFor(async () => {
        expect(await cache.hget(key(`order:${order.value}`), 'receipt')).toBe('sent')
        // BullMQ still has to file the job away.
        expect(await cache.zcard(key('bull:receipts:completed'))).toBe(1)
      }, soon)
      await api.get(`/orders/${order.value}`).set('x-session', session.value).expect({ user: 'ada', receipt: 'sent' })
    })
    checkpoint('ordered')

    branch('the cart is empty', () => {
      step('order again', ({ api }) => api.post('/orders').set('x-session', session.value).expect(409))
    })
    branch('the other lamp', () => {
      step('put it into the cart', ({ api }) => api.post('/cart/lamp').set('x-session', session.value).expect(200))
      step('order it', ({ api }) => api.post('/orders').set('x-session', session.value).expect(201, { id: 2 }))
      step('its receipt is sent as well', async ({ cache, expect }) => {
        await vi.waitFor(async () => expect(await cache.zcard(key('bull:receipts:completed'))).toBe(2), soon)
      })
    })
    branch('two more lamps', () => {
      step('put two into the cart', async ({ api }) => {
        await api.post('/cart/lamp').set('x-session', session.value).expect(200)
        await api.post('/cart/lamp').set('x-session', session.value).expect(200)
      })
      step('there is one only', ({ api }) => api.post('/orders').set('x-session', session.value).expect(409))
      step('it is still there', ({ api }) =>
        api.get('/stock/lamp').set('x-session', session.value).expect(200, { left: 1 }),
      )
    })
  })

  branch('log out', () => {
    step('log out', ({ api }) => api.post('/logout').set('x-session', session.value).expect(200))
    step('the cart is not shown', ({ api }) => api.get('/cart').set('x-session', session.value).expect(401))
  })

  branch('too many requests', () => {
    step('ask for the cart until the shop has enough', async ({ api, expect }) => {
      const answers: number[] = []
      for (let count = 0; count < 20; count += 1) {
        answers.push((await api.get('/cart').set('x-session', session.value)).status)
      }
      // One of the twenty a minute was the lamp's.
      expect(answers.filter((status) => status === 200)).toHaveLength(19)
      expect(answers.at(-1)).toBe(429)
    })
  })

  branch('the session ends', () => {
    step('its time is over', ({ cache }) => cache.pexpire(key(`session:${session.value}`), 1))
    step('the shop wants a new one', ({ api }) =>
      vi.waitFor(() => api.get('/cart').set('x-session', session.value).expect(401), soon),
    )
  })

  branch('the session goes on', () => {
    step('it has the time that it had at the checkpoint', async ({ cache, expect }) => {
      expect(await cache.ttl(key(`session:${session.value}`))).toBeGreaterThan(1700)
    })
    step('the cart is shown', ({ api }) => api.get('/cart').set('x-session', session.value).expect(200, { lamp: '1' }))
  })
})
