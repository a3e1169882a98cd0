import type { Change, Row } from '../../rollbackable.ts'
import type { Collection } from './catalog.ts'
import type { Codec, Doc } from './raw.ts'
import { split, userName } from './scope.ts'
import { normal, Shapes } from './shape.ts'

/** Documents as bytes, by the keys of their ids. */
export type Images = ReadonlyMap<string, Uint8Array>

type Updated = Change['updated'][number]

/** Documents by the keys of their ids. */
export function imagesOf(codec: Codec, documents: readonly Uint8Array[]): Images {
  return new Map(documents.map((document) => [codec.idOf(document).key, document]))
}

/** How the documents of a collection differ. */
export function documentChange(codec: Codec, ns: string, before: Images, after: Images): Change {
  const inserted: Row[] = []
  const updated: Updated[] = []
  const deleted: Row[] = []
  for (const [key, image] of after) {
    const old = before.get(key)
    if (!old) inserted.push(codec.plain(image))
    else if (Buffer.compare(old, image) !== 0) updated.push(difference(codec, old, image))
  }
  for (const [key, image] of before) if (!after.has(key)) deleted.push(codec.plain(image))
  return { collection: userName(split(ns)[1]), inserted, updated, deleted }
}

/** How collections differ in name, options and indexes; the same key means the same collection. */
export function collectionChange(
  codec: Codec,
  then: ReadonlyMap<string, Collection>,
  now: ReadonlyMap<string, Collection>,
): Change {
  const shapes = new Shapes(codec)
  const same = (one: Collection, other: Collection): boolean => one.ns === other.ns && shapes.sameCollection(one, other)
  const shown = (collection: Collection): Row => shownCollection(codec, collection)
  return { collection: '(collections)', ...compared(then, now, same, shown) }
}

/** How views differ, by their namespaces. */
export function viewChange(codec: Codec, then: ReadonlyMap<string, Doc>, now: ReadonlyMap<string, Doc>): Change {
  const shapes = new Shapes(codec)
  const same = (one: Doc, other: Doc): boolean => shapes.same(one, other)
  return { collection: '(views)', ...compared(then, now, same, (view) => codec.promoted(view)) }
}

/** Those that tell of anything. */
export function withContent(changes: readonly Change[]): readonly Change[] {
  return changes.filter(({ inserted, updated, deleted }) => inserted.length + updated.length + deleted.length > 0)
}

function compared<T>(
  then: ReadonlyMap<string, T>,
  now: ReadonlyMap<string, T>,
  same: (one: T, other: T) => boolean,
  shown: (thing: T) => Row,
): Pick<Change, 'inserted' | 'updated' | 'deleted'> {
  const inserted: Row[] = []
  const updated: Updated[] = []
  for (const [key, thing] of now) {
    const old = then.get(key)
    if (old === undefined) inserted.push(shown(thing))
    else if (!same(old, thing)) updated.push({ before: shown(old), after: shown(thing) })
  }
  const deleted = [...then].flatMap(([key, thing]) => (now.has(key) ? [] : [shown(thing)]))
  return { inserted, updated, deleted }
}

/** The fields that differ. */
function difference(codec: Codec, old: Uint8Array, image: Uint8Array): Updated {
  const [before, after] = [codec.plain(old), codec.plain(image)]
  const key = { _id: after['_id'] }
  for (const field of Object.keys(before)) {
    if (!(field in after) || codec.bytes(before[field]) !== codec.bytes(after[field])) continue
    delete before[field]
    delete after[field]
  }
  return { key, before, after }
}

function shownCollection(codec: Codec, { ns, options, indexes }: Collection): Row {
  const shape: Doc = new Map<string, unknown>([
    ['collection', userName(split(ns)[1])],
    ['options', normal(options)],
    ['indexes', [...indexes.values()]],
  ])
  return codec.promoted(shape)
}
