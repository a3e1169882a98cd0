import type { Base, Shard } from './base.ts'
import { type Index, isClosed, ownSettings, type Shape, uuidOf } from './catalog.ts'
import { isSame, type Mark } from './marks.ts'
import { KINDS } from './objects.ts'
import { same } from './same.ts'
import { closedIndex, deletedIndex, restarted, staticChange } from './troubles.ts'

/** What a rollback must do: decided as a whole, before anything is touched. */
export interface Plan {
  /** Indices and data streams that were not there. */
  readonly created: readonly string[]
  readonly streams: readonly string[]
  /** Indices that were open, and those that were closed. */
  readonly open: readonly string[]
  readonly close: readonly string[]
  /** Indices whose mapping grew, which only a new one undoes. */
  readonly rebuild: readonly string[]
  /** Indices of which the copy takes the place. */
  readonly recopy: readonly string[]
  /** Data streams that come back as a whole, with all their indices. */
  readonly again: readonly string[]
  /** Shards whose documents differ. */
  readonly dirty: readonly Base[]
  /** Whether settings, aliases, templates or anything else of the shape differ. */
  readonly reshape: boolean
}

/** Which indices can only come back as a whole, from their copies. */
export type OnlyWhole = (index: Index) => boolean

/** Settings that can be changed only while an index is closed. */
const STATIC =
  /^index\.(analysis|similarity|codec|sort|mode|mapping\.source|store|shard\.check|number_of_shards|soft_del)/

/** What differs from a mark. Throws `MARK_LOST` and `SCHEMA_CHANGED`. */
export function planOf(mark: Mark, shape: Shape, shards: ReadonlyMap<string, Shard>, onlyWhole: OnlyWhole): Plan {
  if (!same(mark.shape.nodes, shape.nodes)) throw restarted()
  const differing = [...mark.bases].filter(([key, base]) => base.patch || !isSame(base, shards.get(key)))
  const changed = new Set(differing.map(([, { index }]) => index))
  const uuids = new Map(Array.from(mark.bases.values(), ({ index, uuid }) => [index, uuid]))
  const fates = new Map<string, Fate>()
  for (const [name, then] of mark.shape.indices) {
    const now = shape.indices.get(name)
    const fate = fateOf(then, now, { isChanged: changed.has(name), uuid: uuids.get(name) })
    const isWhole = changed.has(name) && onlyWhole(then)
    const needsCopy = typeof fate === 'function' || fate === 'rebuild' || isWhole
    if (needsCopy && mark.copies.has(name)) fates.set(name, 'recopy')
    else if (typeof fate === 'function') throw fate()
    else fates.set(name, fate)
  }
  const again = [...mark.shape.streams.values()].filter((stream) => {
    const isChanged = stream.indices.some((index) => fates.get(index) === 'recopy')
    return isChanged || !same(stream, shape.streams.get(stream.name))
  })
  const inAgain = new Set(again.flatMap(({ indices }) => indices))
  const are = (fate: Fate): string[] =>
    [...fates].filter(([name, it]) => it === fate && !inAgain.has(name)).map(([name]) => name)
  // What is in a stream now goes with it.
  const inStreams = new Set([...shape.streams.values()].flatMap(({ indices }) => indices))
  const [rebuild, recopy] = [are('rebuild'), are('recopy')]
  const made = new Set([...rebuild, ...recopy, ...inAgain])
  const wasClosed = [...mark.shape.indices.values()].filter((index) => made.has(index.name) && isClosed(index))
  return {
    created: [...shape.indices.keys()].filter((name) => !mark.shape.indices.has(name) && !inStreams.has(name)),
    streams: [...shape.streams.keys()].filter((name) => !mark.shape.streams.has(name)),
    open: are('open'),
    close: [...are('close'), ...wasClosed.map(({ name }) => name)],
    rebuild,
    recopy,
    again: again.map(({ name }) => name),
    dirty: differing.map(([, base]) => base).filter(({ index }) => !made.has(index)),
    reshape: made.size > 0 || !sameShape(mark.shape, shape),
  }
}

/** Whether there is nothing to do. */
export function isNothing(plan: Plan): boolean {
  return plan.dirty.length === 0 && isOnlyDirty(plan)
}

/** Whether nothing but documents differs. */
export function isOnlyDirty({ dirty: _dirty, reshape, ...lists }: Plan): boolean {
  return !reshape && Object.values(lists).every(({ length }) => length === 0)
}

/** What becomes of one index; a function makes the error when it cannot be put back. */
type Fate = 'stays' | 'open' | 'close' | 'rebuild' | 'recopy' | (() => Error)

function fateOf(
  then: Index,
  now: Index | undefined,
  { isChanged, uuid = uuidOf(then) }: { isChanged: boolean; uuid: string | undefined },
): Fate {
  const { name } = then
  if (!now) return () => deletedIndex(name, 'deleted')
  if (uuidOf(now) !== uuid) return () => deletedIndex(name, 'deleted and made anew')
  const settings = differingSettings(then, now).filter((key) => STATIC.test(key))
  if (settings.length > 0) return () => staticChange(name, settings)
  if (isClosed(then) !== isClosed(now)) {
    if (isChanged || !same(then.mappings, now.mappings)) return () => closedIndex(name)
    return isClosed(now) ? 'open' : 'close'
  }
  return same(then.mappings, now.mappings) ? 'stays' : 'rebuild'
}

/** The settings that differ. */
export function differingSettings(one: Index, other: Index): string[] {
  const [before, after] = [ownSettings(one), ownSettings(other)]
  const keys = new Set([...Object.keys(before), ...Object.keys(after)])
  return [...keys].filter((key) => !same(before[key], after[key]))
}

/** Whether all but documents and mappings is the same. */
export function sameShape(then: Shape, now: Shape): boolean {
  if (then === now || then.version === now.version) return true
  if (KINDS.some((_, kind) => !same(plain(then.objects[kind]), plain(now.objects[kind])))) return false
  const isUnchanged = (index: Index): boolean => {
    const other = now.indices.get(index.name)
    return other !== undefined && same(index.aliases, other.aliases) && differingSettings(index, other).length === 0
  }
  return [...then.indices.values()].every(isUnchanged)
}

function plain(objects: ReadonlyMap<string, unknown> = new Map()): object {
  return Object.fromEntries(objects)
}
