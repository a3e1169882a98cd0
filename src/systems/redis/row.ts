import { isDeepStrictEqual } from 'node:util'
import type { Row } from '../../rollbackable.ts'
import type { GroupView, StreamView, View } from './view.ts'

/** More parts, or a longer text, than this is shown as its size. */
const PARTS = 100
const LENGTH = 1000

/** A value as a row: `{ type, value }`, or `{ type, size }` when it is large. */
export function rowOf(view: View): Row {
  return { type: view.type, ...shown(view) }
}

/** Two values of one key as rows that hold only what differs: of a hash its fields, of a set its members. */
export function rowsOf(before: View, after: View): { before: Row; after: Row } {
  return { before: onlyIn(before, after), after: onlyIn(after, before) }
}

function onlyIn(view: View, other: View): Row {
  if (view.type === 'hash' && other.type === 'hash') return rowOf({ ...view, value: less(view.value, other.value) })
  if (view.type === 'zset' && other.type === 'zset') return rowOf({ ...view, value: less(view.value, other.value) })
  if (view.type === 'set' && other.type === 'set') return rowOf({ ...view, value: less(view.value, other.value) })
  if (view.type === 'stream' && other.type === 'stream') {
    return { type: 'stream', ...streamLess(view.value, other.value) }
  }
  return rowOf(view)
}

function less<T>(parts: readonly T[], others: readonly T[]): readonly T[] {
  const known = new Set(others.map((part) => JSON.stringify(part)))
  return parts.filter((part) => !known.has(JSON.stringify(part)))
}

function streamLess(stream: StreamView, other: StreamView): Row {
  const entries = less(stream.entries, other.entries)
  const groups: readonly GroupView[] = stream.groups.filter(
    (group) => !other.groups.some((same) => isDeepStrictEqual(same, group)),
  )
  return {
    ...(stream.lastId === other.lastId ? {} : { lastId: stream.lastId }),
    ...(entries.length > PARTS ? { size: entries.length } : { entries: entries.map(entryRow) }),
    ...(groups.length === 0 ? {} : { groups }),
  }
}

function entryRow([id, fields]: StreamView['entries'][number]): Row {
  return { id, fields: fields.map(shortened) }
}

function shown(view: View): Row {
  switch (view.type) {
    case 'string':
      return view.value.length > LENGTH ? { size: view.value.length } : { value: view.value }
    case 'other':
      return { size: view.value.length }
    case 'stream': {
      const { entries, ...rest } = view.value
      return entries.length > PARTS ? { size: entries.length, ...rest } : { ...rest, entries: entries.map(entryRow) }
    }
    case 'list':
    case 'set':
      return view.value.length > PARTS ? { size: view.value.length } : { value: view.value.map(shortened) }
    case 'zset':
    case 'hash':
      return view.value.length > PARTS
        ? { size: view.value.length }
        : { value: Object.fromEntries(view.value.map(([name, value]) => [shortened(name), shortened(value)])) }
  }
}

function shortened(text: string): string {
  return text.length > LENGTH ? `${text.slice(0, LENGTH)}… (${text.length} characters)` : text
}
