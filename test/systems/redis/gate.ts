import { once } from 'node:events'
import { connect, createServer, type Server, type Socket } from 'node:net'

/** Stands before a server, and can have something happen just before one of the messages that pass to it. */
export class Gate implements AsyncDisposable {
  readonly #server: Server
  readonly #sockets = new Set<Socket>()
  #left = Infinity
  #times = 1
  #happens: () => Promise<unknown> = async () => {}

  private constructor(url: URL) {
    this.#server = createServer((client) => this.#pass(client, url))
  }

  static async before(url: string): Promise<Gate> {
    const gate = new Gate(new URL(url))
    gate.#server.listen(0, '127.0.0.1')
    await once(gate.#server, 'listening')
    return gate
  }

  get url(): string {
    return `redis://127.0.0.1:${(this.#server.address() as { port: number }).port}`
  }

  /** Lets `happens` run before the message with this number, counted from now on, and before those that follow; 1 is the next. */
  at(message: number, happens: () => Promise<unknown>, times = 1): void {
    this.#left = message
    this.#times = times
    this.#happens = happens
  }

  /** Whether that message has not come yet; from now on nothing happens. */
  spared(): boolean {
    const spared = this.#left > 0
    this.#left = Infinity
    return spared
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const socket of this.#sockets) socket.destroy()
    this.#server.close()
  }

  #pass(client: Socket, { hostname, port }: URL): void {
    const server = connect({ host: hostname, port: Number(port) }).setNoDelay(true)
    for (const socket of [client, server]) {
      this.#sockets.add(socket)
      socket.on('error', () => {})
      socket.on('close', () => [client, server].map((either) => either.destroy()))
    }
    server.on('data', (bytes) => client.write(bytes))
    let turn = Promise.resolve()
    client.setNoDelay(true).on('data', (bytes) => {
      turn = turn.then(async () => {
        this.#left -= 1
        if (this.#left <= 0 && this.#left > -this.#times) await this.#happens()
        server.write(bytes)
      })
    })
  }
}
