import type { Reader } from './reader.ts'

/** Into how many ranges the sequence numbers of a shard are cut at first. */
const FIRST = 1024

/** Some sequence numbers, both ends included. */
export type Range = readonly [from: number, to: number]

interface Counted {
  readonly count: number
  readonly sum: number
}

const NONE: Counted = { count: 0, sum: 0 }

/** How many documents have their sequence numbers in each of many ranges, and the sum of these numbers. */
export class Numbers {
  /** Of each range. */
  readonly width: number
  readonly #ranges: Map<number, Counted>

  private constructor(width: number, ranges: Map<number, Counted>) {
    this.width = width
    this.#ranges = ranges
  }

  /** How wide a range is when numbers up to `last` are cut at first. */
  static widthOf(last: number): number {
    return 2 ** Math.max(0, Math.ceil(Math.log2((last + 1) / FIRST)))
  }

  /** Counts what a query finds. */
  static async read(reader: Reader, query: object, width: number): Promise<Numbers> {
    const buckets = await reader.buckets(query, width)
    const counted = buckets.map(({ key, doc_count, sum }) => [key, { count: doc_count, sum: sum.value }] as const)
    return new Numbers(width, new Map(counted))
  }

  get count(): number {
    let all = 0
    for (const { count } of this.#ranges.values()) all += count
    return all
  }

  /** The same after documents went and came; undefined when the numbers have grown too many for the width. */
  moved(gone: readonly number[], come: readonly number[], last: number): Numbers | undefined {
    if (last >= this.width * FIRST * 2) return undefined
    const moved = new Numbers(this.width, new Map(this.#ranges))
    moved.#add(gone, -1)
    moved.#add(come, 1)
    return moved
  }

  /**
   * What of these is missing in others, when some are known: numbers where one is missing, ranges of which nothing is
   * left, and ranges of which something is.
   */
  missingIn(others: Numbers, known: readonly number[], last: number): Missing {
    const there = new Numbers(this.width, new Map(others.#ranges))
    there.#add(known, 1)
    const missing: Missing = { single: [], whole: [], partial: [], inside: 0 }
    for (const [key, { count, sum }] of this.#ranges) {
      const left = there.#ranges.get(key) ?? NONE
      const range: Range = [key, Math.min(key + this.width - 1, last)]
      if (count - left.count === 1) missing.single.push(sum - left.sum)
      else if (count > left.count && left.count === 0) missing.whole.push(range)
      else if (count > left.count) {
        missing.partial.push(range)
        missing.inside += count
      }
    }
    return missing
  }

  #add(numbers: readonly number[], sign: 1 | -1): void {
    for (const number of numbers) {
      const key = Math.floor(number / this.width) * this.width
      const { count, sum } = this.#ranges.get(key) ?? NONE
      this.#ranges.set(key, { count: count + sign, sum: sum + sign * number })
    }
  }
}

export interface Missing {
  readonly single: number[]
  readonly whole: Range[]
  readonly partial: Range[]
  /** How many documents were in the ranges of which something is left. */
  inside: number
}
