import { branch, checkpoint, journey, step, test } from './world.ts'

journey('many buy at once, each in a transaction', () => {
  const users = step('five sign up', async ({ api }) => {
    const answers = await Promise.all(
      ['ada', 'bob', 'cy', 'dee', 'eve'].map((name) => api.post('/users').send({ name }).expect(201)),
    )
    return answers.map(({ body }) => body.id as string)
  })
  checkpoint('before the rush')

  for (const [item, count] of Object.entries({ lamp: 3, chair: 1 })) {
    branch(`${item}: ${count} of them`, () => {
      step('no more are sold than there are', async ({ api, db, expect }) => {
        const answers = await Promise.all(users.value.map((user) => api.post('/orders').send({ user, items: [item] })))
        expect(answers.filter(({ status }) => status === 201)).toHaveLength(count)
        expect(answers.filter(({ status }) => status === 409)).toHaveLength(5 - count)
        expect(await db.collection<{ _id: string }>('goods').findOne({ _id: item })).toMatchObject({ left: 0 })
        expect(await db.collection('orders').countDocuments()).toBe(count)
      })
    })
  }
})

test('an ordinary test starts from what the shop began with', async ({ db, expect }) => {
  expect(await db.collection('users').countDocuments()).toBe(0)
})
