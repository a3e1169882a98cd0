import knex, { type Knex } from 'knex'
import { type Book, serve } from './serve.ts'

async function up({ schema }: Knex): Promise<void> {
  await schema
    .createTable('authors', (table) => {
      table.increments('id')
      table.text('name').notNullable().unique()
    })
    .createTable('books', (table) => {
      table.increments('id')
      table.integer('author_id').notNullable().references('authors.id')
      table.text('title').notNullable()
      table.integer('copies').notNullable().defaultTo(2)
      table.integer('version').notNullable().defaultTo(1)
      table.unique(['author_id', 'title'])
    })
    .createTable('ratings', (table) => {
      table.integer('book_id').references('books.id')
      table.text('reader')
      table.integer('stars').notNullable()
      table.primary(['book_id', 'reader'])
    })
    .createTable('loans', (table) => {
      table.increments('id')
      table.integer('book_id').notNullable().references('books.id')
      table.text('reader').notNullable()
    })
}

const db = knex.knex({ client: 'pg', connection: process.env['DATABASE_URL'] ?? '' })
await db.migrate.latest({
  migrationSource: {
    getMigrations: async () => ['0001_library'],
    getMigrationName: (name: string) => name,
    getMigration: async () => ({ up, down: async () => {} }),
  },
})

await serve({
  add: (all) =>
    db.transaction(async (outer) => {
      const added: { id: number; books: number[] }[] = []
      const refused: string[] = []
      for (const { name, titles } of all) {
        try {
          const author = await outer.transaction(async (tx) => {
            const [{ id }] = await tx('authors').insert({ name }, 'id')
            const rows = titles.map((title) => ({ author_id: id, title }))
            const books = await tx('books').insert(rows, 'id')
            return { id, books: books.map((book) => book.id) }
          })
          added.push(author)
        } catch {
          refused.push(name)
        }
      }
      return { added, refused }
    }),

  async author(id) {
    const author = await db('authors').where({ id }).first()
    if (!author) return undefined
    const books: Omit<Book, 'ratings'>[] = await db('books').where({ author_id: id }).orderBy('id')
    const ratings = await db('ratings')
      .whereIn(
        'book_id',
        books.map((book) => book.id),
      )
      .orderBy('reader')
    const of = (book: number) => ratings.filter(({ book_id }) => book_id === book)
    return {
      ...author,
      books: books.map(({ id, title, version }) => ({
        id,
        title,
        version,
        ratings: of(id).map(({ reader, stars }) => ({ reader, stars })),
      })),
    }
  },

  async rate(book_id, reader, stars) {
    await db('ratings').insert({ book_id, reader, stars }).onConflict(['book_id', 'reader']).merge()
  },

  async retitle(id, version, title) {
    return (await db('books').where({ id, version }).update({ title }).increment('version')) === 1
  },

  lend: (book_id, reader) =>
    db.transaction(async (tx) => {
      const book = await tx('books').where({ id: book_id }).forUpdate().first()
      const out = await tx('loans').where({ book_id })
      if (!book || out.length >= book.copies) return undefined
      const [loan] = await tx('loans').insert({ book_id, reader }, 'id')
      return loan.id
    }),
})
