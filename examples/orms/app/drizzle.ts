import { and, count, eq, relations } from 'drizzle-orm'
import { drizzle } from 'drizzle-orm/node-postgres'
import { migrate } from 'drizzle-orm/node-postgres/migrator'
import { integer, pgTable, primaryKey, serial, text, unique } from 'drizzle-orm/pg-core'
import { Pool } from 'pg'
import { serve } from './serve.ts'

const authors = pgTable('authors', { id: serial().primaryKey(), name: text().notNull().unique() })
const books = pgTable(
  'books',
  {
    id: serial().primaryKey(),
    authorId: integer('author_id')
      .notNull()
      .references(() => authors.id),
    title: text().notNull(),
    copies: integer().notNull().default(2),
    version: integer().notNull().default(1),
  },
  (table) => [unique().on(table.authorId, table.title)],
)
const ratings = pgTable(
  'ratings',
  {
    bookId: integer('book_id')
      .notNull()
      .references(() => books.id),
    reader: text().notNull(),
    stars: integer().notNull(),
  },
  (table) => [primaryKey({ columns: [table.bookId, table.reader] })],
)
const loans = pgTable('loans', {
  id: serial().primaryKey(),
  bookId: integer('book_id')
    .notNull()
    .references(() => books.id),
  reader: text().notNull(),
})
const schema = {
  authors,
  books,
  ratings,
  authorRelations: relations(authors, ({ many }) => ({ books: many(books) })),
  bookRelations: relations(books, ({ one, many }) => ({
    author: one(authors, { fields: [books.authorId], references: [authors.id] }),
    ratings: many(ratings),
  })),
  ratingRelations: relations(ratings, ({ one }) => ({
    book: one(books, { fields: [ratings.bookId], references: [books.id] }),
  })),
}

const db = drizzle({ client: new Pool({ connectionString: process.env['DATABASE_URL'] }), schema })
await migrate(db, { migrationsFolder: `${import.meta.dirname}/drizzle` })

await serve({
  add: (all) =>
    db.transaction(async (outer) => {
      const added: { id: number; books: number[] }[] = []
      const refused: string[] = []
      for (const { name, titles } of all) {
        try {
          const author = await outer.transaction(async (tx) => {
            const [{ id } = { id: 0 }] = await tx.insert(authors).values({ name }).returning()
            const rows = titles.map((title) => ({ authorId: id, title }))
            const inserted = await tx.insert(books).values(rows).returning({ id: books.id })
            return { id, books: inserted.map((book) => book.id) }
          })
          added.push(author)
        } catch {
          refused.push(name)
        }
      }
      return { added, refused }
    }),

  author: (id) =>
    db.query.authors.findFirst({
      where: eq(authors.id, id),
      with: {
        books: {
          columns: { id: true, title: true, version: true },
          orderBy: books.id,
          with: { ratings: { columns: { reader: true, stars: true }, orderBy: ratings.reader } },
        },
      },
    }),

  async rate(bookId, reader, stars) {
    await db
      .insert(ratings)
      .values({ bookId, reader, stars })
      .onConflictDoUpdate({ target: [ratings.bookId, ratings.reader], set: { stars } })
  },

  async retitle(id, version, title) {
    const updated = await db
      .update(books)
      .set({ title, version: version + 1 })
      .where(and(eq(books.id, id), eq(books.version, version)))
    return updated.rowCount === 1
  },

  lend: (bookId, reader) =>
    db.transaction(async (tx) => {
      const [book] = await tx.select().from(books).where(eq(books.id, bookId)).for('update')
      const [out] = await tx.select({ count: count() }).from(loans).where(eq(loans.bookId, bookId))
      if (!book || !out || out.count >= book.copies) return undefined
      const [loan] = await tx.insert(loans).values({ bookId, reader }).returning()
      return loan?.id
    }),
})
