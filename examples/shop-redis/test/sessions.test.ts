import { expect } from 'vitest'
import { key, test } from './world.ts'

test('a log-in is one key, for half an hour', async ({ api, changes }) => {
  const { body } = await api.post('/login').send({ name: 'grace' }).expect(201)
  const { cache } = await changes()
  expect(cache).toEqual([
    {
      key: key(`session:${body.session}`),
      inserted: [{ type: 'string', value: 'grace' }],
      updated: [],
      deleted: [],
    },
  ])
})

test('the next test has no session: the first was rolled back', async ({ cache }) => {
  expect(await cache.keys(key('session:*'))).toEqual([])
})
