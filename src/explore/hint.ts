import { isRank, isTime } from './normalize.ts'
import type { Difference } from './why.ts'

/**
 * A UUID, an ObjectId, letters and digits as nanoid, cuid, ulid and their like draw them (words with a number behind
 * them, such as `shop_test-products-v1`, are a name), or an entry of a stream in Redis.
 */
const RANDOM_ID =
  /^[0-9a-f]{8}-[0-9a-f]{4}-|^(?![a-z]*\d*(?:[-_][a-z]*\d*)*$)(?=.*\d)(?=.*[a-z])[\w-]{20,40}$|^[0-9a-f]{24,}$|^\d{13}-\d+$/i

/** As Parse and Meteor draw them. Names look so too, hence only where an id is expected. */
const SHORT_ID = /^(?=.*[a-z])(?=.*[A-Z\d])[a-zA-Z\d_-]{8,19}$/

const A_DAY = 86_400_000

/**
 * The normaliser that would make equal what `one` says. Times and random ids say what they are: of those, all that
 * `found` has are told at once.
 */
export function hint(one: Difference, found: readonly Difference[]): string {
  const random = new Set(found.filter(isRandomId).map(valueOf))
  const isRandom = (other: Difference): boolean => random.has(valueOf(other))
  const kinds = [isClock, isNumberOfClock, isRandom]
  if (kinds.some((is) => is(one))) {
    const [clocks = [], numbers = [], ids = []] = kinds.map((is) => found.filter(is).map(generalPlace))
    const normalize = [
      ...(clocks.length > 0 ? ['time()'] : []),
      ...(numbers.length > 0 ? [`time({ places: ${list(numbers)} })`] : []),
      ...(ids.length > 0 ? [`ids({ id: ${list(ids)} })`] : []),
    ].join(', ')
    if (ids.length === 0) return ` If it is the clock: normalize: [${normalize}], or make the clock a system.`
    if (clocks.length + numbers.length > 0) {
      return ` If they are the clock and random ids: normalize: [${normalize}], with every place they stand in.`
    }
    return ` If it is a random id: normalize: [${normalize}], with every place it stands in.`
  }
  const value = valueOf(one)
  const place = generalPlace(one)
  if (isRank(value)) return ` If it does not matter which time is earlier: normalize: [time({ keep: 'nothing' })].`
  if (Number.isInteger(value) || (typeof value === 'string' && /id$/i.test(one.place) && /^\d+$/.test(value))) {
    return ` If it is a generated id: normalize: [ids({ id: ['${place}'] })].`
  }
  return ` If it does not matter: normalize: [drop('${place}')].`
}

function valueOf({ before, after }: Difference): unknown {
  return before ?? after
}

function isClock(one: Difference): boolean {
  return isTime(valueOf(one))
}

/** Seconds or milliseconds since 1970, within a day of now: what a clock says that is read in each branch. */
function isNumberOfClock(one: Difference): boolean {
  const value = valueOf(one)
  if (typeof value !== 'number' && !(typeof value === 'string' && /^\d{10,13}(\.\d+)?$/.test(value))) return false
  return [1, 1000].some((unit) => Math.abs(Number(value) * unit - Date.now()) < A_DAY)
}

function isRandomId(one: Difference): boolean {
  const value = valueOf(one)
  if (typeof value !== 'string' || isTime(value)) return false
  return RANDOM_ID.test(value) || (/id$/i.test(one.place) && isShortId(one))
}

/** Those that are drawn have one length. */
function isShortId({ before, after }: Difference): boolean {
  const both = [before, after].filter((value) => value !== undefined)
  return both.every(
    (value) => typeof value === 'string' && SHORT_ID.test(value) && value.length === String(both[0]).length,
  )
}

/** As normalisers name it: `db.orders.*.id` for `db.orders.0.id`. */
function generalPlace({ place }: Difference): string {
  const parts = place.split(/([.:/])/)
  return parts.map((part) => (RANDOM_ID.test(part) || /^\d+$/.test(part) ? '*' : part)).join('')
}

function list(places: readonly string[]): string {
  return `[${[...new Set(places)].map((place) => `'${place}'`).join(', ')}]`
}
