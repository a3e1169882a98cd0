import { appendFileSync, writeFileSync } from 'node:fs'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'

/** An application that logs what it is asked for, and refuses what it does not know. */
export async function application(log: string): Promise<string> {
  writeFileSync(log, 'from before\n')
  const server = createServer((request, response) => {
    appendFileSync(log, `${request.method} ${request.url}\n`)
    response.statusCode = request.url === '/lamps' ? 201 : 500
    if (response.statusCode === 500) appendFileSync(log, 'Error: no such table <b>orders</b>\n')
    response.end('{}')
  })
  await new Promise<void>((resolve) => server.listen(0, resolve))
  server.unref()
  return `http://localhost:${(server.address() as AddressInfo).port}`
}
