import type { Base, Doc } from './base.ts'
import type { Index, Shape, Stream } from './catalog.ts'
import { Mark } from './marks.ts'

/** An index that is about to be replaced by one of ours. */
export interface Begun {
  readonly index: string
  /** What takes its place. */
  readonly from: string
  /** Shards that were as they are in that one. */
  readonly same: readonly Base[]
  /** Others, as what differs from it then. */
  readonly patches: ReadonlyMap<Base, ReadonlyMap<string, Doc>>
}

/** A mark as text, by which another process can go back to it while the server runs; `begun` is finished first. */
export function textOf({ name, shape, bases, copies }: Mark, begun: readonly Begun[] = []): string {
  const { version, nodes, objects } = shape
  const all = [...bases.values()]
  const isTold = ({ index, same, patches }: Begun): boolean =>
    all.every((base) => base.index !== index || same.includes(base) || patches.has(base))
  const told = new Map(begun.filter(isTold).map((one) => [one.index, one]))
  const [indices, streams] = [[...shape.indices.values()], [...shape.streams.values()]]
  const written: Written = {
    name,
    copies: [...copies],
    shape: { version, nodes, indices, streams, objects: objects.map((all) => [...all]) },
    bases: all.map((base) => {
      const replaced = told.get(base.index)
      const patch = replaced ? replaced.patches.get(base) : base.patch
      return { ...base, numbers: undefined, patch: patch && [...patch.values()] }
    }),
    begun: Array.from(told.values(), ({ index, from }) => [index, from]),
  }
  return JSON.stringify(written)
}

/** The mark that a text is of, and by what its indices were about to be replaced. */
export function markOf(text: string): { readonly mark: Mark; readonly begun: ReadonlyMap<string, string> } {
  // That of an older version says nothing of what was begun.
  const { name, shape, bases, copies, begun = [] } = JSON.parse(text) as Written
  const indices = new Map(shape.indices.map((index) => [index.name, index]))
  const streams = new Map(shape.streams.map((stream) => [stream.name, stream]))
  const objects = shape.objects.map((all) => new Map(all))
  const read = bases.map((base): [string, Base] => {
    const patch = base.patch && new Map(base.patch.map((doc) => [doc.id, { ...EMPTY, ...doc }]))
    return [`${base.index}/${base.shard}`, { ...base, pit: base.pit, count: undefined, numbers: undefined, patch }]
  })
  const mark = new Mark(name, { ...shape, indices, streams, objects }, new Map(read))
  for (const [index, copy] of copies) mark.copies.set(index, copy)
  return { mark, begun: new Map(begun) }
}

const EMPTY = { routing: undefined, source: undefined, version: undefined }

interface Written {
  readonly name: string
  readonly copies: readonly (readonly [index: string, copy: string])[]
  readonly shape: Omit<Shape, 'indices' | 'streams' | 'objects'> & {
    readonly indices: readonly Index[]
    readonly streams: readonly Stream[]
    readonly objects: readonly (readonly [string, Readonly<Record<string, unknown>>])[][]
  }
  readonly bases: readonly (Omit<Base, 'patch'> & { readonly patch: readonly Doc[] | undefined })[]
  readonly begun?: readonly (readonly [index: string, from: string])[]
}
