/** One part of a command. A string is bytes, one character each (latin1), so that a key of any bytes can be a string. */
export type Part = string | number | Buffer
/** A command and its arguments; or the bytes of one, that {@link encode} made before. */
export type Command = readonly Part[] | Buffer

/** An error the server answered with, as it said it. */
export class ReplyError extends Error {
  override readonly name = 'ReplyError'
  /** The first word: `NOPERM`, `OOM`, `WRONGTYPE`, `ERR`. */
  get kind(): string {
    return this.message.split(' ', 1)[0] ?? ''
  }
}

/**
 * What the server answers. Bulk strings are Buffers; doubles and big numbers stay text, for they are
 * only ever shown; sets are arrays; maps are flat arrays of keys and values.
 */
export type Reply = Buffer | string | number | boolean | null | ReplyError | readonly Reply[]

/** The bytes of `commands`, one after the other. */
export function encode(commands: readonly Command[]): Buffer {
  // Text is put together first: to write a string into a buffer takes as long for ten parts as for one.
  const pieces: { readonly text: string; readonly bytes: Buffer }[] = []
  let text = ''
  let size = 0
  for (const command of commands) {
    if (Buffer.isBuffer(command)) {
      pieces.push({ text, bytes: command })
      size += text.length + command.length
      text = ''
      continue
    }
    text += `*${command.length}\r\n`
    for (const part of command) {
      if (typeof part === 'object') {
        text += `$${part.length}\r\n`
        pieces.push({ text, bytes: part })
        size += text.length + part.length
        text = '\r\n'
      } else {
        const word = typeof part === 'number' ? String(part) : part
        text += `$${word.length}\r\n${word}\r\n`
      }
    }
  }
  if (pieces.length === 0) return Buffer.from(text, 'latin1')
  const out = Buffer.allocUnsafe(size + text.length)
  let at = 0
  for (const piece of pieces) {
    if (piece.text !== '') at += out.write(piece.text, at, 'latin1')
    out.set(piece.bytes, at)
    at += piece.bytes.length
  }
  out.write(text, at, 'latin1')
  return out
}

const CR = 0x0d

interface Open {
  readonly push: boolean
  readonly items: Reply[]
  missing: number
}

/** Reads replies (RESP2 and RESP3) from bytes as they come, in pieces of any size. */
export class Parser {
  readonly #onReply: (reply: Reply) => void
  readonly #onPush: (push: readonly Reply[]) => void
  #pieces: Buffer[] = []
  #size = 0
  /** How many bytes there must be before it is worth looking again: spares copying a long value once per piece. */
  #wanted = 1
  #open: Open[] = []
  #buffer: Buffer = Buffer.alloc(0)
  #at = 0
  /** How many bytes were read as whole replies. */
  consumed = 0

  constructor(onReply: (reply: Reply) => void, onPush: (push: readonly Reply[]) => void = onReply) {
    this.#onReply = onReply
    this.#onPush = onPush
  }

  /** Takes the next bytes and hands out every reply they complete. */
  feed(piece: Buffer): void {
    this.#pieces.push(piece)
    this.#size += piece.length
    if (this.#size < this.#wanted) return
    this.#buffer = this.#pieces.length === 1 ? piece : Buffer.concat(this.#pieces)
    this.#at = 0
    while (this.#next());
    const rest = this.#buffer.subarray(this.#at)
    this.#pieces = rest.length === 0 ? [] : [rest]
    this.#size = rest.length
  }

  /** Reads one value, or says how many bytes it lacks. */
  #next(): boolean {
    const start = this.#at
    // A line has no other carriage return in it, and is so short that to look by hand is faster than indexOf.
    let end = start
    while (end < this.#buffer.length && this.#buffer[end] !== CR) end += 1
    if (end + 1 >= this.#buffer.length) return this.#lacks(this.#buffer.length - start + 1)
    const type = this.#buffer[start]
    switch (type) {
      case 0x24: // $
      case 0x3d: // =
      case 0x21: {
        // !
        const length = this.#number(start + 1, end)
        if (length < 0) return this.#done(null, end + 2)
        const stop = end + 2 + length
        if (stop + 2 > this.#buffer.length) return this.#lacks(stop + 2 - start)
        // A text, such as that of CLIENT LIST, begins with its format: `txt:`.
        const bytes = this.#buffer.subarray(end + (type === 0x3d ? 6 : 2), stop)
        return this.#done(type === 0x21 ? new ReplyError(bytes.toString()) : bytes, stop + 2)
      }
      case 0x2a: // *
      case 0x7e: // ~
      case 0x3e: // >
        return this.#opens(this.#number(start + 1, end), type === 0x3e, end + 2)
      case 0x25: // %
        return this.#opens(this.#number(start + 1, end) * 2, false, end + 2)
      case 0x2b: // +
      case 0x2c: // ,
      case 0x28: // (
        return this.#done(this.#line(start, end), end + 2)
      case 0x2d: // -
        return this.#done(new ReplyError(this.#line(start, end)), end + 2)
      case 0x3a: // :
        return this.#done(this.#number(start + 1, end), end + 2)
      case 0x5f: // _
        return this.#done(null, end + 2)
      case 0x23: // #
        return this.#done(this.#buffer[start + 1] === 0x74, end + 2)
      default:
        throw new ReplyError(`ERR not a Redis reply: byte ${type}`)
    }
  }

  #line(start: number, end: number): string {
    // Most lines are one of these: no other has its length and its first letter.
    if (end - start === 3 && this.#buffer[start + 1] === 0x4f) return 'OK'
    if (end - start === 7 && this.#buffer[start + 1] === 0x51) return 'QUEUED'
    return this.#buffer.toString('latin1', start + 1, end)
  }

  /** The whole number in these bytes, without making a string of them: most of what is read are lengths. */
  #number(start: number, end: number): number {
    const negative = this.#buffer[start] === 0x2d
    let value = 0
    for (let at = negative ? start + 1 : start; at < end; at += 1) value = value * 10 + (this.#buffer[at] ?? 0) - 0x30
    return negative ? -value : value
  }

  #lacks(bytes: number): boolean {
    this.#wanted = bytes
    return false
  }

  #opens(count: number, push: boolean, at: number): boolean {
    if (count < 0) return this.#done(null, at)
    if (count === 0) return this.#done([], at)
    this.#open.push({ push, items: [], missing: count })
    return this.#moved(at)
  }

  #done(value: Reply, at: number): boolean {
    this.#moved(at)
    let reply = value
    for (let open = this.#open.at(-1); open; open = this.#open.at(-1)) {
      open.items.push(reply)
      open.missing -= 1
      if (open.missing > 0) return true
      this.#open.pop()
      if (open.push) {
        this.#onPush(open.items)
        return true
      }
      reply = open.items
    }
    this.#onReply(reply)
    return true
  }

  #moved(at: number): boolean {
    this.consumed += at - this.#at
    this.#at = at
    this.#wanted = 1
    return true
  }
}
