import { good } from './connection.ts'
import { type Command, type Reply, ReplyError } from './resp.ts'

/** A key as it was at one moment, in the server's own serialised form. A key that is not there is `null`. */
export interface Image {
  readonly payload: Buffer
  /** When it expires, in ms on the clock of {@link Clock}; null for never. */
  readonly deadline: number | null
  /** By how many ms the deadline is later than the application set it: what rollbacks left off. */
  readonly strayed?: number
}

/** The kinds of values. A module's value, and one newer than this table, is only bytes to us. */
export type Kind = 'string' | 'list' | 'set' | 'zset' | 'hash' | 'stream' | 'other'

/** The first byte of a payload: RDB_TYPE_* in rdb.h of Redis 8.0 and Valkey 8.0. */
const KINDS: Readonly<Record<number, Kind>> = {
  0: 'string',
  1: 'list',
  2: 'set',
  3: 'zset',
  4: 'hash',
  5: 'zset',
  9: 'hash',
  10: 'list',
  11: 'set',
  12: 'zset',
  13: 'hash',
  14: 'list',
  15: 'stream',
  16: 'hash',
  17: 'zset',
  18: 'list',
  19: 'stream',
  20: 'set',
  21: 'stream',
  22: 'hash',
  23: 'hash',
  24: 'hash',
  25: 'hash',
}

/** What kind of value an image holds. */
export function kindOf(image: Image): Kind {
  return KINDS[image.payload[0] ?? -1] ?? 'other'
}

/** Whether two images restore to the same bytes and the same expiry. */
export function sameImage(a: Image | null, b: Image | null): boolean {
  if (a === b) return true
  return a !== null && b !== null && a.deadline === b.deadline && a.payload.equals(b.payload)
}

/** The image, or null when its time is over at `now`. */
export function alive(image: Image | null, now: number): Image | null {
  return image !== null && (image.deadline === null || image.deadline > now) ? image : null
}

/** Two commands that together give the image of a key. */
export function readImage(key: string, exact: boolean): readonly Command[] {
  return [
    ['DUMP', key],
    [exact ? 'PEXPIRETIME' : 'PTTL', key],
  ]
}

/** The payload and the server's time of expiry in two replies to {@link readImage}, or null for no key. */
export function imageIn(
  dump: Reply | undefined,
  expiry: Reply | undefined,
  exact: boolean,
  now: number,
): { payload: Buffer; expires: number | null } | null {
  const payload = good(dump)
  const time = good(expiry)
  if (!Buffer.isBuffer(payload) || typeof time !== 'number' || time === -2) return null
  if (time === -1) return { payload, expires: null }
  return { payload, expires: exact ? time : now + time }
}

/** The replies of a transaction's commands: one reply each, in the reply to EXEC. */
export function inTransaction(commands: readonly Command[]): readonly Command[] {
  return [['MULTI'], ...commands, ['EXEC']]
}

/** What a transaction's commands answered. Throws the first error, also one inside the transaction. */
export function outOfTransaction(replies: readonly Reply[]): readonly Reply[] {
  const results = replies.at(-1)
  // A command refused while it was queued says why; EXEC then only says EXECABORT.
  for (const reply of replies) if (reply instanceof ReplyError && reply.kind !== 'EXECABORT') throw reply
  good(results)
  if (!Array.isArray(results)) throw new ReplyError('ERR EXEC gave no results')
  for (const result of results as readonly Reply[]) good(result)
  return results as readonly Reply[]
}
