// An application with a process and a pool of its own: PUT /key stores a text, GET / answers all of them.
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { text } from 'node:stream/consumers'
import pg from 'pg'

const pool = new pg.Pool({ connectionString: process.argv[2], max: 4 })

const server = createServer((request, response) => {
  void answer().then(
    (body) => response.end(body),
    (error: unknown) => response.writeHead(500).end(String(error)),
  )

  async function answer(): Promise<string> {
    if (request.method === 'PUT') {
      const values = [request.url?.slice(1), await text(request)]
      await pool.query('insert into kv values ($1, $2) on conflict (key) do update set value = $2', values)
      return ''
    }
    const { rows } = await pool.query<{ key: string; value: string }>('select key, value from kv')
    return JSON.stringify(Object.fromEntries(rows.map(({ key, value }) => [key, value])))
  }
})

server.listen(0, '127.0.0.1', () => console.log(`http://127.0.0.1:${(server.address() as AddressInfo).port}/`))
