import { types } from 'node:util'
import { isPlain } from './canonical.ts'

/** The members of a container: array items, object fields, Map values, Set entries. */
export function membersOf(thing: unknown): readonly (readonly [name: string, value: unknown])[] {
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
    const members = membersOf(value)
    if (members.length === 0) return value
    const next = members.map(([name, member]) => walk(member, [...place, name], advance(open, name)))
    return next.every((member, i) => member === members[i]?.[1]) ? value : withMembers(value as object, next)
  }
  return walk(data, [], wanted)
}

/** Rebuilds `data` with every value replaced that holds no other values. */
export function replaceLeaves(data: unknown, replace: (value: unknown) => unknown): unknown {
  const members = membersOf(data)
  if (members.length === 0) return replace(data)
  const next = members.map(([, member]) => replaceLeaves(member, replace))
  return next.every((member, i) => member === members[i]?.[1]) ? data : withMembers(data as object, next)
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
