import { absent, type Base, type Doc, docOf } from './base.ts'
import { deletedSince, gone, within } from './deleted.ts'
import { Numbers } from './numbers.ts'
import { type Depth, parts, Reader } from './reader.ts'
import type { Server } from './server.ts'
import type { Hit } from './source.ts'

/** One document that is not as it was. */
export interface Pair {
  readonly before: Doc
  /** Its `source` is read only where that was asked for; a document that is not there is undefined. */
  readonly after: Doc | undefined
}

/** How one looks at a shard. */
export interface Look {
  readonly depth?: Depth
  /** Whether something was deleted, as far as one knows: then that is looked for at once. */
  readonly deletions?: boolean
}

/**
 * What differs between a shard and another look at it, by id. Both must be refreshed. Costs what changed, and a look at
 * the sequence numbers of all documents when something was deleted. Throws `MARK_LOST`.
 */
export async function difference(
  server: Server,
  base: Base,
  now: Reader,
  { depth = 'ids', deletions = false }: Look = {},
): Promise<ReadonlyMap<string, Pair>> {
  const past = Reader.past(server, base.index, base.pit)
  const kept = base.numbers
  const [written, left, before, numbers] = await Promise.all([
    now.all({ range: { _seq_no: { gt: base.max } } }, depth),
    deletions ? undefined : now.count(),
    base.count ?? past.count(),
    deletions ? numbersOf(base, past, now) : undefined,
  ])
  base.count = before
  const old = await oldOf(past, written, numbers && gone(numbers.was.missingIn(numbers.is, [], base.max), base.max))
  const count = numbers ? numbers.is.count : (left ?? 0) - written.length
  if (before - count > old.size) {
    const both = numbers ?? (await numbersOf(base, past, now))
    const found = Array.from(old.values(), ({ _seq_no }) => _seq_no)
    for (const hit of await deletedSince({ past, now, last: base.max, found, ...both })) old.set(hit._id, hit)
  }
  if (kept && before - count !== old.size) {
    // What was kept does not say it. It is asked for again.
    Object.assign(base, { count: undefined, numbers: undefined })
    return difference(server, base, now, { depth, deletions })
  }
  return patched(paired(old, written), base.patch, now, depth)
}

/** Every document of a shard that was not there. */
export async function allNew(now: Reader): Promise<ReadonlyMap<string, Pair>> {
  const hits = await now.all({ match_all: {} }, 'whole')
  return new Map(hits.map((hit) => [hit._id, { before: absent(docOf(hit)), after: docOf(hit) }]))
}

/** The numbers up to the mark of both. Those of the past are kept. */
async function numbersOf(base: Base, past: Reader, now: Reader): Promise<{ was: Numbers; is: Numbers }> {
  const width = base.numbers?.width ?? Numbers.widthOf(base.max)
  const read = (reader: Reader): Promise<Numbers> => Numbers.read(reader, within([[0, base.max]], base.max), width)
  const [was, is] = await Promise.all([base.numbers ?? read(past), read(now)])
  base.numbers = was
  return { was, is }
}

/** What was written as it was before, by id, and in the same question what is known to be gone. */
async function oldOf(past: Reader, written: readonly Hit[], more: readonly object[] = []): Promise<Map<string, Hit>> {
  const ids = parts(written.map(({ _id }) => _id)).map((values) => ({ ids: { values } }))
  const queries = ids.length + more.length > 3 ? [...ids, ...more] : [{ bool: { should: [...ids, ...more] } }]
  const found =
    ids.length + more.length === 0 ? [] : await Promise.all(queries.map((query) => past.all(query, 'whole')))
  return new Map(found.flat().map((hit) => [hit._id, hit]))
}

function paired(old: ReadonlyMap<string, Hit>, written: readonly Hit[]): Map<string, Pair> {
  const pairs = new Map<string, Pair>()
  for (const hit of written) {
    const [was, after] = [old.get(hit._id), docOf(hit)]
    pairs.set(hit._id, { before: was ? docOf(was) : absent(after), after })
  }
  for (const hit of old.values()) if (!pairs.has(hit._id)) pairs.set(hit._id, { before: docOf(hit), after: undefined })
  return pairs
}

/** What a patch says of a document holds, whatever the point in time says. */
async function patched(
  pairs: Map<string, Pair>,
  patch: Base['patch'],
  now: Reader,
  depth: Depth,
): Promise<ReadonlyMap<string, Pair>> {
  if (!patch || patch.size === 0) return pairs
  const present = new Map((await now.byIds([...patch.keys()], depth)).map((hit) => [hit._id, docOf(hit)]))
  for (const [id, before] of patch) {
    const after = present.get(id)
    const same = depth === 'whole' && after?.source === before.source && after?.routing === before.routing
    if (same || (before.source === undefined && !after)) pairs.delete(id)
    else pairs.set(id, { before, after })
  }
  return pairs
}
