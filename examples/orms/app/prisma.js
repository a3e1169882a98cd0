// JavaScript, because the client that it imports is there only after `prisma generate`.
import { readFileSync } from 'node:fs'
import { PrismaPg } from '@prisma/adapter-pg'
import { PrismaClient } from './prisma/generated/client.ts'
import { serve } from './serve.ts'

const adapter = new PrismaPg({ connectionString: process.env['DATABASE_URL'] })
const prisma = new PrismaClient({ adapter })
// `prisma migrate` would do this, with an engine that it downloads.
await prisma.$executeRawUnsafe(readFileSync(new URL('prisma/library.sql', import.meta.url), 'utf8'))

await serve({
  add: (all) =>
    prisma.$transaction(async (outer) => {
      const added = []
      const refused = []
      for (const { name, titles } of all) {
        try {
          const author = await outer.$transaction(async (tx) => {
            const { id } = await tx.author.create({ data: { name } })
            const rows = titles.map((title) => ({ authorId: id, title }))
            const books = await tx.book.createManyAndReturn({ data: rows, select: { id: true } })
            return { id, books: books.map((book) => book.id) }
          })
          added.push(author)
        } catch {
          refused.push(name)
        }
      }
      return { added, refused }
    }),

  author: (id) =>
    prisma.author.findUnique({
      where: { id },
      include: {
        books: {
          select: {
            id: true,
            title: true,
            version: true,
            ratings: { select: { reader: true, stars: true }, orderBy: { reader: 'asc' } },
          },
          orderBy: { id: 'asc' },
        },
      },
    }),

  async rate(bookId, reader, stars) {
    await prisma.rating.upsert({
      where: { bookId_reader: { bookId, reader } },
      create: { bookId, reader, stars },
      update: { stars },
    })
  },

  async retitle(id, version, title) {
    const { count } = await prisma.book.updateMany({
      where: { id, version },
      data: { title, version: { increment: 1 } },
    })
    return count === 1
  },

  lend: (bookId, reader) =>
    prisma.$transaction(async (tx) => {
      const [book] = await tx.$queryRaw`select copies from books where id = ${bookId} for update`
      if (!book || (await tx.loan.count({ where: { bookId } })) >= book.copies) return undefined
      return (await tx.loan.create({ data: { bookId, reader } })).id
    }),
})
