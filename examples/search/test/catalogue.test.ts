import { branch, checkpoint, journey, step } from './world.ts'

journey('a catalogue with search', () => {
  const lamp = step('sell a lamp and a chair', async ({ api }) => {
    await api.post('/products').send({ name: 'a wooden chair', price: 250 }).expect(201)
    return (await api.post('/products').send({ name: 'a green lamp', price: 100 }).expect(201)).body as { id: number }
  })
  checkpoint('on sale')

  branch('rename it', () => {
    step('the lamp is red now', ({ api }) =>
      api.patch(`/products/${lamp.value.id}`).send({ name: 'a red lamp' }).expect(200),
    )
    checkpoint('renamed')
    branch('by its new name', () => {
      step('it is found', ({ api }) => api.get('/search?q=red').expect([{ id: lamp.value.id, name: 'a red lamp' }]))
    })
    branch('by its old name', () => {
      step('it is not found', ({ api }) => api.get('/search?q=green').expect([]))
    })
  })

  branch('sell it no longer', () => {
    step('take it off', ({ api }) => api.delete(`/products/${lamp.value.id}`).expect(204))
    step('it is not found', ({ api }) => api.get('/search?q=lamp').expect([]))
  })

  branch('one more lamp', () => {
    step('both are found', async ({ api, expect }) => {
      await api.post('/products').send({ name: 'a blue lamp', price: 120 }).expect(201)
      const { body: found } = await api.get('/search?q=lamp')
      expect(found).toMatchObject([{ name: 'a green lamp' }, { name: 'a blue lamp' }])
    })
  })

  branch('as it was', () => {
    step('one green lamp is found', ({ api }) =>
      api.get('/search?q=lamp').expect([{ id: lamp.value.id, name: 'a green lamp' }]),
    )
    step('the next product has the next id, in both', async ({ api, changes, expect }) => {
      const { body } = await api.post('/products').send({ name: 'a table', price: 400 }).expect(201)
      expect(body.id).toBe(lamp.value.id + 1)
      const { db, search } = await changes()
      expect([db[0]?.inserted.length, search[0]?.inserted.length]).toEqual([1, 1])
    })
  })
})
