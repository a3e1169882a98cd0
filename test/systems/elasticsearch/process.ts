// A process of the application: it sends what it is told over one connection of its own.
import { Wire } from './wire.ts'

const wire = new Wire(process.argv[2] ?? '')

interface Request {
  readonly id: number
  readonly method: string
  readonly path: string
  readonly body?: object | string
}

process.on('message', ({ id, method, path, body }: Request) => {
  wire.send(method, path, body).then(
    (answer) => process.send?.({ id, answer }),
    (error: Error) => process.send?.({ id, error: error.message }),
  )
})

await wire.ask('GET', '/')
process.send?.('ready')
