import { fastify } from 'fastify'

export interface Book {
  id: number
  title: string
  version: number
  ratings: { reader: string; stars: number }[]
}

/** A lending library, whatever keeps its books. There are two copies of each. */
export interface Library {
  /** Adds authors with their books in one transaction. What is refused leaves nothing and stops nobody else. */
  add(authors: { name: string; titles: string[] }[]): Promise<{
    added: { id: number; books: number[] }[]
    refused: string[]
  }>
  author(id: number): Promise<{ id: number; name: string; books: Book[] } | undefined>
  /** A reader has one rating of a book: the last. */
  rate(book: number, reader: string, stars: number): Promise<void>
  /** False if the book is not in that version any more. */
  retitle(book: number, version: number, title: string): Promise<boolean>
  /** The id of the loan; undefined if all copies are out. */
  lend(book: number, reader: string): Promise<number | undefined>
}

type OfId<Body = unknown> = { Params: { id: number }; Body: Body }

/** Serves a library over HTTP and prints the address. */
export async function serve(library: Library): Promise<void> {
  const app = fastify()
  const schema = { params: { type: 'object', properties: { id: { type: 'integer' } } } }

  app.post<{ Body: Parameters<Library['add']>[0] }>('/authors', ({ body }) => library.add(body))
  app.get<OfId>('/authors/:id', { schema }, async ({ params }, reply) => {
    return (await library.author(params.id)) ?? reply.code(404).send()
  })
  app.put<OfId<{ reader: string; stars: number }>>('/books/:id/rating', { schema }, async ({ params, body }, reply) => {
    await library.rate(params.id, body.reader, body.stars)
    return reply.code(204).send()
  })
  app.put<OfId<{ version: number; title: string }>>('/books/:id', { schema }, async ({ params, body }, reply) => {
    const done = await library.retitle(params.id, body.version, body.title)
    return reply.code(done ? 204 : 409).send()
  })
  app.post<OfId<{ reader: string }>>('/books/:id/loans', { schema }, async ({ params, body }, reply) => {
    const id = await library.lend(params.id, body.reader)
    return id === undefined ? reply.code(409).send() : reply.code(201).send({ id })
  })
  console.log(await app.listen({ port: Number(process.env['PORT'] ?? 3000), host: '127.0.0.1' }))
}
