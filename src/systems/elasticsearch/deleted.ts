import { type Missing, Numbers, type Range } from './numbers.ts'
import { parts, type Reader } from './reader.ts'
import type { Hit } from './source.ts'

/** How many times finer ranges are cut that differ. */
const FURTHER = 32
/** With so few documents in the ranges that differ, those are read rather than cut finer. */
const FEW = 1000
/** How many ranges one query names: servers allow 1,024 clauses. */
const CLAUSES = 500

/** Two readers of one shard, and what is known of how they differ. */
export interface Compared {
  readonly past: Reader
  readonly now: Reader
  /** The number of the last write that both may know. */
  readonly last: number
  /** The numbers up to `last` of documents that were found already: nobody has them now, and nobody looks for them. */
  readonly found: readonly number[]
  /** The numbers up to `last` in both, cut for the first time. */
  readonly was: Numbers
  readonly is: Numbers
}

/**
 * The documents that were there and are not now.
 *
 * Deletions leave nothing that a search finds. But every write has a number of its own: ranges of numbers in which the
 * past has more documents than the present are cut finer, and where exactly one is missing, the difference of the sums
 * of numbers is its number. Costs two looks at the numbers of all documents, and what was deleted.
 */
export async function deletedSince({ past, now, last, found, was, is }: Compared): Promise<Hit[]> {
  let { width } = was
  let missing = was.missingIn(is, found, last)
  const [single, whole] = [missing.single, missing.whole]
  while (!isFew(missing)) {
    width = Math.max(1, width / FURTHER)
    const [ranges, further]: [readonly Range[], Missing] = [merged(missing.partial), nothing()]
    for (const some of parts(ranges, CLAUSES)) {
      const query = within(some, last)
      const [then, present] = await Promise.all([past, now].map((reader) => Numbers.read(reader, query, width)))
      if (!then || !present) continue
      const inside = found.filter((number) => some.some(([from, to]) => from <= number && number <= to))
      const part = then.missingIn(present, inside, last)
      single.push(...part.single)
      whole.push(...part.whole)
      further.partial.push(...part.partial)
      further.inside += part.inside
    }
    missing = further
  }
  const hits = await Promise.all([
    ...gone({ single, whole }, last).map((query) => past.all(query, 'whole')),
    missingIn(missing.partial, { past, now, last, found }),
  ])
  return hits.flat()
}

/** Queries for what is missing for certain. */
export function gone({ single, whole }: Pick<Missing, 'single' | 'whole'>, last: number): object[] {
  return [
    ...parts(single).map((list) => ({ terms: { _seq_no: list } })),
    ...parts(merged(whole), CLAUSES).map((some) => within(some, last)),
  ]
}

/** Of a width of one nothing is cut finer. */
function isFew({ partial, inside }: Missing): boolean {
  return inside <= FEW && partial.length <= CLAUSES
}

function nothing(): Missing {
  return { single: [], whole: [], partial: [], inside: 0 }
}

/** Reads ranges, and answers with the documents that are not there now. */
async function missingIn(
  ranges: readonly Range[],
  { past, now, last, found }: Pick<Compared, 'past' | 'now' | 'last' | 'found'>,
): Promise<Hit[]> {
  if (ranges.length === 0) return []
  const query = within(merged(ranges), last)
  const [then, present] = await Promise.all([past.all(query, 'whole'), now.all(query, 'ids')])
  const left = new Set([...found, ...present.map(({ _seq_no }) => _seq_no)])
  return then.filter(({ _seq_no }) => !left.has(_seq_no))
}

/** A query for the documents with numbers in some ranges. */
export function within(ranges: readonly Range[], last: number): object {
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
