import { absent, type Base, type Doc, docOf } from './base.ts'
import { deletedSince } from './deleted.ts'
import { type Depth, Reader } from './reader.ts'
import type { Server } from './server.ts'
import type { Hit } from './source.ts'

/** One document that is not as it was. */
export interface Pair {
  readonly before: Doc
  /** Its `source` is read only where that was asked for; a document that is not there is undefined. */
  readonly after: Doc | undefined
}

/**
 * What differs between a shard and another look at it, by id. Both must be refreshed. Costs what changed, and two looks
 * at the sequence numbers when something was deleted. Throws `MARK_LOST`.
 */
export async function difference(
  server: Server,
  base: Base,
  now: Reader,
  depth: Depth = 'ids',
): Promise<ReadonlyMap<string, Pair>> {
  const past = Reader.past(server, base.index, base.pit)
  const later = { range: { _seq_no: { gt: base.max } } }
  const [written, count, before] = await Promise.all([now.all(later, depth), now.count(), base.count ?? past.count()])
  base.count = before
  const ids = written.map(({ _id }) => _id)
  const old = new Map((await past.byIds(ids, 'whole')).map((hit) => [hit._id, hit]))
  const rewritten = Array.from(old.values(), ({ _seq_no }) => _seq_no)
  const missing = before - (count - written.length) - rewritten.length
  const deleted = missing > 0 ? await deletedSince({ past, now, last: base.max, rewritten }) : []
  return patched(paired(old, written, deleted), base.patch, now, depth)
}

/** Every document of a shard that was not there. */
export async function allNew(now: Reader): Promise<ReadonlyMap<string, Pair>> {
  const hits = await now.all({ match_all: {} }, 'whole')
  return new Map(hits.map((hit) => [hit._id, { before: absent(docOf(hit)), after: docOf(hit) }]))
}

function paired(old: ReadonlyMap<string, Hit>, written: readonly Hit[], deleted: readonly Hit[]): Map<string, Pair> {
  const pairs = new Map<string, Pair>()
  for (const hit of written) {
    const [was, after] = [old.get(hit._id), docOf(hit)]
    pairs.set(hit._id, { before: was ? docOf(was) : absent(after), after })
  }
  for (const hit of deleted) pairs.set(hit._id, { before: docOf(hit), after: undefined })
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
