import { types } from 'node:util'
import type { Observation } from '../rollbackable.ts'
import { canonical, isPlain } from './canonical.ts'
import { look } from './identity.ts'
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

/** Where two values differ, in their order. */
export function differences(before: unknown, after: unknown, place = ''): Difference[] {
  const [was, is] = [fields(before), fields(after)]
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
  const text = (value: unknown): string => {
    const whole = canonical(value)
    return whole.length > SHOWN ? `${whole.slice(0, SHOWN - 1)}…` : whole
  }
  if (!('before' in sides)) return `${place} + ${text(sides.after)}`
  if (!('after' in sides)) return `${place} − ${text(sides.before)}`
  return `${place} ${text(sides.before)} → ${text(sides.after)}`
}

function fields(value: unknown): ReadonlyMap<string, unknown> | undefined {
  if (typeof value !== 'object' || value === null) return undefined
  if (Array.isArray(value)) return new Map(value.map((item, i) => [String(i), item]))
  if (types.isMap(value))
    return new Map([...value].map(([key, item]) => [typeof key === 'string' ? key : canonical(key), item]))
  return isPlain(value) ? new Map(Object.entries(value)) : undefined
}
