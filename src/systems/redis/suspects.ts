/** Keys that may differ from what we know of them, or all keys. */
export interface Batch {
  readonly keys: Set<string>
  all: boolean
}

/** Collects the keys that may have changed. */
export class Suspects {
  readonly #blind: boolean
  #keys = new Set<string>()
  #all = false

  /** `blind`: nothing is ever reported, so that every key is suspected each time. */
  constructor(blind = false) {
    this.#blind = blind
  }

  /** Suspects one key. */
  add(key: string): void {
    this.#keys.add(key)
  }

  /** Suspects every key: something happened that names none. */
  addAll(): void {
    this.#all = true
  }

  /** Whether nothing was reported since it was last emptied. */
  get quiet(): boolean {
    return !this.#all && this.#keys.size === 0
  }

  /** Hands over what is suspected, and begins anew. */
  take(): Batch {
    const batch = { keys: this.#keys, all: this.#all || this.#blind }
    this.#keys = new Set()
    this.#all = false
    return batch
  }

  /** Takes back what was only looked at. */
  giveBack(batch: Batch): void {
    this.#all ||= batch.all && !this.#blind
    const [few, many] = batch.keys.size < this.#keys.size ? [batch.keys, this.#keys] : [this.#keys, batch.keys]
    for (const key of few) many.add(key)
    this.#keys = many
  }

  /** Which of `keys` are suspected: all of them, when every key is. */
  among(keys: Iterable<string>): readonly string[] {
    return this.#all ? [...keys] : [...keys].filter((key) => this.#keys.has(key))
  }

  /** Some of the suspected keys, for messages. */
  some(count: number): readonly string[] {
    return [...this.#keys].slice(0, count)
  }
}
