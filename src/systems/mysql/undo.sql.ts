import { firesForNothing } from './capture.sql.ts'
import { list, name } from './sql.ts'
import { insertable, type Places, type Tracked } from './tracked.ts'

/**
 * What puts a table back to how it was at `since`: every row with an entry since then goes, and of each the oldest
 * entry comes back if it says that there was a row. Rows change places with each other without a conflict, since all
 * of them go before one comes.
 *
 * `columns` are those that the table has, where that is not what the log has.
 */
export function undo(
  { own, table }: Places,
  tracked: Tracked,
  since: bigint,
  columns?: readonly string[],
): readonly string[] {
  const log = own(`u${tracked.number}`)
  const user = table(tracked.table.name)
  const known = tracked.key.map(({ column, as }) => `t.${name(column.name)} = l.${as}`).join(' AND ')
  const back = insertable(tracked).filter(({ column }) => columns?.includes(column.name) ?? true)
  const key = list(tracked.key.map(({ as }) => as))
  return [
    `DELETE t FROM ${log} AS l STRAIGHT_JOIN ${user} AS t ON ${known} WHERE l.seq > ${since}`,
    `INSERT INTO ${user} (${list(back.map(({ column }) => name(column.name)))}) ` +
      `SELECT ${list(back.map(({ as }) => `l.${as}`))} FROM ${log} AS l ` +
      `JOIN (SELECT MIN(seq) AS seq FROM ${log} WHERE seq > ${since} GROUP BY ${key}) AS f ON f.seq = l.seq WHERE l.was = 1`,
  ]
}

/** What forgets the entries after `seq`, up to `until`. */
export function forget(places: Places, tracked: Tracked, seq: bigint, until?: bigint): readonly string[] {
  const end = until === undefined ? '' : ` AND seq <= ${until}`
  return [`DELETE FROM ${places.own(`u${tracked.number}`)} WHERE seq > ${seq}${end}`, firesForNothing(places, tracked)]
}

/** What gives a table its next generated id back. */
export function nextId({ table }: Places, of: string, next: bigint): string {
  return `ALTER TABLE ${table(of)} AUTO_INCREMENT = ${next}`
}
