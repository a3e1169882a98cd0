import { DataSource, EntitySchema } from 'typeorm'
import { type Book as Shown, serve } from './serve.ts'

interface Author {
  id: number
  name: string
  books: Book[]
}
interface Book extends Shown {
  author: { id: number }
  copies: number
}
interface Rating {
  bookId: number
  book: { id: number }
  reader: string
  stars: number
}
interface Loan {
  id: number
  book: { id: number }
  reader: string
}

const Author = new EntitySchema<Author>({
  name: 'authors',
  columns: { id: { type: 'int', primary: true, generated: true }, name: { type: 'text', unique: true } },
  relations: { books: { type: 'one-to-many', target: 'books', inverseSide: 'author', eager: true } },
})
const Book = new EntitySchema<Book>({
  name: 'books',
  columns: {
    id: { type: 'int', primary: true, generated: true },
    title: { type: 'text' },
    copies: { type: 'int', default: 2, select: false },
    version: { type: 'int', version: true },
  },
  relations: {
    author: { type: 'many-to-one', target: 'authors', nullable: false },
    ratings: { type: 'one-to-many', target: 'ratings', inverseSide: 'book', eager: true },
  },
  uniques: [{ columns: ['author', 'title'] }],
})
const Rating = new EntitySchema<Rating>({
  name: 'ratings',
  columns: {
    bookId: { type: 'int', primary: true, select: false },
    reader: { type: 'text', primary: true },
    stars: { type: 'int' },
  },
  relations: { book: { type: 'many-to-one', target: 'books' } },
})
const Loan = new EntitySchema<Loan>({
  name: 'loans',
  columns: { id: { type: 'int', primary: true, generated: true }, reader: { type: 'text' } },
  relations: { book: { type: 'many-to-one', target: 'books', nullable: false } },
})

const source = new DataSource({
  type: 'postgres',
  url: process.env['DATABASE_URL'] ?? '',
  entities: [Author, Book, Rating, Loan],
  synchronize: true,
})
const { manager } = await source.initialize()

await serve({
  add: (all) =>
    manager.transaction(async (outer) => {
      const added: { id: number; books: number[] }[] = []
      const refused: string[] = []
      for (const { name, titles } of all) {
        try {
          const saved = await outer.transaction(async (tx) => {
            const author = await tx.save(Author, { name })
            const books = await tx.save(
              Book,
              titles.map((title) => ({ title, author })),
            )
            return { id: author.id, books: books.map((book) => book.id) }
          })
          added.push(saved)
        } catch {
          refused.push(name)
        }
      }
      return { added, refused }
    }),

  async author(id) {
    const order = { books: { id: 'asc', ratings: { reader: 'asc' } } } as const
    return (await manager.findOne(Author, { where: { id }, order })) ?? undefined
  },

  async rate(bookId, reader, stars) {
    await manager.upsert(Rating, { bookId, reader, stars }, ['bookId', 'reader'])
  },

  async retitle(id, version, title) {
    // The version column is counted up by TypeORM.
    return (await manager.update(Book, { id, version }, { title })).affected === 1
  },

  lend: (id, reader) =>
    manager.transaction(async (tx) => {
      const [book] = await tx.find(Book, {
        select: { copies: true },
        where: { id },
        loadEagerRelations: false,
        lock: { mode: 'pessimistic_write' },
      })
      if (!book || (await tx.countBy(Loan, { book: { id } })) >= book.copies) return undefined
      return (await tx.save(Loan, { book: { id }, reader })).id
    }),
})
