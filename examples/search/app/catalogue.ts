import { Client } from 'elasticsearch8'
import fastify, { type FastifyInstance } from 'fastify'
import pg from 'pg'

interface Product {
  id: number
  name: string
  price: number
}

/** A catalogue whose products are rows of a database, and documents of an index where they are searched. */
export async function catalogue(database: string, server: string, index: string): Promise<FastifyInstance> {
  const pool = new pg.Pool({ connectionString: database, max: 5 })
  await pool.query(`create table if not exists products (
    id serial primary key, name text not null unique, price int not null check (price >= 0))`)
  const search = new Client({ node: server })
  if (!(await search.indices.exists({ index }))) {
    await search.indices.create({
      index,
      settings: { number_of_shards: 1, number_of_replicas: 0 },
      mappings: { properties: { name: { type: 'text' }, price: { type: 'integer' } } },
    })
  }

  /** What is committed is put into the index; a search right after it finds it. */
  const indexed = async ({ id, name, price }: Product): Promise<void> => {
    await search.index({ index, id: String(id), document: { name, price }, refresh: true })
  }

  const app = fastify()

  app.post<{ Body: Omit<Product, 'id'> }>('/products', async ({ body }, reply) => {
    const { rows } = await pool.query<Product>(
      'insert into products (name, price) values ($1, $2) on conflict do nothing returning *',
      [body.name, body.price],
    )
    if (!rows[0]) return reply.code(409).send({ error: 'there is such a product' })
    await indexed(rows[0])
    return reply.code(201).send(rows[0])
  })

  app.patch<{ Params: { id: string }; Body: Partial<Product> }>('/products/:id', async ({ params, body }, reply) => {
    const { rows } = await pool.query<Product>(
      'update products set name = coalesce($2, name), price = coalesce($3, price) where id = $1 returning *',
      [params.id, body.name, body.price],
    )
    if (!rows[0]) return reply.code(404).send()
    await indexed(rows[0])
    return rows[0]
  })

  app.delete<{ Params: { id: string } }>('/products/:id', async ({ params }, reply) => {
    const { rowCount } = await pool.query('delete from products where id = $1', [params.id])
    if (rowCount === 0) return reply.code(404).send()
    await search.delete({ index, id: params.id, refresh: true })
    return reply.code(204).send()
  })

  app.get('/products', async () => {
    const { rows } = await pool.query<Product>('select * from products order by id')
    return rows
  })

  /** The ids and names of what is found, the best first. */
  app.get<{ Querystring: { q: string } }>('/search', async ({ query }) => {
    const { hits } = await search.search<Product>({ index, query: { match: { name: query.q } }, size: 100 })
    return hits.hits.map(({ _id, _source }) => ({ id: Number(_id), name: _source?.name }))
  })

  app.addHook('onClose', async () => {
    await Promise.all([pool.end(), search.close()])
  })
  return app
}
