import { type Generated, Kysely, PostgresDialect } from 'kysely'
import { jsonArrayFrom } from 'kysely/helpers/postgres'
import { Migrator } from 'kysely/migration'
import { Pool } from 'pg'
import { serve } from './serve.ts'

interface Tables {
  authors: { id: Generated<number>; name: string }
  books: {
    id: Generated<number>
    author_id: number
    title: string
    copies: Generated<number>
    version: Generated<number>
  }
  ratings: { book_id: number; reader: string; stars: number }
  loans: { id: Generated<number>; book_id: number; reader: string }
}

async function library(db: Kysely<unknown>): Promise<void> {
  await db.schema
    .createTable('authors')
    .addColumn('id', 'serial', (id) => id.primaryKey())
    .addColumn('name', 'text', (name) => name.notNull().unique())
    .execute()
  await db.schema
    .createTable('books')
    .addColumn('id', 'serial', (id) => id.primaryKey())
    .addColumn('author_id', 'integer', (author) => author.notNull().references('authors.id'))
    .addColumn('title', 'text', (title) => title.notNull())
    .addColumn('copies', 'integer', (copies) => copies.notNull().defaultTo(2))
    .addColumn('version', 'integer', (version) => version.notNull().defaultTo(1))
    .addUniqueConstraint('books_of_an_author', ['author_id', 'title'])
    .execute()
  await db.schema
    .createTable('ratings')
    .addColumn('book_id', 'integer', (book) => book.notNull().references('books.id'))
    .addColumn('reader', 'text', (reader) => reader.notNull())
    .addColumn('stars', 'integer', (stars) => stars.notNull())
    .addPrimaryKeyConstraint('ratings_key', ['book_id', 'reader'])
    .execute()
  await db.schema
    .createTable('loans')
    .addColumn('id', 'serial', (id) => id.primaryKey())
    .addColumn('book_id', 'integer', (book) => book.notNull().references('books.id'))
    .addColumn('reader', 'text', (reader) => reader.notNull())
    .execute()
}

const pool = new Pool({ connectionString: process.env['DATABASE_URL'] })
const db = new Kysely<Tables>({ dialect: new PostgresDialect({ pool }) })
const provider = { getMigrations: async () => ({ '0001_library': { up: library } }) }
const { error } = await new Migrator({ db, provider }).migrateToLatest()
if (error !== undefined) throw error

async function addAuthor(tx: Kysely<Tables>, name: string, titles: string[]): Promise<{ id: number; books: number[] }> {
  const { id } = await tx.insertInto('authors').values({ name }).returning('id').executeTakeFirstOrThrow()
  const rows = titles.map((title) => ({ author_id: id, title }))
  const books = await tx.insertInto('books').values(rows).returning('id').execute()
  return { id, books: books.map((book) => book.id) }
}

await serve({
  async add(all) {
    const tx = await db.startTransaction().execute()
    const added: { id: number; books: number[] }[] = []
    const refused: string[] = []
    for (const { name, titles } of all) {
      const inner = await tx.savepoint('author').execute()
      try {
        added.push(await addAuthor(inner, name, titles))
        await inner.releaseSavepoint('author').execute()
      } catch {
        await inner.rollbackToSavepoint('author').execute()
        refused.push(name)
      }
    }
    await tx.commit().execute()
    return { added, refused }
  },

  author: (id) =>
    db
      .selectFrom('authors')
      .select((author) => [
        'id',
        'name',
        jsonArrayFrom(
          author
            .selectFrom('books')
            .select((book) => [
              'id',
              'title',
              'version',
              jsonArrayFrom(
                book
                  .selectFrom('ratings')
                  .select(['reader', 'stars'])
                  .whereRef('book_id', '=', 'books.id')
                  .orderBy('reader'),
              ).as('ratings'),
            ])
            .whereRef('author_id', '=', 'authors.id')
            .orderBy('id'),
        ).as('books'),
      ])
      .where('id', '=', id)
      .executeTakeFirst(),

  async rate(book_id, reader, stars) {
    await db
      .insertInto('ratings')
      .values({ book_id, reader, stars })
      .onConflict((rating) => rating.columns(['book_id', 'reader']).doUpdateSet({ stars }))
      .execute()
  },

  async retitle(id, version, title) {
    const { numUpdatedRows } = await db
      .updateTable('books')
      .set({ title, version: version + 1 })
      .where('id', '=', id)
      .where('version', '=', version)
      .executeTakeFirst()
    return numUpdatedRows === 1n
  },

  lend: (book_id, reader) =>
    db.transaction().execute(async (tx) => {
      const book = await tx
        .selectFrom('books')
        .select('copies')
        .where('id', '=', book_id)
        .forUpdate()
        .executeTakeFirst()
      const out = await tx.selectFrom('loans').select('id').where('book_id', '=', book_id).execute()
      if (!book || out.length >= book.copies) return undefined
      const loan = await tx.insertInto('loans').values({ book_id, reader }).returning('id').executeTakeFirstOrThrow()
      return loan.id
    }),
})
