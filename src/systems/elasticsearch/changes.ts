import type { Change, Row } from '../../rollbackable.ts'
import type { Doc } from './base.ts'
import { type Index, isClosed, ownSettings, type Shape, type Stream } from './catalog.ts'
import type { Pair } from './difference.ts'
import { KINDS } from './objects.ts'
import { same } from './same.ts'

type Updated = Change['updated'][number]

/** How the documents of an index differ. */
export function documentChange(index: string, pairs: Iterable<Pair>): Change {
  const inserted: Row[] = []
  const updated: Updated[] = []
  const deleted: Row[] = []
  for (const { before, after } of pairs) {
    if (after === undefined) deleted.push(rowOf(before))
    else if (before.source === undefined) inserted.push(rowOf(after))
    else if (before.source !== after.source || before.routing !== after.routing) updated.push(updatedOf(before, after))
  }
  return { index, inserted, updated, deleted }
}

/** How indices, templates, pipelines, policies and scripts differ. */
export function shapeChanges(then: Shape, now: Shape): readonly Change[] {
  if (then === now) return []
  const indices = compared('(indices)', mapped(then.indices, shownIndex), mapped(now.indices, shownIndex))
  const streams = compared('(data streams)', mapped(then.streams, shownStream), mapped(now.streams, shownStream))
  const objects = KINDS.map(({ name }, at) => {
    const shown = (shape: Shape): ReadonlyMap<string, Row> =>
      mapped(shape.objects[at] ?? new Map<string, Row>(), (row) => row)
    return compared(name, shown(then), shown(now))
  })
  return [indices, streams, ...objects]
}

/** Those that tell of anything. */
export function withContent(changes: readonly Change[]): readonly Change[] {
  return changes.filter(({ inserted, updated, deleted }) => inserted.length + updated.length + deleted.length > 0)
}

function compared(index: string, then: ReadonlyMap<string, Row>, now: ReadonlyMap<string, Row>): Change {
  const inserted: Row[] = []
  const updated: Updated[] = []
  for (const [name, row] of now) {
    const before = then.get(name)
    if (before === undefined) inserted.push({ name, ...row })
    else if (!same(before, row)) updated.push({ key: { name }, ...withoutSame(before, row) })
  }
  const deleted = [...then].flatMap(([name, row]) => (now.has(name) ? [] : [{ name, ...row }]))
  return { index, inserted, updated, deleted }
}

function updatedOf(then: Doc, now: Doc): Updated {
  const [{ _id, ...before }, { _id: _, ...after }] = [rowOf(then), rowOf(now)]
  return { key: { _id }, ...withoutSame(before, after) }
}

function withoutSame(before: Row, after: Row): { before: Row; after: Row } {
  const differs = ([key]: readonly [string, unknown]): boolean =>
    !(key in before && key in after && same(before[key], after[key]))
  const only = (row: Row): Row => Object.fromEntries(Object.entries(row).filter(differs))
  return { before: only(before), after: only(after) }
}

/** A document for people: numbers as JavaScript has them. */
function rowOf({ id, routing, source = '{}' }: Doc): Row {
  const fields = JSON.parse(source) as Row
  return { _id: id, ...(routing === undefined ? {} : { _routing: routing }), ...fields }
}

function shownIndex(index: Index): Row {
  const { mappings, aliases } = index
  return { mappings, settings: ownSettings(index), aliases, ...(isClosed(index) ? { closed: true } : {}) }
}

function mapped<T>(map: ReadonlyMap<string, T>, row: (thing: T) => Row): ReadonlyMap<string, Row> {
  return new Map(Array.from(map, ([name, thing]) => [name, row(thing)]))
}

function shownStream({ indices, aliases, definition }: Stream): Row {
  return { indices, aliases, ...definition }
}
