import supertest from 'supertest'
import { memory } from 'venomqa/memory'
import { defineWorld } from 'venomqa/vitest'
import { expect, test as plain } from 'vitest'
import { application } from './app'

const store = new Map<string, number>()
const LOG = `app-${process.pid}.log`

const { journey, step, checkpoint, branch, explore, action } = defineWorld({
  systems: { db: memory(store) },
  api: async () => supertest(await application(LOG)),
  logs: () => LOG,
})

journey('buy <i>a lamp</i>', () => {
  step('make one', async ({ api, db }) => {
    await api.post('/lamps').expect(201)
    db.set('lamps', 1)
  })
  checkpoint('made')

  branch('order', () => {
    step('order it', async ({ api, db }) => {
      db.set('orders', 1)
      const { status } = await api.post('/orders?token=s3cret')
      expect({ status }).toEqual({ status: 201 })
    })
  })
  branch('by fetch', () => {
    step('fetch it', async ({ api }) => {
      await fetch(api.get('/').url + 'lamps', { method: 'PUT' })
    })
  })
  branch.todo('give it back')
})

explore('the lamp is lit or not', {
  actions: { toggle: action({ run: ({ db }) => void db.set('lit', db.get('lit') === 1 ? 0 : 1) }) },
})

explore('the lamp stays dark', {
  actions: { light: action({ run: ({ db }) => void db.set('lit', 1) }) },
  invariants: { dark: ({ db }) => db.get('lit') !== 1 },
})

plain('adds up', () => expect(1 + 1).toBe(2))
plain('does not', () => expect(1 + 1).toBe(3))
