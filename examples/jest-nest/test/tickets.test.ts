import { expect } from '@jest/globals'
import { branch, checkpoint, journey, step, test } from './world.ts'

journey('a show with two seats', () => {
  const show = step('announce it', async ({ api }) => {
    return (await api.post('/shows').send({ title: 'Hamlet', seats: 2 }).expect(201)).body
  })
  const ticket = step('ada takes a seat', async ({ api }) => {
    return (await api.post(`/shows/${show.value.id}/tickets`).send({ holder: 'ada' }).expect(201)).body
  })
  checkpoint('one seat is left')

  branch('pay', () => {
    step('pay it', ({ api }) => api.post(`/tickets/${ticket.value.id}/pay`).expect(200))
    checkpoint('paid')

    branch('it is paid once', () => {
      step('pay again', ({ api }) => api.post(`/tickets/${ticket.value.id}/pay`).expect(409))
    })
    branch('what is paid is not taken back', () => {
      step('return it', ({ api }) => api.post(`/tickets/${ticket.value.id}/return`).expect(409))
    })
  })

  branch('return', () => {
    step('return it', ({ api }) => api.post(`/tickets/${ticket.value.id}/return`).expect(200))
    step('both seats are free', async ({ api }) => {
      expect((await api.get(`/shows/${show.value.id}`).expect(200)).body.left).toBe(2)
    })
  })

  branch('ten want the last seat at once', () => {
    step('one of them gets it', async ({ api }) => {
      const guests = Array.from({ length: 10 }, (_, i) => `guest ${i}`)
      const answers = await Promise.all(
        guests.map((holder) => api.post(`/shows/${show.value.id}/tickets`).send({ holder })),
      )
      expect(answers.filter(({ status }) => status === 201)).toHaveLength(1)
      expect(answers.filter(({ status }) => status === 409)).toHaveLength(9)
    })
    step('the nine left nothing behind', async ({ changes }) => {
      const { db } = await changes()
      expect(db.map(({ table, inserted }) => [table, inserted.length])).toEqual([['tickets', 1]])
    })
  })

  branch('one seat each', () => {
    step('ada wants another', async ({ api }) => {
      await api.post(`/shows/${show.value.id}/tickets`).send({ holder: 'ada' }).expect(409)
    })
  })
})

test('an ordinary test starts from what the application began with', async ({ api, db }) => {
  const { body } = await api.post('/shows').send({ title: 'Macbeth', seats: 100 }).expect(201)
  expect((await db.query('select * from shows')).rows).toEqual([{ ...body, id: 1 }])
})
