import { createHash } from 'node:crypto'
import type { View } from './view.ts'

/** More keys than this are given as one digest: a list of them would help nobody, and hashing it anew each time costs. */
const SHOWN_KEYS = 1000
const WORDS = 8

interface Entry {
  readonly view: View
  readonly expires: boolean
  readonly digest: Uint32Array
}

/**
 * The keys as plain data that is equal if and only if they are, kept up to date key by key.
 *
 * The digest of many is the exclusive or of SHA-256 digests of each key with its value, so that a changed
 * key costs the same however many there are.
 */
export class Identity {
  readonly #entries = new Map<string, Entry>()
  readonly #sum = new Uint32Array(WORDS)

  /** Sets what a key holds; undefined for nothing. `expires`: whether it has a time to live, whatever is left of it. */
  set(key: string, held: { readonly view: View; readonly expires: boolean } | undefined): void {
    const known = this.#entries.get(key)
    if (known?.view === held?.view && known?.expires === held?.expires) return
    if (known) this.#mix(known.digest)
    if (!held) {
      this.#entries.delete(key)
      return
    }
    const entry = { ...held, digest: digestOf([key, held.view, held.expires]) }
    this.#entries.set(key, entry)
    this.#mix(entry.digest)
  }

  /** Each key with its type and value, or the digest of many. */
  get data(): unknown {
    if (this.#entries.size > SHOWN_KEYS) {
      return { keys: this.#entries.size, digest: Buffer.from(this.#sum.buffer).toString('hex') }
    }
    const names = [...this.#entries.keys()].toSorted()
    return new Map(names.map((name) => [name, plain(this.#entries.get(name))]))
  }

  #mix(digest: Uint32Array): void {
    for (let word = 0; word < WORDS; word += 1) this.#sum[word] = (this.#sum[word] ?? 0) ^ (digest[word] ?? 0)
  }
}

function plain(entry: Entry | undefined): unknown {
  if (!entry) return undefined
  const { view, expires } = entry
  // By their names, so that normalisers find the fields of a hash.
  const named = view.type === 'hash' ? { ...view, value: new Map(view.value) } : view
  return { ...named, ...(expires ? { expires: true } : {}) }
}

function digestOf(content: unknown): Uint32Array {
  const bytes = createHash('sha256').update(JSON.stringify(content)).digest()
  return Uint32Array.from({ length: WORDS }, (_, word) => bytes.readUInt32LE(word * 4))
}
