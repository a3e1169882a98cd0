import type { Numbers } from './numbers.ts'
import type { Hit } from './source.ts'

/** A document as it must be: `source` undefined means that it is not there. */
export interface Doc {
  readonly id: string
  readonly routing: string | undefined
  readonly source: string | undefined
  readonly version: number | undefined
  /** Of the write that made it so; undefined where nothing is there. */
  readonly number?: number | undefined
}

/** One shard as it was, shared by all marks at which it was so. */
export interface Base {
  readonly index: string
  readonly shard: string
  /** Of the index, which is made anew when its mapping must go back. */
  uuid: string
  /** All writes up to this number are in the point in time, and no other. */
  max: number
  /** What the server had counted of deletions then. It counts those of nothing too. */
  deletions: number
  /** Undefined where the index is closed. */
  pit: string | undefined
  /** How many documents it has, once that was counted. */
  count: number | undefined
  /** Which numbers they have, once that was asked. */
  numbers: Numbers | undefined
  /** What differs from the point in time, by id, where the index was made anew for another mark. */
  patch: ReadonlyMap<string, Doc> | undefined
}

/** One shard as it is. */
export interface Shard {
  readonly index: string
  readonly shard: string
  readonly uuid: string
  /** The number of the last write. */
  readonly max: number
  readonly deletions: number
}

/** The key of a shard among all. */
export function keyOf({ index, shard }: Pick<Shard, 'index' | 'shard'>): string {
  return `${index}/${shard}`
}

/** What was read, as it must be written. */
export function docOf({ _id, _routing, _source, _version, _seq_no }: Hit): Doc {
  return { id: _id, routing: _routing, source: _source, version: _version, number: _seq_no }
}

/** A document that must not be there. */
export function absent({ id, routing }: Pick<Doc, 'id' | 'routing'>): Doc {
  return { id, routing, source: undefined, version: undefined }
}
