import { absent, type Base, type Doc, docOf } from './base.ts'
import { difference } from './difference.ts'
import { Reader } from './reader.ts'
import type { Server } from './server.ts'

/**
 * How a shard was, as what differs from how it was at another moment. The points in time of both die when their index
 * is made anew for the other moment; this outlives it.
 */
export async function patchOf(server: Server, base: Base, other: Base): Promise<ReadonlyMap<string, Doc>> {
  const pairs = await difference(server, base, Reader.past(server, other.index, other.pit), 'whole')
  const patch = new Map(Array.from(pairs, ([id, { before }]) => [id, before]))
  // Here the other one is not as in its point in time.
  const further = [...(other.patch ?? [])].filter(([id]) => !patch.has(id))
  const past = Reader.past(server, base.index, base.pit)
  const found = await past.byIds(
    further.map(([id]) => id),
    'whole',
  )
  const then = new Map(found.map((hit) => [hit._id, docOf(hit)]))
  for (const [id, doc] of further) patch.set(id, base.patch?.get(id) ?? then.get(id) ?? absent(doc))
  return patch
}
