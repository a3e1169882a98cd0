import { types } from 'node:util'
import { canonical } from './canonical.ts'
import { GONE, replaceAt, replaceLeaves } from './place.ts'

/** Makes states equal that differ in nothing that matters. Gets the data of all systems by name, and `ctx`. */
export type Normalizer = (data: unknown) => unknown

/** Leaves out what matches: `drop('**.created_at', 'db.sessions')`. */
export function drop(...places: readonly string[]): Normalizer {
  return (data) => replaceAt(data, places, () => GONE)
}

/** Rounds numbers: `round(['db.payments.*.rate'], 2)`. */
export function round(places: readonly string[], digits: number): Normalizer {
  const factor = 10 ** digits
  return (data) =>
    replaceAt(data, places, (value) => (typeof value === 'number' ? Math.round(value * factor) / factor : value))
}

/** Puts arrays into an order of their own, where the order they come in means nothing. */
export function sort(...places: readonly string[]): Normalizer {
  return (data) =>
    replaceAt(data, places, (value) =>
      Array.isArray(value)
        ? value
            .map((item: unknown) => ({ item, text: canonical(item) }))
            .toSorted(byText)
            .map(({ item }) => item)
        : value,
    )
}

/** How `time()` treats what it finds. */
export interface TimeOptions {
  /** Where times are, numbers and digits in text too. Default: every Date, and every string that is an ISO 8601 time. */
  readonly places?: readonly string[]
  /** `'order'` (default) keeps which is earlier; `'nothing'` makes all times equal. */
  readonly keep?: 'order' | 'nothing'
}

const ISO_TIME = /^\d{4}-\d\d-\d\d[T ]\d\d:\d\d(:\d\d(\.\d+)?)?(Z|[+-]\d\d(:?\d\d)?)?$/

/** Takes the clock out of states: a time becomes its rank among all times of the state. */
export function time({ places, keep = 'order' }: TimeOptions = {}): Normalizer {
  const visit = (data: unknown, found: (ms: number, value: unknown) => unknown): unknown => {
    const replace = (value: unknown): unknown => {
      const ms = msOf(value, places !== undefined)
      return ms === undefined ? value : found(ms, value)
    }
    return places === undefined ? replaceLeaves(data, replace) : replaceAt(data, places, replace)
  }
  return (data) => {
    const times = new Set<number>()
    visit(data, (ms, value) => (times.add(ms), value))
    const ranks = new Map([...times].toSorted((a, b) => a - b).map((ms, rank) => [ms, rank]))
    return visit(data, (ms) => (keep === 'order' ? `time ${ranks.get(ms)}` : 'time'))
  }
}

/** Whether a value is a time by itself: a Date, or a string in ISO 8601. */
export function isTime(value: unknown): boolean {
  return msOf(value, false) !== undefined
}

/** Whether a value is what `time()` makes of one. */
export function isRank(value: unknown): boolean {
  return typeof value === 'string' && /^time \d+$/.test(value)
}

function msOf(value: unknown, vouchedFor: boolean): number | undefined {
  if (types.isDate(value)) return value.getTime()
  if (typeof value === 'string' && ISO_TIME.test(value)) {
    const ms = Date.parse(value) + belowMs(value)
    return Number.isNaN(ms) ? undefined : ms // such as MySQL's 0000-00-00 00:00:00
  }
  if (!vouchedFor) return undefined
  if (typeof value === 'number') return value
  // As Redis keeps numbers, and drivers of SQL databases large ones.
  return typeof value === 'string' && /^\d+(\.\d+)?$/.test(value) ? Number(value) : undefined
}

/** What a time in text says below its milliseconds, which Dates leave out, in ms. */
function belowMs(text: string): number {
  const [, digits = ''] = /\.\d{3}(\d+)/.exec(text) ?? []
  return Number(`0.${digits}`)
}

function byText(a: { text: string }, b: { text: string }): number {
  return a.text < b.text ? -1 : Number(a.text > b.text)
}
