import { expect } from 'vitest'
import { test } from './world.ts'

test('a new user gets the first number', async ({ api, changes }) => {
  const { body } = await api.post('/users').send({ name: 'ada' }).expect(201)
  expect(body.id).toBe(1)
  expect(await changes()).toEqual({
    db: [{ table: 'users', inserted: [{ id: 1, name: 'ada' }], updated: [], deleted: [] }],
  })
})

test('the next test gets it too: the first was rolled back', async ({ api, db }) => {
  const { body } = await api.post('/users').send({ name: 'grace' }).expect(201)
  expect(body.id).toBe(1)
  expect(db.prepare('select name from users').all()).toEqual([{ name: 'grace' }])
})
