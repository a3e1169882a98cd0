import { types } from 'node:util'
import type { Observation } from '../rollbackable.ts'
import { canonical, isPlain } from './canonical.ts'
import { look } from './identity.ts'
import { jsonTextOf } from './json-text.ts'
import type { Normalizer } from './normalize.ts'

/** One place in which two states differ. */
export interface Difference {
  /** `db.orders.0.status` */
  readonly place: string
  /** Absent where the place is only in the other state. */
  readonly before?: unknown
  readonly after?: unknown
}

/** Why two observations are the same state, or are not. */
export interface Why {
  readonly same: boolean
  readonly differences: readonly Difference[]
  /** For people. */
  readonly text: string
}

/** Says why two observations of a world are one state or two: `why(await world.observe(), …)`. */
export function why(
  a: Readonly<Record<string, Observation>>,
  b: Readonly<Record<string, Observation>>,
  normalize: readonly Normalizer[] = [],
): Why {
  const [first, second] = [look(a, normalize), look(b, normalize)]
  const same = first.id === second.id
  const found = differences(first.data, second.data)
  const plain = differences(first.raw, second.raw)
  if (!same) return { same, differences: found, text: `They differ:\n${found.map(line).join('\n')}` }
  if (plain.length === 0) return { same, differences: [], text: 'They are the same: their data is equal.' }
  const text = `They are the same: normalize makes equal what differs in\n${plain.map(line).join('\n')}`
  return { same, differences: [], text }
}

/** Where two values differ, in their order; also within JSON that stands in texts. */
export function differences(before: unknown, after: unknown, place = ''): Difference[] {
  const [was, is] = fieldsOfBoth(before, after)
  if (!was || !is) {
    return canonical(before) === canonical(after) ? [] : [{ place, before, after }]
  }
  const found: Difference[] = []
  for (const name of new Set([...was.keys(), ...is.keys()])) {
    const at = place === '' ? name : `${place}.${name}`
    if (!was.has(name)) found.push({ place: at, after: is.get(name) })
    else if (!is.has(name)) found.push({ place: at, before: was.get(name) })
    else found.push(...differences(was.get(name), is.get(name), at))
  }
  return found
}

const SHOWN = 60

/** `db.orders.0.status "paid" → "refunded"` */
export function line({ place, ...sides }: Difference): string {
  if (!('before' in sides)) return `${place} + ${shortened(canonical(sides.after))}`
  if (!('after' in sides)) return `${place} − ${shortened(canonical(sides.before))}`
  const [before, after] = [canonical(sides.before), canonical(sides.after)]
  const from = Math.max(before.length, after.length) > SHOWN ? equalStart(before, after) - LEAD : 0
  return `${place} ${shortened(before, from)} → ${shortened(after, from)}`
}

/** How much of what is equal is shown before what differs in a long text. */
const LEAD = 16

function equalStart(a: string, b: string): number {
  let length = 0
  while (length < a.length && a[length] === b[length]) length += 1
  return length
}

/** So much of a long text as fits into a line, from a place on. */
export function shortened(text: string, from = 0): string {
  const rest = from > 0 ? `…${text.slice(from)}` : text
  return rest.length > SHOWN ? `${rest.slice(0, SHOWN - 1)}…` : rest
}

/** Two texts of JSON have fields where they are of one format: where they are not, they differ as they stand. */
function fieldsOfBoth(before: unknown, after: unknown): readonly (ReadonlyMap<string, unknown> | undefined)[] {
  const [was, is] = [jsonTextOf(before), jsonTextOf(after)]
  return was && was.write === is?.write ? [fields(was.value), fields(is.value)] : [fields(before), fields(after)]
}

function fields(value: unknown): ReadonlyMap<string, unknown> | undefined {
  if (typeof value !== 'object' || value === null) return undefined
  if (Array.isArray(value)) return new Map(value.map((item, i) => [String(i), item]))
  if (types.isMap(value))
    return new Map([...value].map(([key, item]) => [typeof key === 'string' ? key : canonical(key), item]))
  return isPlain(value) ? new Map(Object.entries(value)) : undefined
}
