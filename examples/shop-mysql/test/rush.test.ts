import { branch, checkpoint, journey, step, test } from './world.ts'

journey('many buy at once, each on a connection of its own', () => {
  step('five sign up', async ({ api, expect }) => {
    const users = await Promise.all(
      ['ada', 'bob', 'cy', 'dee', 'eve'].map((name) => api.post('/users').send({ name }).expect(201)),
    )
    expect(new Set(users.map(({ body }) => body.id))).toEqual(new Set([1, 2, 3, 4, 5]))
  })
  checkpoint('before the rush')

  for (const [item, count] of Object.entries({ lamp: 3, chair: 1 })) {
    branch(`${item}: ${count} of them`, () => {
      step('no more are sold than there are', async ({ api, db, expect }) => {
        const answers = await Promise.all([1, 2, 3, 4, 5].map((user) => api.post('/orders').send({ user, item })))
        expect(answers.filter(({ status }) => status === 201)).toHaveLength(count)
        expect(answers.filter(({ status }) => status === 409)).toHaveLength(5 - count)
        const [[row]] = (await db.query(`select left_over from stock where item = '${item}'`)) as [
          { left_over: number }[],
          unknown,
        ]
        expect(row?.left_over).toBe(0)
      })
    })
  }
})

test('an ordinary test starts from what the shop began with', async ({ api, expect }) => {
  const { body } = await api.post('/users').send({ name: 'grace' }).expect(201)
  expect(body.id).toBe(1)
})
