import type { Base, Doc } from './base.ts'
import type { Shape } from './catalog.ts'
import { Mark } from './marks.ts'

/** A mark as text, by which another process can go back to it while the server runs. */
export function textOf({ name, shape, bases }: Mark): string {
  const { version, nodes, indices, streams, objects } = shape
  const written: Written = {
    name,
    shape: { version, nodes, indices: [...indices.values()], streams, objects: objects.map((all) => [...all]) },
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
  const { name, shape, bases } = JSON.parse(text) as Written
  const indices = new Map(shape.indices.map((index) => [index.name, index]))
  const objects = shape.objects.map((all) => new Map(all))
  const read = bases.map((base): [string, Base] => {
    const patch = base.patch && new Map(base.patch.map((doc) => [doc.id, { ...EMPTY, ...doc }]))
    return [`${base.index}/${base.shard}`, { ...base, pit: base.pit, count: undefined, numbers: undefined, patch }]
  })
  return new Mark(name, { ...shape, indices, objects }, new Map(read))
}

const EMPTY = { routing: undefined, source: undefined, version: undefined }

interface Written {
  readonly name: string
  readonly shape: Omit<Shape, 'indices' | 'objects'> & {
    readonly indices: readonly (Shape['indices'] extends ReadonlyMap<string, infer I> ? I : never)[]
    readonly objects: readonly (readonly [string, Readonly<Record<string, unknown>>])[][]
  }
  readonly bases: readonly (Omit<Base, 'patch'> & { readonly patch: readonly Doc[] | undefined })[]
}
