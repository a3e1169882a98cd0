// A process of the application: it runs the commands it is sent, each on the connection it names.
import { Redis } from 'ioredis'

const url = process.argv[2] ?? ''
const connections = new Map<string, Redis>()

function connection(name: string): Redis {
  const known = connections.get(name)
  if (known) return known
  const opened = new Redis(url, { connectionName: `application-${name}` })
  connections.set(name, opened)
  return opened
}

interface Request {
  readonly id: number
  readonly on: string
  readonly commands: readonly (readonly string[])[]
}

process.on('message', ({ id, on, commands }: Request) => {
  const client = connection(on)
  // Bytes travel as latin1: a message is JSON.
  const calls = commands.map(([name = '', ...parts]) =>
    client.callBuffer(name, ...parts.map((part) => Buffer.from(part, 'latin1'))),
  )
  Promise.all(calls).then(
    (results) => process.send?.({ id, results: results.map(plain) }),
    (error: Error) => process.send?.({ id, error: error.message }),
  )
})

function plain(reply: unknown): unknown {
  if (Buffer.isBuffer(reply)) return reply.toString('latin1')
  return Array.isArray(reply) ? reply.map(plain) : reply
}

process.send?.('ready')
