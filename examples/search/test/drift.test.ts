import request from 'supertest'
import { type Rollbackable, World } from 'venomqa'
import { elasticsearch } from 'venomqa/elasticsearch'
import { postgres } from 'venomqa/postgres'
import { expect, inject, test } from 'vitest'

const { url, database, server, index } = inject('catalogue')
const api = request(url)
const db = postgres(database)
const search = elasticsearch(server, { indices: [index] })

/** The names of the lamps that are sold, and of those that are found. */
async function bothSides(): Promise<{ sold: string[]; found: string[] }> {
  const [sold, found] = await Promise.all([api.get('/products'), api.get('/search?q=lamp')])
  const names = (body: { name: string }[]): string[] => body.map(({ name }) => name).toSorted()
  return { sold: names(sold.body), found: names(found.body) }
}

async function sellALampAndGoBack(systems: Record<string, Rollbackable>): Promise<void> {
  const world = await World.open({ systems })
  const { body: lamp } = await api.post('/products').send({ name: 'a lamp', price: 100 }).expect(201)
  await api.patch(`/products/${lamp.id}`).send({ name: 'a red lamp' }).expect(200)
  expect(await bothSides()).toEqual({ sold: ['a red lamp'], found: ['a red lamp'] })
  await world.rollback(world.start)
  await world.close()
}

test('with both in one world, they go back together', async () => {
  for (let times = 0; times < 3; times++) {
    await sellALampAndGoBack({ db, search })
    expect(await bothSides()).toEqual({ sold: [], found: [] })
  }
})

test('with the database alone, search finds what nobody sells', async () => {
  const around = await World.open({ systems: { search } })
  await sellALampAndGoBack({ db })
  expect(await bothSides()).toEqual({ sold: [], found: ['a red lamp'] })
  await around.close()
  expect(await bothSides()).toEqual({ sold: [], found: [] })
})
