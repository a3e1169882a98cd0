import { branch, checkpoint, journey, step, test } from './world.ts'

const buyers = Array.from({ length: 20 }, (_, index) => index + 1)

journey('twenty buy at once on eight connections', () => {
  step('they sign up', async ({ api, expect }) => {
    const users = await Promise.all(
      buyers.map((n) =>
        api
          .post('/users')
          .send({ name: `buyer ${n}` })
          .expect(201),
      ),
    )
    expect(new Set(users.map(({ body }) => body.id))).toEqual(new Set(buyers))
  })
  checkpoint('before the rush')

  for (const [item, count] of Object.entries({ lamp: 3, chair: 1 })) {
    branch(`${item}: ${count} of them`, () => {
      const numbers = step('no more are sold than there are', async ({ api, expect }) => {
        const answers = await Promise.all(buyers.map((user) => api.post('/orders').send({ user, item })))
        const sold = answers.filter(({ status }) => status === 201)
        expect(sold).toHaveLength(count)
        expect(answers.filter(({ status }) => status === 409)).toHaveLength(buyers.length - count)
        return sold.map(({ body }) => body.number as string).toSorted()
      })
      step('each order has a number of its own, and the stock is empty', async ({ db, expect }) => {
        expect(numbers.value).toEqual(['A-0001', 'A-0002', 'A-0003'].slice(0, count))
        const { rows } = await db.query('select left_over from stock where item = $1', [item])
        expect(rows).toEqual([{ left_over: 0 }])
      })
    })
  }

  branch('one coupon, twenty hands', () => {
    step('it is used once', async ({ api, expect }) => {
      const sent = { item: 'lamp', coupon: 'WELCOME' }
      const answers = await Promise.all(buyers.map((user) => api.post('/orders').send({ ...sent, user })))
      const totals = answers.filter(({ status }) => status === 201).map(({ body }) => body.total as number)
      expect(totals.toSorted((a, b) => a - b)).toEqual([8000, 10000, 10000])
    })
  })
})

test('an ordinary test starts from what the shop began with', async ({ api, changes, expect }) => {
  await api.post('/users').send({ name: 'grace' }).expect(201)
  expect(await changes()).toEqual({
    db: [{ table: 'users', inserted: [{ id: '1', name: 'grace' }], updated: [], deleted: [] }],
  })
})
