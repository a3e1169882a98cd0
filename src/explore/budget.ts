import { VenomError } from '../errors.ts'

/** When an exploration ends that has not seen everything. */
export interface Budget {
  /** In ms, or as text: `'20s'`, `'2m'`, `'500ms'`. */
  readonly time?: number | string
  /** Calls whose result was not known before. */
  readonly steps?: number
  readonly states?: number
}

const UNITS: Readonly<Record<string, number>> = { ms: 1, s: 1000, m: 60_000, h: 3_600_000 }

/** A time in ms. Throws `BAD_ARGUMENT`. */
export function milliseconds(time: number | string): number {
  if (typeof time === 'number') return time
  const [, number, unit] = /^\s*(\d+(?:\.\d+)?)\s*(ms|s|m|h)?\s*$/.exec(time) ?? []
  if (number !== undefined) return Number(number) * UNITS[unit ?? 'ms']!
  throw new VenomError(
    'BAD_ARGUMENT',
    `"${time}" is not a time.\nA budget that cannot be read would never end.\nWrite it as 500 (ms), '500ms', '20s', '2m' or '1h'.`,
  )
}
