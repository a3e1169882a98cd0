import { bytesOf } from './connection.ts'

/** The keys we look after: those with a prefix, or all of the database. Ours are never among them. */
export class Scope {
  /** As bytes (see Part in resp.ts); empty for the whole database. */
  readonly prefix: string
  /** The hash that says who looks after which keys; while it stands, the database was not flushed or swapped. */
  readonly leases: string
  /** Where an image is put for a moment to be read; nobody ever sees it. */
  readonly scratch: string
  /** What is written only so that the server reports it; nobody ever sees it. It has the prefix, or would not be reported. */
  readonly turn: string

  readonly #tag: string

  private constructor(prefix: string, tag: string) {
    this.prefix = prefix
    this.leases = `venomqa:leases${tag}`
    this.scratch = `venomqa:scratch${tag}`
    this.turn = `${prefix}venomqa:turn${tag}`
    this.#tag = tag
  }

  /** The keys whose names begin with `prefix`. */
  static named(prefix: string): Scope {
    return new Scope(bytesOf(prefix), '')
  }

  /** The same keys, with our own ones where `tag` puts them. */
  tagged(tag: string): Scope {
    return new Scope(this.prefix, tag)
  }

  /** The keys with another prefix, given as bytes, in the same place. */
  of(prefix: string): Scope {
    return new Scope(prefix, this.#tag)
  }

  /** Whether a key is one we look after. */
  holds(key: string): boolean {
    return key.startsWith(this.prefix) && key !== this.leases && key !== this.scratch && key !== this.turn
  }

  /** The pattern for SCAN that matches at least these keys. */
  get pattern(): string {
    return `${this.prefix.replace(/[*?[\]\\]/g, '\\$&')}*`
  }
}
