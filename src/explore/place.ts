import { types } from 'node:util'
import { isPlain } from './canonical.ts'
import { jsonTextOf } from './json-text.ts'

/** The members of a container: array items, object fields, Map values, Set entries; also of JSON that stands in a text. */
export function membersOf(thing: unknown): readonly (readonly [name: string, value: unknown])[] {
  if (typeof thing === 'string') return membersOf(jsonTextOf(thing)?.value)
  if (typeof thing !== 'object' || thing === null) return []
  if (Array.isArray(thing)) return thing.map((item, i) => [String(i), item] as const)
  if (types.isMap(thing)) return [...thing].map(([key, value]) => [nameOf(key), value] as const)
  if (types.isSet(thing)) return [...thing].map((item, i) => [String(i), item] as const)
  return isPlain(thing) ? Object.entries(thing) : []
}

/** The same container with other members; a member that is `GONE` is left out. */
function withMembers(thing: object, members: readonly unknown[]): unknown {
  const kept = <T>(items: readonly T[]): T[] => items.filter((_, i) => members[i] !== GONE)
  if (Array.isArray(thing)) return kept(members)
  if (types.isMap(thing)) return new Map(kept([...thing.keys()].map((key, i) => [key, members[i]] as const)))
  if (types.isSet(thing)) return new Set(kept(members))
  return Object.fromEntries(kept(Object.keys(thing).map((key, i) => [key, members[i]] as const)))
}

/** Instead of a value: leave it out. */
export const GONE = Symbol('gone')

/**
 * Rebuilds `data` with every value replaced whose place matches one of `patterns`: names joined by dots, `*` for any
 * one name, `**` for any number of them. `db.orders.*.token` is the token of every order. Within a name `*` is any text,
 * `cache.session:*`, and a name may have dots itself, `uploads.ada.txt.content`.
 */
export function replaceAt(
  data: unknown,
  patterns: readonly string[],
  replace: (value: unknown, place: string) => unknown,
): unknown {
  const wanted = patterns.map((pattern) => pattern.split('.'))
  const walk = (value: unknown, place: readonly string[], open: readonly (readonly string[])[]): unknown => {
    if (open.some(isEnd)) return replace(value, place.join('.'))
    if (open.length === 0) return value
    return withEach(value, (member, name) => walk(member, [...place, name], advance(open, name))) ?? value
  }
  return walk(data, [], wanted)
}

/** Rebuilds `data` with every value replaced that holds no other values. */
export function replaceLeaves(data: unknown, replace: (value: unknown) => unknown): unknown {
  return withEach(data, (member) => replaceLeaves(member, replace)) ?? replace(data)
}

/** The same thing with each member replaced: the very same if none is another then, and nothing if it has none. */
function withEach(thing: unknown, replace: (member: unknown, name: string) => unknown): unknown {
  const json = jsonTextOf(thing)
  const holder = json?.value ?? thing
  const members = membersOf(holder)
  if (members.length === 0) return undefined
  const next = members.map(([name, member]) => replace(member, name))
  if (next.every((member, i) => member === members[i]?.[1])) return thing
  const made = withMembers(holder as object, next)
  return json ? json.write(made) : made
}

function isEnd(rest: readonly string[]): boolean {
  return rest.length === 0 || (rest.length === 1 && rest[0] === '**')
}

function advance(open: readonly (readonly string[])[], name: string): readonly (readonly string[])[] {
  return open.flatMap((rest): (readonly string[])[] => {
    const [first, ...others] = rest
    if (first === undefined) return []
    if (first === '**') return [rest, ...advance([others], name)]
    if (fits(first, name)) return [others]
    const parts = name.split('.').length
    return parts > 1 && rest.slice(0, parts).join('.') === name ? [rest.slice(parts)] : []
  })
}

/** Whether a pattern with any number of `*` in it, each for any text, stands for a name. */
function fits(pattern: string, name: string): boolean {
  const [start = '', ...pieces] = pattern.split('*')
  const end = pieces.pop()
  if (end === undefined) return pattern === name
  if (!name.startsWith(start) || !name.endsWith(end) || name.length < start.length + end.length) return false
  let at = start.length
  for (const piece of pieces) {
    at = name.indexOf(piece, at)
    if (at < 0) return false
    at += piece.length
  }
  return at <= name.length - end.length
}

function nameOf(key: unknown): string {
  return typeof key === 'object' && key !== null ? JSON.stringify(key) : String(key)
}
