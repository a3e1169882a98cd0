import type { Base, Doc } from './base.ts'
import type { Index, Shape, Stream } from './catalog.ts'
import { Mark } from './marks.ts'

/** A mark as text, by which another process can go back to it while the server runs. */
export function textOf({ name, shape, bases, copies }: Mark): string {
  const { version, nodes, objects } = shape
  const [indices, streams] = [[...shape.indices.values()], [...shape.streams.values()]]
  const written: Written = {
    name,
    copies: [...copies],
    shape: { version, nodes, indices, streams, objects: objects.map((all) => [...all]) },
    bases: Array.from(bases.values(), (base) => ({
      ...base,
      numbers: undefined,
      patch: base.patch && [...base.patch.values()],
    })),
  }
  return JSON.stringify(written)
}

/** The mark that a text is of. */
export function markOf(text: string): Mark {
  const { name, shape, bases, copies } = JSON.parse(text) as Written
  const indices = new Map(shape.indices.map((index) => [index.name, index]))
  const streams = new Map(shape.streams.map((stream) => [stream.name, stream]))
  const objects = shape.objects.map((all) => new Map(all))
  const read = bases.map((base): [string, Base] => {
    const patch = base.patch && new Map(base.patch.map((doc) => [doc.id, { ...EMPTY, ...doc }]))
    return [`${base.index}/${base.shard}`, { ...base, pit: base.pit, count: undefined, numbers: undefined, patch }]
  })
  const mark = new Mark(name, { ...shape, indices, streams, objects }, new Map(read))
  for (const [index, copy] of copies) mark.copies.set(index, copy)
  return mark
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
}
