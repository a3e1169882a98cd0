import { once } from 'node:events'
import { connect, type Socket } from 'node:net'

/** One field of a BSON document as bytes, for documents that no driver writes any more. */
export type Field = Buffer

export const int32 = (name: string, value: number): Field => {
  const bytes = Buffer.alloc(4)
  bytes.writeInt32LE(value)
  return field(16, name, bytes)
}
export const text = (name: string, value: string): Field => {
  const size = Buffer.alloc(4)
  size.writeInt32LE(Buffer.byteLength(value) + 1)
  return field(2, name, Buffer.concat([size, Buffer.from(`${value}\0`)]))
}
export const embedded = (name: string, ...fields: Field[]): Field => field(3, name, document(...fields))
export const undefinedIn = (name: string): Field => field(6, name, Buffer.alloc(0))
export const yes = (name: string): Field => field(8, name, Buffer.of(1))
export const zeroTimestamp = (name: string): Field => field(17, name, Buffer.alloc(8))
export const documents = (name: string, ...all: Field[][]): Field =>
  field(4, name, document(...all.map((fields, index) => embedded(String(index), ...fields))))

function field(type: number, name: string, value: Buffer): Field {
  return Buffer.concat([Buffer.of(type), Buffer.from(`${name}\0`), value])
}

function document(...fields: Field[]): Buffer {
  const body = Buffer.concat([...fields, Buffer.of(0)])
  const size = Buffer.alloc(4)
  size.writeInt32LE(body.length + 4)
  return Buffer.concat([size, body])
}

/** A bare connection, which sends commands as bytes (OP_MSG). */
export class Wire {
  readonly #socket: Socket
  /** One at a time: a reply does not say to which command it belongs, unless one reads it. */
  #last: Promise<void> = Promise.resolve()

  private constructor(socket: Socket) {
    this.#socket = socket
  }

  static async open(url: string): Promise<Wire> {
    const { hostname, port } = new URL(url)
    const socket = connect(Number(port), hostname)
    await once(socket, 'connect')
    return new Wire(socket)
  }

  /** Sends a command and waits for its reply, whatever that is. */
  send(...fields: Field[]): Promise<void> {
    const sent = this.#last.then(() => this.#send(document(...fields)))
    this.#last = sent
    return sent
  }

  async #send(body: Buffer): Promise<void> {
    const head = Buffer.alloc(21)
    head.writeInt32LE(head.length + body.length, 0)
    head.writeInt32LE(1, 4)
    head.writeInt32LE(2013, 12)
    this.#socket.write(Buffer.concat([head, body]))
    await once(this.#socket, 'data')
  }

  close(): void {
    this.#socket.destroy()
  }
}
