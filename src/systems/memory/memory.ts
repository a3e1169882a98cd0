import { inspect, isDeepStrictEqual } from 'node:util'
import { className, copy } from '../../copy.ts'
import { VenomError } from '../../errors.ts'
import {
  type Change,
  type Observation,
  observation,
  type ResetOptions,
  type Rollbackable,
  type Row,
} from '../../rollbackable.ts'

/** State that lives in this process behind two functions: a store, a fake, a module's variable. */
export interface Accessors<T> {
  get(): T
  set(value: T): void
}

/** A system over state in this process. `Handle` is what steps see: the Map, or the accessors. */
export interface MemorySystem<T, Handle> extends Rollbackable<T, Handle> {
  readonly kind: 'tree'
  readonly handle: Handle
  changes(since: T): readonly Change[]
}

/**
 * Rolls back state in this process: the entries of a Map, which stays the same object, or whatever `get` returns and
 * `set` accepts.
 *
 * The state is copied at each mark and each rollback, so it must be plain data: objects, arrays, Map, Set, Date,
 * Buffer. Throws `NOT_CLONEABLE` for anything else; state that is never mutated goes to `immutable()`.
 */
export function memory<K, V>(map: Map<K, V>): MemorySystem<Map<K, V>, Map<K, V>>
export function memory<T>(accessors: Accessors<T>): MemorySystem<T, Accessors<T>>
export function memory<T>(store: Map<unknown, unknown> | Accessors<T>): MemorySystem<unknown, unknown> {
  if (!(store instanceof Map)) return system(store, store, 'memory: copies', (value) => copy(value, refuse))
  const entries = system(entriesOf(store), store, 'memory: copies', (value) => {
    for (const key of (value as Map<unknown, unknown>).keys()) if (typeof key === 'object' && key) refuseKey(key)
    return copy(value, refuse)
  })
  return { ...entries, reset: (options) => removeEntries(store, options) }
}

/**
 * Rolls back immutable state in this process by keeping references: O(1), whatever its size.
 *
 * For stores that replace their state and never mutate it, such as Redux; with anything else every branch would see
 * what the others did, and nothing could find that out.
 */
export function immutable<T>(accessors: Accessors<T>): MemorySystem<T, Accessors<T>> {
  return system(accessors, accessors, 'memory: keeps references', (value) => value)
}

function system<T, Handle>(
  store: Accessors<T>,
  handle: Handle,
  way: string,
  keep: (value: T) => T,
): MemorySystem<T, Handle> {
  return {
    kind: 'tree',
    restores: { data: true },
    way,
    handle,
    checkpoint: () => keep(store.get()),
    rollback: (mark) => store.set(keep(mark)),
    changes: (since) => changesBetween(entries(since), entries(store.get())),
    observe: (): Observation => observation('memory', keep(store.get())),
  }
}

/** The Map itself stays: the application holds it. */
function entriesOf(map: Map<unknown, unknown>): Accessors<unknown> {
  return {
    get: () => map,
    set: (value) => {
      map.clear()
      for (const [key, entry] of value as Map<unknown, unknown>) map.set(key, entry)
    },
  }
}

/** Removes the entries whose keys are listed, all without `only`. */
function removeEntries(map: Map<unknown, unknown>, { only, except = [] }: ResetOptions = {}): void {
  for (const key of map.keys()) {
    const name = String(key)
    if ((only?.includes(name) ?? true) && !except.includes(name)) map.delete(key)
  }
}

/** The parts by which changes are told: entries of a Map, fields of an object, else the whole. */
function entries(state: unknown): ReadonlyMap<unknown, unknown> {
  if (state instanceof Map) return state
  if (typeof state === 'object' && state !== null && !Array.isArray(state)) return new Map(Object.entries(state))
  return new Map([['value', state]])
}

function changesBetween(before: ReadonlyMap<unknown, unknown>, after: ReadonlyMap<unknown, unknown>): Change[] {
  const changes: Change[] = []
  const add = (key: unknown, change: Partial<Change>): void => {
    changes.push({ key: String(key), inserted: [], updated: [], deleted: [], ...change })
  }
  for (const [key, value] of before) {
    if (!after.has(key)) add(key, { deleted: [row(value)] })
    else if (!isDeepStrictEqual(value, after.get(key))) {
      add(key, { updated: [{ before: row(value), after: row(after.get(key)) }] })
    }
  }
  for (const [key, value] of after) if (!before.has(key)) add(key, { inserted: [row(value)] })
  return changes
}

const row = (value: unknown): Row => ({ value })

function refuse(thing: object, at: string): never {
  throw new VenomError(
    'NOT_CLONEABLE',
    `memory: state${at} is ${className(thing)}, which cannot be copied.\n` +
      'A mark is a copy of the state, and a copy of a class instance or a function would not be the same thing.\n' +
      'Let get() return plain data and set() build the thing from it; or, if it is never mutated, use immutable().',
  )
}

function refuseKey(key: object): never {
  throw new VenomError(
    'NOT_CLONEABLE',
    `memory: a key of the Map is an object, ${inspect(key, { depth: 1 })}.\n` +
      'A mark holds a copy of it, so after a rollback the application would not find the entry by its own object.\n' +
      'Use a string or a number as the key; or, if keys and values are never mutated, use immutable().',
  )
}
