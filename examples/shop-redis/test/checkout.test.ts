import { vi } from 'vitest'
import { branch, checkpoint, journey, step } from './world.ts'

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
    step('the worker sends the receipt', async ({ cache, expect }) => {
      await vi.waitFor(async () => expect(await cache.hget(`order:${order.value}`, 'receipt')).toBe('sent'))
      // BullMQ still has to file the job away.
      await vi.waitFor(async () => expect(await cache.zcard('bull:receipts:completed')).toBe(1))
    })
    checkpoint('ordered')

    branch('the first order has the first number', () => {
      step('look', ({ expect }) => expect(order.value).toBe(1))
    })
    branch('nothing is left in the cart', () => {
      step('order again', ({ api }) => api.post('/orders').set('x-session', session.value).expect(409))
    })
    branch('two more lamps are too many', () => {
      step('put two into the cart', async ({ api }) => {
        for (let count = 0; count < 2; count += 1) {
          await api.post('/cart/lamp').set('x-session', session.value).expect(200)
        }
      })
      step('they are sold out', ({ api }) => api.post('/orders').set('x-session', session.value).expect(409))
      step('the stock is as it was', async ({ api, expect }) => {
        const { body } = await api.get('/stock/lamp').set('x-session', session.value).expect(200)
        expect(body).toEqual({ left: 1 })
      })
    })
  })

  branch('log out', () => {
    step('log out', ({ api }) => api.post('/logout').set('x-session', session.value).expect(200))
    step('the cart is not shown', ({ api }) => api.get('/cart').set('x-session', session.value).expect(401))
  })

  branch('too many requests', () => {
    step('ask for the cart all the time', async ({ api, expect }) => {
      const answers: number[] = []
      for (let count = 0; count < 20; count += 1) {
        answers.push((await api.get('/cart').set('x-session', session.value)).status)
      }
      expect(answers.filter((status) => status === 200)).toHaveLength(19)
      expect(answers.at(-1)).toBe(429)
    })
  })

  branch('the session ends', () => {
    step('its time is over', ({ cache }) => cache.pexpire(`session:${session.value}`, 1))
    step('the shop wants another log-in', async ({ api }) => {
      await vi.waitFor(() => api.get('/cart').set('x-session', session.value).expect(401))
    })
  })

  branch('the session still lives', () => {
    step('it has the time it had at the checkpoint', async ({ cache, expect }) => {
      expect(await cache.ttl(`session:${session.value}`)).toBeGreaterThan(1780)
    })
  })
})
