import { parts, type Reader } from './reader.ts'
import type { Hit } from './source.ts'

/** Into how many ranges the sequence numbers are cut at first, and each that differs then. */
const [FIRST, FURTHER] = [1024, 32]
/** With so few documents in the ranges that differ, those are read rather than cut finer. */
const FEW = 1000
/** How many ranges one query names: servers allow 1,024 clauses. */
const CLAUSES = 500

type Range = readonly [from: number, to: number]

/** Two readers of one shard, and what is known of how they differ. */
export interface Compared {
  readonly past: Reader
  readonly now: Reader
  /** The number of the last write that both may know. */
  readonly last: number
  /** The numbers up to `last` of documents that were written again: not deleted, though nobody has them now. */
  readonly rewritten: readonly number[]
}

/**
 * The documents that were there and are not now.
 *
 * Deletions leave nothing that a search finds. But every write has a number of its own: ranges of numbers in which the
 * past has more documents than the present are cut finer, and where exactly one is missing, the difference of the sums
 * of numbers is its number. Costs two looks at the numbers of all documents, and what was deleted.
 */
export async function deletedSince({ past, now, last, rewritten }: Compared): Promise<Hit[]> {
  let width = 2 ** Math.max(0, Math.ceil(Math.log2((last + 1) / FIRST)))
  let ranges: readonly Range[] = [[0, last]]
  const [single, whole]: [number[], Range[]] = [[], []]
  let rest: readonly Range[] = []
  while (ranges.length > 0) {
    const further: Range[] = []
    let inside = 0
    for (const some of parts(merged(ranges), CLAUSES)) {
      const [was, is] = await Promise.all([past, now].map((reader) => reader.buckets(within(some, last), width)))
      const left = new Map(is?.map(({ key, doc_count, sum }) => [key, { count: doc_count, sum: sum.value }]))
      for (const number of rewritten) {
        const key = Math.floor(number / width) * width
        const { count, sum } = left.get(key) ?? { count: 0, sum: 0 }
        left.set(key, { count: count + 1, sum: sum + number })
      }
      for (const { key, doc_count, sum } of was ?? []) {
        const there = left.get(key) ?? { count: 0, sum: 0 }
        const missing = doc_count - there.count
        const range: Range = [key, Math.min(key + width - 1, last)]
        if (missing === 1) single.push(sum.value - there.sum)
        else if (missing > 1 && there.count === 0) whole.push(range)
        else if (missing > 1) {
          further.push(range)
          inside += doc_count
        }
      }
    }
    const isFew = inside <= FEW && further.length <= CLAUSES
    if (isFew) rest = further
    ranges = isFew ? [] : further
    width = Math.max(1, width / FURTHER)
  }
  const found = await Promise.all([
    ...parts(single).map((list) => past.all({ terms: { _seq_no: list } }, 'whole')),
    ...parts(merged(whole), CLAUSES).map((some) => past.all(within(some, last), 'whole')),
    missingIn(rest, { past, now, last, rewritten }),
  ])
  return found.flat()
}

/** Reads ranges, and answers with the documents that are not there now. */
async function missingIn(ranges: readonly Range[], { past, now, last, rewritten }: Compared): Promise<Hit[]> {
  if (ranges.length === 0) return []
  const query = within(merged(ranges), last)
  const [then, present] = await Promise.all([past.all(query, 'whole'), now.all(query, 'ids')])
  const left = new Set([...rewritten, ...present.map(({ _seq_no }) => _seq_no)])
  return then.filter(({ _seq_no }) => !left.has(_seq_no))
}

function within(ranges: readonly Range[], last: number): object {
  const should = ranges.map(([gte, lte]) => ({ range: { _seq_no: { gte, lte: Math.min(lte, last) } } }))
  return { bool: { filter: { bool: { should, minimum_should_match: 1 } } } }
}

/** Ranges that touch become one. */
function merged(ranges: readonly Range[]): Range[] {
  const joined: Range[] = []
  for (const [from, to] of ranges.toSorted(([a], [b]) => a - b)) {
    const before = joined.at(-1)
    if (before && before[1] + 1 === from) joined[joined.length - 1] = [before[0], to]
    else joined.push([from, to])
  }
  return joined
}
