import { absent, type Base, type Doc, docOf } from './base.ts'
import { difference } from './difference.ts'
import { Reader } from './reader.ts'
import type { Server } from './server.ts'

/**
 * How a shard was, as what differs from how it was at another moment, before or after. The points in time of both die
 * when their index is made anew for the other moment; this outlives it.
 */
export async function patchOf(server: Server, base: Base, other: Base): Promise<ReadonlyMap<string, Doc>> {
  const [older, newer] = base.max <= other.max ? [base, other] : [other, base]
  const pairs = await difference(server, { ...older, patch: undefined }, Reader.past(server, newer.index, newer.pit))
  const candidates = new Map([...pairs].map(([id, { before }]) => [id, before]))
  // Here one of the two is not as in its point in time.
  for (const patch of [base.patch, other.patch]) for (const [id, doc] of patch ?? []) candidates.set(id, doc)
  const past = Reader.past(server, base.index, base.pit)
  const found = await past.byIds([...candidates.keys()], 'whole')
  const there = new Map(found.map((hit) => [hit._id, docOf(hit)]))
  return new Map([...candidates].map(([id, doc]) => [id, base.patch?.get(id) ?? there.get(id) ?? absent(doc)]))
}
