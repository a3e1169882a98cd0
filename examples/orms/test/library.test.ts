import { branch, checkpoint, journey, step, test } from './world.ts'

const leGuin = { name: 'Le Guin', titles: ['The Dispossessed', 'Lavinia', 'Malafrena'] }
const lem = { name: 'Lem', titles: ['Solaris', 'Eden'] }

journey('a library', () => {
  step('add authors: each is a transaction in a transaction', async ({ api, expect }) => {
    const twice = { name: 'Nobody', titles: ['Twice', 'Twice'] }
    const { body } = await api.post('/authors').send([leGuin, twice, lem]).expect(200)
    // What is refused used numbers up, for sequences never go back in a transaction: one author, two books.
    expect(body).toEqual({
      added: [
        { id: 1, books: [1, 2, 3] },
        { id: 3, books: [6, 7] },
      ],
      refused: ['Nobody'],
    })
  })
  checkpoint('filled')

  for (const time of ['once', 'and once more']) {
    branch(`another author, ${time}`, () => {
      step('the numbers go on where they were', async ({ api, expect }) => {
        const { body } = await api.post('/authors').send([{ name: 'Dick', titles: ['Ubik'] }, lem])
        expect(body).toEqual({ added: [{ id: 4, books: [8] }], refused: ['Lem'] })
      })
    })
  }

  branch('rate', () => {
    step('rate a book', ({ api }) => api.put('/books/6/rating').send({ reader: 'ada', stars: 3 }).expect(204))
    checkpoint('rated')

    branch('a second thought', () => {
      step('replaces the first', async ({ api, changes, expect }) => {
        await api.put('/books/6/rating').send({ reader: 'ada', stars: 5 }).expect(204)
        const [ratings] = (await changes()).db
        expect(ratings?.updated).toMatchObject([{ before: { stars: '3' }, after: { stars: '5' } }])
      })
    })
    branch('another reader', () => {
      step('stands beside it', async ({ api, expect }) => {
        await api.put('/books/6/rating').send({ reader: 'bob', stars: 1 }).expect(204)
        const { body } = await api.get('/authors/3').expect(200)
        expect(body).toEqual({
          id: 3,
          name: 'Lem',
          books: [
            {
              id: 6,
              title: 'Solaris',
              version: 1,
              ratings: [
                { reader: 'ada', stars: 3 },
                { reader: 'bob', stars: 1 },
              ],
            },
            { id: 7, title: 'Eden', version: 1, ratings: [] },
          ],
        })
      })
    })
  })

  branch('two edit a book', () => {
    step('one of them is first', async ({ api, expect }) => {
      const edits = ['Éden', 'EDEN'].map((title) => api.put('/books/7').send({ version: 1, title }))
      expect((await Promise.all(edits)).map(({ status }) => status).toSorted((a, b) => a - b)).toEqual([204, 409])
    })
    checkpoint('edited')

    branch('the other looks again', () => {
      step('and edits what is there now', ({ api }) => api.put('/books/7').send({ version: 2, title: 'E' }).expect(204))
    })
    branch('the other insists', () => {
      step('in vain', ({ api }) => api.put('/books/7').send({ version: 1, title: 'E' }).expect(409))
    })
  })

  for (const book of [1, 2]) {
    branch(`six want book ${book}, of which there are two copies`, () => {
      step('two get it, and the loans are 1 and 2', async ({ api, expect }) => {
        const readers = ['ada', 'bob', 'cy', 'dee', 'eve', 'fay']
        const answers = await Promise.all(readers.map((reader) => api.post(`/books/${book}/loans`).send({ reader })))
        const lent = answers.filter(({ status }) => status === 201).map(({ body }) => body.id as number)
        expect(lent.toSorted((a, b) => a - b)).toEqual([1, 2])
        expect(answers.filter(({ status }) => status === 409)).toHaveLength(4)
      })
    })
  }
})

test('an ordinary test starts from an empty library', async ({ api, expect }) => {
  await api.get('/authors/1').expect(404)
  const { body } = await api.post('/authors').send([lem]).expect(200)
  expect(body).toEqual({ added: [{ id: 1, books: [1, 2] }], refused: [] })
})
