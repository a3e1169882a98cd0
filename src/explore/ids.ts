import { canonical } from './canonical.ts'
import type { Normalizer } from './normalize.ts'
import { replaceAt } from './place.ts'

/**
 * Renames generated ids, each kind by the places where it stands: `ids({ order: ['db.orders.*.id', 'ctx.orders.*'] })`.
 *
 * An id becomes `order 1`, `order 2`, by what else its rows say, so that states are equal that differ in nothing but the
 * ids they drew. Rows that were ordered by such ids need `sort()` after it. Where rows are alike in all else, the order
 * they come in decides: that may keep equal states apart, and never makes different ones equal.
 */
export function ids(kinds: Readonly<Record<string, readonly string[]>>): Normalizer {
  return (data) => {
    let renamed = data
    for (const [kind, places] of Object.entries(kinds)) renamed = rename(renamed, kind, places)
    return renamed
  }
}

/** Twice: what an id's rows say, then what the ids in them say. */
const ROUNDS = 2

function rename(data: unknown, kind: string, places: readonly string[]): unknown {
  const colours = new Map<string, string>()
  replaceAt(data, places, (id) => {
    colours.set(canonical(id), '')
    return id
  })
  const rows = [...new Set(places.map(rowOf))]
  for (let round = 0; round < ROUNDS; round++) {
    const seen = new Map<string, string[]>()
    replaceAt(data, rows, (row) => {
      const own: string[] = []
      const told = canonical(masked(row, places, rows, (id) => (own.push(id), colours.get(id))))
      for (const [at, id] of own.entries()) seen.set(id, [...(seen.get(id) ?? []), `${at} ${told}`])
      return row
    })
    for (const [id, told] of seen) colours.set(id, told.toSorted().join('\n'))
  }
  const order = [...colours].map(([id, colour], at) => ({ id, colour, at })).toSorted(byColour)
  const names = new Map(order.map(({ id }, at) => [id, `${kind} ${at + 1}`]))
  return replaceAt(data, places, (id) => names.get(canonical(id)))
}

/** A row with the ids in it replaced: the same places, seen from the row. */
function masked(
  row: unknown,
  places: readonly string[],
  rows: readonly string[],
  colour: (id: string) => string | undefined,
): unknown {
  const inside = places
    .filter((place) => rows.includes(rowOf(place)))
    .map((place) => place.slice(rowOf(place).length + 1))
  return replaceAt(row, [...new Set(inside)], (id) => colour(canonical(id)))
}

/** Where the thing stands that has the id: `db.orders.*` of `db.orders.*.id`. */
function rowOf(place: string): string {
  return place.slice(0, Math.max(place.lastIndexOf('.'), 0))
}

function byColour(a: { colour: string; at: number }, b: { colour: string; at: number }): number {
  if (a.colour === b.colour) return a.at - b.at
  return a.colour < b.colour ? -1 : 1
}
